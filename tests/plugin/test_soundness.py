"""A case that passes and leaves a device that works no more fails, and no other one with it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.conftest import OutsideDriver, RunCts

FRAGILE = """
from cts import registry
from cts.hal import DeviceGroup, HalError, StatusCode

Good = registry.load("local-sync")


class OutsideDriver(Good):
    name = "outside"

    def create_device(self, info=None):
        device = super().create_device(info)
        device.driver_name = "outside"
        if not hasattr(type(device), "barrier_of_good"):
            type(device).barrier_of_good = type(device).queue_barrier
            type(device).queue_barrier = queue_barrier
        return device


def queue_barrier(self, **lists):
    if not lists:
        self.lost = True
    elif hasattr(self, "lost"):
        raise HalError(StatusCode.DATA_LOSS, "Device.queue_barrier", "the device is lost")
    else:
        self.barrier_of_good(**lists)
"""
CASES = """
    @pytest.mark.spec("QUE-4")
    def test_1_is_fine(device_group):
        device_group.device_at(0).queue_barrier(wait=[], signal=[])

    @pytest.mark.spec("QUE-4")
    def test_2_loses_a_device(device_group):
        device_group.device_at(1).queue_barrier()

    @pytest.mark.spec("QUE-4")
    def test_3_loses_a_device_and_says_so(device_group):
        device_group.device_at(1).queue_barrier()
        assert False, "it is lost"

    @pytest.mark.spec("QUE-4")
    def test_4_loses_one_of_its_own(new_device):
        with DeviceGroup.from_device(new_device()) as group:
            group.device_at(0).queue_barrier()

    @pytest.mark.spec("QUE-4")
    def test_5_is_fine(device_group):
        device_group.device_at(1).queue_barrier(wait=[], signal=[])

    @pytest.mark.spec("QUE-4")
    def test_6_uses_the_other_device(device_group):
        device_group.device_at(0).queue_barrier(wait=[], signal=[])
"""
ALWAYS_BROKEN = FRAGILE.replace('elif hasattr(self, "lost")', "else")


def test_it_fails_with_what_is_wrong(
    cts: RunCts, case_file: Callable[[str], Path], outside_driver: OutsideDriver
) -> None:
    """In children, where the next case has a fresh device."""
    outside_driver(FRAGILE)
    run = cts("--driver=outside", case_file(CASES))
    assert [case.outcome for case in run.cases] == [
        "pass",
        "fail",
        "fail",
        "pass",
        "pass",
        "pass",
    ], run.text
    message = run.cases[1].message
    assert "after the case device 1 of the group works no more: DATA_LOSS" in message
    assert "the device is lost" in message
    assert "it is lost" in run.cases[2].message
    assert "works no more" not in run.cases[2].message


def test_a_driver_whose_barrier_never_works_is_judged_by_its_cases(
    cts: RunCts, case_file: Callable[[str], Path], outside_driver: OutsideDriver
) -> None:
    outside_driver(
        FRAGILE.replace(
            'if not lists:\n        self.lost = True\n    elif hasattr(self, "lost"):', "if lists:"
        )
    )
    run = cts("--driver=outside", case_file(CASES.replace("wait=[], signal=[]", "")))
    assert not any("works no more" in case.message for case in run.cases), run.text


def test_without_children_one_case_is_blamed(
    cts: RunCts, case_file: Callable[[str], Path], outside_driver: OutsideDriver
) -> None:
    """The device stays as it is, and those after it are judged by what they do."""
    outside_driver(FRAGILE)
    run = cts("--driver=outside", "--isolate=off", case_file(CASES))
    blamed = [case.case for case in run.cases if "works no more" in case.message]
    assert [case.rpartition("::")[2] for case in blamed] == ["test_2_loses_a_device"], run.text
