"""Devices that are one native device are lost together, and the session's group with them: it is
built anew for the cases after that."""

from __future__ import annotations

from tests.conftest import CtsRun, OutsideDriver, RunCts

SOURCE = """
    import dataclasses
    import weakref
    from itertools import count
    from cts import registry
    from cts.hal import DriverProperties, slot

    LocalTaskDriver = registry.load("local-task")
    LocalTaskDevice = type(LocalTaskDriver().create_device())
    numbers, devices = count(), weakref.WeakSet()

    class OutsideDevice(LocalTaskDevice):
        driver_name = "outside"

        @slot()
        def query_capabilities(self):
            found = super().query_capabilities()
            return dataclasses.replace(found, driver_device_handle=HANDLE(self.number))

    class OutsideDriver(LocalTaskDriver):
        name = "outside"
        properties = dataclasses.replace(LocalTaskDriver.properties, provokes_loss=True)

        def create_device(self, info=None):
            self.resolve(info)
            number = next(numbers)
            device = OutsideDevice(f"outside:{number}", self.properties)
            device.number = number % 2
            devices.add(device)
            return device

        def provoke_loss(self, device):
            for each in list(devices):
                if each.number == device.number or ONE:
                    each.loss.lose("Driver.provoke_loss", native_code=-4)
"""
"""local-task with a way to lose devices: every second one at once, or all."""


def run_over(cts: RunCts, outside_driver: OutsideDriver, handle: str, one: bool) -> CtsRun:
    """The cases of loss, and then others over the session's group."""
    source = SOURCE.replace("HANDLE", handle).replace("ONE", str(one))
    outside_driver(source)
    areas = [f"cts.suites.{area}" for area in ("queue.test_fill", "lifetime.test_device_loss")]
    return cts("--pyargs", *areas, "--driver=outside", "--shuffle=1", "-x")


def test_the_sessions_group_is_built_anew(cts: RunCts, outside_driver: OutsideDriver) -> None:
    run = run_over(cts, outside_driver, "(lambda number: number + 1)", one=False)
    assert run.ret == 0, run.text
    assert {*run.in_order} <= {"pass", "unsupported"}
    assert run.outcomes()["lifetime/test_device_loss::test_the_others_work_on"] == "pass"
    assert run.driver("outside").groups_built > 1


def test_without_a_handle_it_is_a_fault(cts: RunCts, outside_driver: OutsideDriver) -> None:
    run = run_over(cts, outside_driver, "(lambda number: 0)", one=False)
    assert run.ret == 1


def test_what_is_one_device_has_no_other_that_works_on(
    cts: RunCts, outside_driver: OutsideDriver
) -> None:
    run = run_over(cts, outside_driver, "(lambda number: 1)", one=True)
    assert run.ret == 0, run.text
    outcomes = run.outcomes()
    assert outcomes["lifetime/test_device_loss::test_the_others_work_on"] == "unsupported"
