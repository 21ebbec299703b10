"""`--device`: only the devices whose path or name matches a pattern take part."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import OutsideDriver, RunCts
from tests.outside_drivers import driver_source

CaseFile = Callable[[str], Path]

DEVICES_CASE = """
    @pytest.mark.spec("STB-7")
    @pytest.mark.parametrize("path", ["outside/0", "outside/1", "outside/2"])
    def test_made_from(new_device, device_group, path):
        devices = [*new_device.many(4), device_group.device_at(0), device_group.device_at(1)]
        for device in devices:
            device.query_capabilities()
        assert path in {device.made_from.path for device in devices}
"""
FIRST_IS_BROKEN = "if self.made_from.path == 'outside/0': raise RuntimeError('worn out')"


@pytest.mark.parametrize(
    ("pattern", "used"),
    [
        ("outside/1", {"outside/1"}),
        ("Outside [12]", {"outside/1", "outside/2"}),
    ],
    ids=["path", "name"],
)
def test_only_matching_devices_are_used(
    cts: RunCts, case_file: CaseFile, outside_driver: OutsideDriver, pattern: str, used: set[str]
) -> None:
    """Neither by cases and the session's group nor by the probe: the first one is broken."""
    outside_driver(driver_source(devices="3", query_capabilities=FIRST_IS_BROKEN))
    run = cts("--driver=outside", f"--device={pattern}", case_file(DEVICES_CASE))
    passed = {case.case for case in run.cases if case.outcome == "pass"}
    assert passed == {f"area/test_it::test_made_from[{path}]" for path in used}
    assert len(run.cases) == 3
    assert {case.outcome for case in run.cases} == {"pass", "fail"}
    assert run.driver("outside").slot_faults == {}


@pytest.mark.parametrize("probe", ["on", "off"])
def test_a_named_driver_without_a_match_ends_the_session(
    cts: RunCts, case_file: CaseFile, outside_driver: OutsideDriver, probe: str
) -> None:
    outside_driver(driver_source())
    outside_driver(driver_source("other"), "other")
    run = cts(
        "--driver=other,outside",
        "--device=other/*",
        f"--hal-probe={probe}",
        case_file(DEVICES_CASE),
    )
    assert run.ret == 4
    assert run.records == []
    assert (
        "ERROR: driver 'outside': --device 'other/*' matches none of:"
        " 'outside/0' (Outside 0), 'outside/1' (Outside 1)"
    ) in run.text
    assert "driver 'other'" not in run.text


def test_drivers_that_were_not_named_are_left_out_without_a_match(
    cts: RunCts, case_file: CaseFile, outside_driver: OutsideDriver
) -> None:
    outside_driver(driver_source())
    outside_driver(driver_source("other"), "other")
    run = cts("--device=outside/1", case_file(DEVICES_CASE))
    assert {case.driver for case in run.cases} == {"outside"}
    assert (
        "hal-cts: not here: other: --device 'outside/1' matches none of:"
        " 'other/0' (Outside 0), 'other/1' (Outside 1)"
    ) in run.text


@pytest.mark.parametrize("workers", [0, 2])
def test_no_match_at_all_ends_the_session(
    cts: RunCts, case_file: CaseFile, outside_driver: OutsideDriver, workers: int
) -> None:
    outside_driver(driver_source())
    run = cts("--device=nothing like it", f"-n{workers}", case_file(DEVICES_CASE))
    assert run.ret == 4
    assert run.cases == []
    assert "--device: no driver is left:" in run.text
    assert "outside: --device 'nothing like it' matches none of: 'outside/0'" in run.text
