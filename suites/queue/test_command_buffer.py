"""Command buffers: recorded once, in turn, and executed as often as one likes."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from cts.checks import expect_equal, expect_error
from cts.hal import CommandBuffer, Device, DeviceGroup, Driver, StatusCode

pytestmark = pytest.mark.needs(
    "allocator", "create_semaphore", "create_command_buffer", "queue_execute"
)


@pytest.fixture
def device(device_group: DeviceGroup) -> Device:
    """A device of the session's group."""
    return device_group.device_at(0)


@pytest.mark.spec("QUE-8")
def test_executes_alike_every_time(device: Device) -> None:
    """Records fill, update and copy once, executes it three times over other bytes: the same."""
    with (
        device.allocator.allocate(16) as source,
        device.allocator.allocate(16) as target,
        device.create_semaphore() as line,
        device.create_command_buffer() as commands,
    ):
        commands.begin()
        commands.fill(source, 0, 16, b"\x21\x43")
        commands.barrier()
        commands.update(b"hal!", source, 5)
        commands.barrier()
        commands.copy(source, 1, target, 2, 9)
        commands.end()
        recorded = b"\x21\x43" * 2 + b"\x21" + b"hal!" + b"\x43" + b"\x21\x43" * 3
        for value in (1, 2, 3):
            source.write(0, bytes([value] * 16))
            target.write(0, bytes([value] * 16))
            device.queue_execute(commands, wait=[(line, value - 1)], signal=[(line, value)])
            line.wait(value)
            expect_equal(source.read(), recorded, "QUE-8", f"the source, execution {value}")
            rest = bytes([value])
            wanted = rest * 2 + recorded[1:10] + rest * 5
            expect_equal(target.read(), wanted, "QUE-8", f"the target, execution {value}")


RECORD: dict[str, Callable[[CommandBuffer], None]] = {
    "barrier": lambda commands: commands.barrier(),
    "end": lambda commands: commands.end(),
}


@pytest.mark.spec("QUE-8")
@pytest.mark.parametrize("name", RECORD)
def test_recording_before_begin_is_refused(device: Device, name: str) -> None:
    """Records before begin: refused; after it, it works."""
    with device.create_command_buffer() as commands:
        with expect_error(StatusCode.FAILED_PRECONDITION, "QUE-8", f"{name} before begin"):
            RECORD[name](commands)
        commands.begin()
        RECORD[name](commands)


@pytest.mark.spec("QUE-8")
def test_recording_out_of_turn_is_refused(device: Device) -> None:
    """Begins twice, records after end, ends twice: each refused."""
    with device.create_command_buffer() as commands:
        commands.begin()
        with expect_error(StatusCode.FAILED_PRECONDITION, "QUE-8", "a second begin"):
            commands.begin()
        commands.end()
        for name in RECORD:
            with expect_error(StatusCode.FAILED_PRECONDITION, "QUE-8", f"{name} after end"):
                RECORD[name](commands)


@pytest.mark.spec("QUE-8")
def test_executing_what_is_not_ended_is_refused(device: Device) -> None:
    """Executes before end: refused; after it, it works."""
    with device.create_semaphore() as line, device.create_command_buffer() as commands:
        commands.begin()
        with (
            device.create_semaphore() as never,
            expect_error(StatusCode.FAILED_PRECONDITION, "QUE-8", "execute before end"),
        ):
            device.queue_execute(commands, signal=[(never, 1)])
        commands.end()
        device.queue_execute(commands, signal=[(line, 1)])
        line.wait(1)


@pytest.mark.spec("QUE-6")
def test_a_range_past_the_end_is_reported_where_declared(
    device: Device, hal_driver: Driver
) -> None:
    """Records a fill that leaves its buffer: OUT_OF_RANGE where declared, nothing written."""
    declared = hal_driver.properties.out_of_range
    with (
        device.allocator.allocate(64) as buffer,
        device.create_semaphore() as semaphore,
        device.create_command_buffer() as commands,
    ):
        buffer.write(0, bytes(64))
        point = "recording"
        with expect_error(StatusCode.OUT_OF_RANGE, "QUE-6", "a recorded fill past the end"):
            commands.begin()
            commands.fill(buffer, 60, 8, b"\x11")
            commands.end()
            point = "submission"
            device.queue_execute(commands, signal=[(semaphore, 1)])
            point = "later"
            semaphore.wait(1)
        expect_equal(point, declared, "QUE-6", "when a recorded fill past the end was reported")
        expect_equal(buffer.read(), bytes(64), "QUE-6", "the buffer after a refused fill")
