"""Programs over two devices of a module: the runtime's own way from one to the other."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from cts.checks import expect_equal
from cts.hal import Device, DeviceGroup, Driver, Module, Program
from cts.plugin.fixtures import NewDevice, NewGroup
from cts.work_cases.program import FLOATS, there_and_back

INPUTS = {
    "zeros": np.zeros(FLOATS, np.float32),
    "counted": np.arange(FLOATS, dtype=np.float32),
    "both signs": np.array([(-1.5) ** n for n in range(FLOATS)], np.float32),
    "large": np.full(FLOATS, 1e37, np.float32),
}
RUNS = 20

pytestmark = [
    pytest.mark.spec("MOD-4"),
    pytest.mark.needs("allocator", "create_semaphore", devices=2, programs=True),
]


@pytest.fixture
def program(device_group: DeviceGroup, hal_driver: Driver) -> Iterator[Program]:
    """The program over the devices of the session's group."""
    with Module(device_group) as module:
        made = hal_driver.conformance_program(module)
    yield made
    made.release()


def expect_right(program: Program, values: np.ndarray[tuple[int], np.dtype[np.float32]]) -> None:
    """Fails the case unless a run gives what numpy does."""
    __tracebackhide__ = True
    data = values.astype(np.float32).tobytes()
    found = np.frombuffer(program.run(data), np.float32).tolist()
    wanted = np.frombuffer(there_and_back(data), np.float32).tolist()
    expect_equal(found, wanted, "MOD-4", "the result of a program over two devices")


@pytest.mark.parametrize("what", INPUTS)
def test_it_computes_on_both(program: Program, what: str) -> None:
    """Runs the program: each value has been on both devices and back."""
    expect_right(program, INPUTS[what])


def test_each_run_is_of_its_own(program: Program) -> None:
    """Runs it many times with other values each time: none of an earlier run comes back."""
    for run in range(RUNS):
        expect_right(program, INPUTS["counted"] * (run + 1))


def test_two_programs_share_the_devices(
    program: Program, device_group: DeviceGroup, hal_driver: Driver
) -> None:
    """Runs two programs over the same devices in turn: each result is right."""
    with Module(device_group) as module, hal_driver.conformance_program(module) as other:
        for run in range(RUNS):
            expect_right((program, other)[run % 2], INPUTS["counted"] - run)


def test_it_keeps_its_devices(
    new_device: NewDevice, new_group: NewGroup, hal_driver: Driver
) -> None:
    """Releases devices, group and module, and runs the program that is left."""
    devices: list[Device] = new_device.many(2)
    group = new_group(*devices)
    with Module(group) as module:
        program = hal_driver.conformance_program(module)
    group.release()
    for device in devices:
        new_device.forget(device)
        device.release()
    expect_right(program, INPUTS["counted"])
    program.release()
    for device in devices:
        expect_equal(device.reference_count, 0, "MOD-4", "a device's count after its program")


def test_devices_work_on_after_it(
    program: Program, device_group: DeviceGroup, hal_driver: Driver
) -> None:
    """Makes, runs and releases programs: the group's devices carry work out as before."""
    for _ in range(3):
        with Module(device_group) as module, hal_driver.conformance_program(module) as other:
            expect_right(other, INPUTS["counted"])
    for index in range(device_group.device_count):
        device = device_group.device_at(index)
        with device.create_semaphore() as line:
            device.queue_barrier(signal=[(line, 1)])
            line.wait(1)
    expect_right(program, INPUTS["both signs"])
