"""What a failed case leaves alive ends with it, and not in the next one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.conftest import OutsideDriver, RunCts
from tests.outside_drivers import driver_source

CASES = """
    import gc
    import outside_driver

    @pytest.mark.spec("STB-7")
    def test_1_fails_and_forgets(new_device, device_group):
        device = new_device()
        new_device.forget(device)
        held = DeviceGroup.from_device(device)
        assert device_group.device_count == 3

    @pytest.mark.spec("STB-7")
    def test_2_nothing_is_left_but_the_sessions_group(device_group):
        gc.collect()
        assert outside_driver.alive == 2
        device_group.device_at(1).query_capabilities()

    @pytest.mark.spec("STB-7")
    def test_3_fails_after_the_device_of_its_group_has_gone(new_device):
        with new_device() as device:
            new_device.forget(device)
            assert device.query_capabilities() is None

    kept = []

    @pytest.mark.spec("STB-7")
    def test_4_keeps_a_device_and_passes(new_device):
        kept.append(new_device())
        new_device.forget(kept[0])
        kept[0].query_capabilities()

    @pytest.mark.spec("STB-7")
    def test_5_it_is_alive():
        kept[0].query_capabilities()
        kept.pop().release()
"""


def test_a_failed_case_leaves_nothing_alive(
    cts: RunCts, case_file: Callable[[str], Path], outside_driver: OutsideDriver
) -> None:
    outside_driver(driver_source())
    run = cts("--driver=outside", "--isolate=off", "-W", "error", case_file(CASES))
    outcomes = [case.outcome for case in run.cases]
    assert outcomes == ["fail", "pass", "fail", "pass"], run.text  # the last uses no driver fixture
    assert "3 passed" in run.text
