"""The regression that started it all, replayed: one driver of eight with stubs in the new slots.

The Vulkan driver of then had no field for topology info, an `assign_topology_info` that asserted
and a `query_capabilities` that answered UNIMPLEMENTED. For each fault alone, and for all together:
exactly the stub cases of the broken slots fail, by themselves; every other case is blocked; the
first line under the cases names driver, slot and fault. The same driver mended passes.
"""

from __future__ import annotations

import itertools
import re

import pytest

from .conftest import CtsRun, OutsideDriver, RunCts

SOUND = """
    from cts.hal import *


    class OutsideDevice(Device):
        driver_name = "outside"

        def __init__(self, number):
            super().__init__()
            self._number = number
            self._topology = TopologyAssignment(self)

        @property
        @slot()
        def identifier(self):
            return f"outside:{self._number}"

        @slot()
        def query_capabilities(self):
            return DeviceCapabilities()

        @property
        @slot()
        def topology_info(self):
            return self._topology.info

        @slot()
        def assign_topology_info(self, info):
            self._topology.assign(info)

        @slot()
        def refine_topology_edge(self, dst, edge):
            return edge


    class OutsideDriver(Driver):
        name = "outside"
        native = False
        properties = DriverProperties(work=False)
        made = 0

        def enumerate(self):
            return [DeviceInfo(path="outside:0", name="Outside", obtained_on="software")]

        def create_device(self, info=None):
            self.made += 1
            return OutsideDevice(self.made)
"""

FAULTS = {
    "query_capabilities": (
        "return DeviceCapabilities()",
        "raise unimplemented(self, 'query_capabilities')",
    ),
    "topology_info": ("return self._topology.info", "return self._topology_info"),
    "assign_topology_info": ("self._topology.assign(info)", "assert False, 'not yet'"),
}
"""By slot: a line of the sound driver, and what stood there instead."""

SHOWN = {
    "query_capabilities": "UNIMPLEMENTED",
    "topology_info": "AttributeError",
    "assign_topology_info": "AssertionError",
}
"""By slot: what the line that names it says of the fault."""

STUB_CASES = {
    "query_capabilities": {
        "stubs/test_core_slots::test_slot_is_implemented[query_capabilities]",
        "stubs/test_query_capabilities::test_a_fresh_device_answers",
        "stubs/test_query_capabilities::test_a_second_answer_is_equal",
        "topology/test_capabilities::test_are_well_formed",
    },
    "topology_info": {
        "stubs/test_core_slots::test_slot_is_implemented[topology_info]",
        "stubs/test_topology_info::test_is_none_outside_a_group",
    },
    "assign_topology_info": {
        "stubs/test_core_slots::test_slot_is_implemented[assign_topology_info]",
        "stubs/test_assign_topology_info::test_a_second_assignment_is_refused",
        "stubs/test_assign_topology_info::test_none_is_taken_where_nothing_was_assigned",
        "stubs/test_assign_topology_info::test_none_takes_it_back",
    },
}
"""By slot: the cases that judge it."""

ALONE_AND_TOGETHER = [
    *((name,) for name in FAULTS),
    tuple(FAULTS),
]


def driver_with(faults: tuple[str, ...]) -> str:
    """The source of the driver with these slots broken."""
    source = SOUND
    for slot in faults:
        sound, broken = FAULTS[slot]
        assert sound in source
        source = source.replace(sound, broken)
    return source


def run_suites(cts: RunCts, probe: str) -> CtsRun:
    """A session of all suites on the driver."""
    return cts("--pyargs", "cts.suites", "--driver=outside", f"--hal-probe={probe}")


def line_under_the_cases(text: str) -> str:
    """The first line after those with the cases' letters and percentages."""
    lines = text.splitlines()
    last = max(i for i, line in enumerate(lines) if re.search(r"\[ *\d+%\]$", line))
    return next(line for line in lines[last + 1 :] if line.strip())


@pytest.mark.parametrize("probe", ["on", "off"])
@pytest.mark.parametrize("faults", ALONE_AND_TOGETHER, ids="+".join)
def test_only_the_stub_cases_of_broken_slots_fail(
    cts: RunCts, outside_driver: OutsideDriver, faults: tuple[str, ...], probe: str
) -> None:
    outside_driver(driver_with(faults))
    run = run_suites(cts, probe)
    outcomes = run.outcomes("outside")
    expected = set(itertools.chain.from_iterable(STUB_CASES[slot] for slot in faults))
    failed = {case for case, outcome in outcomes.items() if outcome == "fail"}
    blocked = {case for case, outcome in outcomes.items() if outcome == "blocked"}
    assert failed == expected
    assert len(failed) == len(expected)
    assert blocked == outcomes.keys() - expected
    assert len(blocked) == len(outcomes) - len(expected) > 100
    assert run.ret == 1
    first = line_under_the_cases(run.text)
    assert first.startswith(f"outside: {faults[0]}: ")
    assert SHOWN[faults[0]] in first
    for slot in faults:  # each named once
        assert len(re.findall(rf"^outside: {slot}: .*{SHOWN[slot]}", run.text, re.MULTILINE)) == 1


def test_the_same_driver_mended_passes(cts: RunCts, outside_driver: OutsideDriver) -> None:
    outside_driver(SOUND)
    run = run_suites(cts, "on")
    outcomes = run.outcomes("outside")
    assert run.ret == 0
    assert set(outcomes.values()) == {"pass", "unsupported"}
    for cases in STUB_CASES.values():
        assert {outcomes[case] for case in cases} == {"pass"}
