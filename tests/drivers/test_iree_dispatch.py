"""Executables, dispatch and binding tables of IREE's drivers: what cannot be said to IREE."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from cts import registry
from cts.hal import (
    BindingSlot,
    Buffer,
    BufferRange,
    Device,
    Executable,
    HalError,
    IndirectWorkgroups,
    StatusCode,
)
from cts.work_cases.dispatch import USAGE

from .conftest import GroupedDevices
from .raising import raised

pytest.importorskip("iree.runtime")

NAMES = ["iree-local-sync", "iree-local-task", "iree-vulkan"]
ONE = (1, 1, 1)

Dispatch = Callable[..., HalError]


@pytest.fixture(params=NAMES)
def device(request: pytest.FixtureRequest, grouped_devices: GroupedDevices) -> Device:
    absence = registry.load(request.param)().available()
    if absence is not None:
        pytest.skip(str(absence))
    return grouped_devices(request.param, 1)[0]


@pytest.fixture
def executable(device: Device) -> Iterator[Executable]:
    driver = registry.load(device.driver_name)()
    (format,) = driver.properties.executable_formats
    with device.create_executable(format, driver.conformance_executable(format)) as made:
        yield made


@pytest.fixture
def buffer(device: Device) -> Iterator[Buffer]:
    with device.allocator.allocate(64, usage=USAGE) as made:
        made.write(0, bytes(64))
        yield made


@pytest.fixture
def refused(device: Device, executable: Executable, buffer: Buffer) -> Iterator[Dispatch]:
    """A function of what is wrong with a dispatch, submitted and recorded: how it is refused."""

    def dispatch(**wrong: Any) -> HalError:
        right = {
            "executable": executable,
            "entry_point": executable.lookup("count"),
            "workgroups": ONE,
            "bindings": [BufferRange(buffer)],
            "constants": b"",
        }
        given = {**right, **wrong}
        with device.create_command_buffer() as commands:
            commands.begin()
            recorded = raised(lambda: commands.dispatch(**given))
        submitted = raised(lambda: device.queue_dispatch(**given))
        assert (recorded.code, recorded.detail) == (submitted.code, submitted.detail)
        assert (recorded.operation, submitted.operation) == (
            "CommandBuffer.dispatch",
            "Device.queue_dispatch",
        )
        return submitted

    yield dispatch
    assert buffer.read() == bytes(64)


@pytest.mark.parametrize("constants", [6, 63, 65])
def test_so_many_constants_are_beyond_the_adapter(refused: Dispatch, constants: int) -> None:
    error = refused(constants=bytes(4 * constants))
    assert error.code is StatusCode.UNIMPLEMENTED
    assert f"{constants} constants and 1 bindings: the adapter's module" in error.detail


def test_so_many_bindings_are_beyond_the_adapter(refused: Dispatch, buffer: Buffer) -> None:
    error = refused(bindings=[BufferRange(buffer)] * 4)
    assert error.code is StatusCode.UNIMPLEMENTED


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"executable": None}, StatusCode.INVALID_ARGUMENT),
        ({"entry_point": "count"}, StatusCode.INVALID_ARGUMENT),
        ({"constants": bytes(3)}, StatusCode.INVALID_ARGUMENT),
        ({"constants": 4}, StatusCode.INVALID_ARGUMENT),
        ({"workgroups": (1, 1)}, StatusCode.INVALID_ARGUMENT),
        ({"workgroups": (1, 1, -1)}, StatusCode.INVALID_ARGUMENT),
        ({"workgroups": (2**32, 1, 1)}, StatusCode.INVALID_ARGUMENT),
        ({"workgroups": None}, StatusCode.INVALID_ARGUMENT),
        ({"workgroups": IndirectWorkgroups(BindingSlot(-1))}, StatusCode.OUT_OF_RANGE),
        ({"bindings": [BufferRange(BindingSlot(-1))]}, StatusCode.OUT_OF_RANGE),
        ({"bindings": [BufferRange(BindingSlot(2**32 - 1))]}, StatusCode.OUT_OF_RANGE),
    ],
)
def test_what_cannot_be_said(refused: Dispatch, wrong: dict[str, Any], code: StatusCode) -> None:
    assert refused(**wrong).code is code


def test_an_executable_that_is_destroyed(refused: Dispatch, device: Device) -> None:
    driver = registry.load(device.driver_name)()
    (format,) = driver.properties.executable_formats
    gone = device.create_executable(format, driver.conformance_executable(format))
    gone.release()
    assert refused(executable=gone).code is StatusCode.FAILED_PRECONDITION
    assert raised(lambda: gone.lookup("count")).code is StatusCode.FAILED_PRECONDITION


def test_entry_points_are_not_to_be_had(executable: Executable) -> None:
    error = raised(lambda: executable.entry_points)
    assert (error.code, error.operation) == (StatusCode.UNIMPLEMENTED, "Executable.entry_points")


@pytest.mark.parametrize("size", [1, 8])
def test_a_table_reaches_the_device(
    device: Device, executable: Executable, buffer: Buffer, size: int
) -> None:
    """The last place of the smallest and of the largest table."""
    with device.create_command_buffer(size) as commands, device.create_semaphore() as line:
        commands.begin()
        commands.fill(BindingSlot(size - 1), 4, 8, b"\x07")
        commands.end()
        table = [BufferRange(buffer, 0, 0)] * (size - 1) + [BufferRange(buffer, 16, 48)]
        device.queue_execute(commands, table, signal=[(line, 1)])
        line.wait(1)
    assert buffer.read() == bytes(20) + b"\x07" * 8 + bytes(36)


def test_a_larger_table_is_beyond_the_adapter(device: Device, buffer: Buffer) -> None:
    with device.create_command_buffer(9) as commands:
        commands.begin()
        commands.end()
        error = raised(lambda: device.queue_execute(commands, [BufferRange(buffer)] * 9))
    assert error.code is StatusCode.UNIMPLEMENTED
