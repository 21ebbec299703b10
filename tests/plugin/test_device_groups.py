"""The session's device group of each driver: built once, whatever the order of the cases."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import OutsideDriver, RunCts
from tests.outside_drivers import PASSING_CASE, driver_source

CaseFile = Callable[[str], Path]

ALTERNATING = """
    def pytest_collection_modifyitems(items):
        items.sort(key=lambda item: item.nodeid.rpartition("[")[0], reverse=True)
"""
REVERSED = """
    def pytest_collection_modifyitems(items):
        items.reverse()
"""
SHARED_CASES = """
    SEEN = {}

    def check(device_group, driver):
        devices = [device_group.device_at(i) for i in range(device_group.device_count)]
        assert len(devices) == 2
        for index, device in enumerate(devices):
            assert device.topology_info.topology_index == index
            assert device.topology_info.topology is device_group.topology
            assert device.made_from.path == f"{driver}/{index}"
        assert SEEN.setdefault(driver, device_group) is device_group

    @pytest.mark.spec("STB-3")
    def test_a(device_group, hal_driver):
        check(device_group, hal_driver.name)

    @pytest.mark.spec("STB-3")
    def test_b(new_device, device_group, hal_driver):
        assert new_device().topology_info is None
        check(device_group, hal_driver.name)

    @pytest.mark.spec("STB-3")
    def test_c(device_groups, hal_driver):
        check(device_groups[hal_driver.name], hal_driver.name)
        assert list(device_groups) == [hal_driver.name]  # each driver has a process of its own
        assert len(device_groups) == 1

    @pytest.mark.spec("STB-3")
    def test_d(new_group):
        assert new_group(count=3).device_count == 3
"""
LIMITED_CASES = """
    @pytest.mark.spec("STB-7")
    def test_a_group(device_group):
        assert device_group.device_at(0).topology_info

    @pytest.mark.spec("STB-7")
    def test_b_new(new_device):
        assert new_device().query_capabilities() is not None

    @pytest.mark.spec("STB-7")
    @pytest.mark.needs(devices=2)
    def test_c_two(new_group):
        new_group(count=2)

    @pytest.mark.spec("STB-7")
    @pytest.mark.needs(devices=3)
    def test_d_three(new_group):
        new_group(count=3)

    @pytest.mark.spec("STB-7")
    def test_e_beside(device_group, new_device):
        assert new_device().topology_info is None

    @pytest.mark.spec("STB-7")
    def test_f_group(device_group):
        assert device_group.device_at(0).topology_info
"""
LIMITS: dict[str, tuple[str, str, int]] = {
    "one": ("work=False, max_devices=1", "..uuu.", 2),
    "two": ("work=False, max_devices=2", "...uu.", 2),
    "three": ("work=False, max_devices=3", "......", 2),
    "six": ("work=False, max_devices=6", "......", 1),
    "any": ("work=False", "......", 1),
}
"""By driver: its properties, its cases' outcomes, and how often its group is built."""


@pytest.mark.parametrize(
    "order", ["", ALTERNATING, REVERSED], ids=["file", "alternating", "reversed"]
)
def test_each_group_is_built_once_and_its_devices_know_their_place(
    cts: RunCts,
    case_file: CaseFile,
    outside_driver: OutsideDriver,
    pytester: pytest.Pytester,
    order: str,
) -> None:
    for name in ("one", "two"):
        outside_driver(driver_source(name), name)
    pytester.makeconftest(order)
    run = cts("--driver=one,two", "-v", case_file(SHARED_CASES))
    assert run.ret == 0
    assert {case.outcome for case in run.cases} == {"pass"}
    assert len(run.cases) == 8
    assert run.driver("one").groups_built == run.driver("two").groups_built == 1
    if order == ALTERNATING:
        assert re.findall(r"\[(one|two)\] PASSED", run.text)[:3] == ["one", "two", "one"]


@pytest.mark.parametrize("order", ["", REVERSED], ids=["file", "reversed"])
def test_a_driver_that_has_few_devices_runs_what_it_can(
    cts: RunCts,
    case_file: CaseFile,
    outside_driver: OutsideDriver,
    pytester: pytest.Pytester,
    order: str,
) -> None:
    """Its group makes room for cases that need the devices, and is built again."""
    for name, (properties, _, _) in LIMITS.items():
        outside_driver(driver_source(name, properties=properties), name)
    pytester.makeconftest(order)
    run = cts(f"--driver={','.join(LIMITS)}", case_file(LIMITED_CASES))
    assert run.ret == 0
    letters = {"pass": ".", "unsupported": "u"}
    for name, (_, outcomes, built) in LIMITS.items():
        found = dict(sorted(run.outcomes(name).items()))
        assert "".join(letters.get(outcome, outcome) for outcome in found.values()) == outcomes
        assert run.driver(name).groups_built == built, name


def test_a_group_that_cannot_be_formed_blocks_the_cases_that_use_it(
    cts: RunCts, case_file: CaseFile, outside_driver: OutsideDriver
) -> None:
    error = "HalError(StatusCode.RESOURCE_EXHAUSTED, 'make', 'one\\nonly')"
    outside_driver(driver_source(create_device=f"if alive: raise {error}"))
    new = """
    @pytest.mark.spec("STB-7")
    def test_new(new_device):
        new_device().query_capabilities()
"""
    run = cts("--driver=outside", "--hal-probe=off", case_file(PASSING_CASE + new))
    assert [case.outcome for case in run.cases] == ["blocked", "pass"]
    cause = "the device group cannot be formed: RESOURCE_EXHAUSTED: make: one only"
    assert run.cases[0].message == cause
    assert run.driver("outside").groups_built == 0
    assert f"outside: {cause} (1 cases blocked)" in run.text
    assert run.ret == 1
