"""Command buffers: recorded once, in turn, and executed as often as one likes."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from cts.checks import expect_equal, expect_error
from cts.hal import Buffer, CommandBuffer, Device, StatusCode
from cts.work_cases.concurrency import Gate
from cts.work_cases.operations import NEEDED_BY_EXECUTE

pytestmark = [
    pytest.mark.spec("QUE-8"),
    pytest.mark.needs("allocator", "create_semaphore", *NEEDED_BY_EXECUTE),
]


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


@pytest.mark.needs("queue_fill")
def test_may_be_submitted_again_while_it_is_pending(device: Device, gate: Gate) -> None:
    """Submits a copy twice with a fill of its source between: each copies what was there."""
    with (
        device.allocator.allocate(4) as source,
        device.allocator.allocate(4) as target,
        device.create_semaphore() as line,
        device.create_command_buffer() as commands,
    ):
        source.write(0, b"\x11" * 4)
        commands.begin()
        commands.copy(source, 0, target, 0, 4)
        commands.end()
        device.queue_execute(commands, wait=gate.wait, signal=[(line, 1)])
        device.queue_fill(source, 0, 4, b"\x22", wait=[(line, 1)], signal=[(line, 2)])
        device.queue_execute(commands, wait=[(line, 2)], signal=[(line, 3)])
        gate.open()
        line.wait(3)
        expect_equal(target.read(), b"\x22" * 4, "QUE-8", "a copy that was executed twice")


Record = Callable[[CommandBuffer, Buffer], None]

RECORD: dict[str, Record] = {
    "fill": lambda commands, buffer: commands.fill(buffer, 0, 4, b"\x11"),
    "update": lambda commands, buffer: commands.update(b"\x11", buffer, 0),
    "copy": lambda commands, buffer: commands.copy(buffer, 0, buffer, 8, 4),
    "barrier": lambda commands, buffer: commands.barrier(),
    "end": lambda commands, buffer: commands.end(),
}
with_each_call = pytest.mark.parametrize("name", RECORD)


@with_each_call
def test_recording_before_begin_is_refused(device: Device, name: str) -> None:
    """Records before begin: refused; after it, it works."""
    with device.create_command_buffer() as commands, device.allocator.allocate(16) as buffer:
        with expect_error(StatusCode.FAILED_PRECONDITION, "QUE-8", f"{name} before begin"):
            RECORD[name](commands, buffer)
        commands.begin()
        RECORD[name](commands, buffer)


@with_each_call
def test_recording_after_end_is_refused(device: Device, name: str) -> None:
    """Records after end: refused, and what was recorded is executed as it is."""
    with (
        device.create_command_buffer() as commands,
        device.allocator.allocate(16) as buffer,
        device.create_semaphore() as done,
    ):
        buffer.write(0, bytes(range(16)))
        commands.begin()
        commands.end()
        with expect_error(StatusCode.FAILED_PRECONDITION, "QUE-8", f"{name} after end"):
            RECORD[name](commands, buffer)
        device.queue_execute(commands, signal=[(done, 1)])
        done.wait(1)
        expect_equal(buffer.read(), bytes(range(16)), "QUE-8", f"an empty recording after {name}")


def test_a_second_begin_is_refused(device: Device) -> None:
    """Begins while it records, and after its end: refused each time."""
    with device.create_command_buffer() as commands:
        commands.begin()
        with expect_error(StatusCode.FAILED_PRECONDITION, "QUE-8", "begin while it records"):
            commands.begin()
        commands.end()
        with expect_error(StatusCode.FAILED_PRECONDITION, "QUE-8", "begin after end"):
            commands.begin()


def test_executing_what_is_not_ended_is_refused(device: Device) -> None:
    """Executes before begin and before end: refused, signal as before; after it, it works."""
    with device.create_semaphore() as line, device.create_command_buffer() as commands:
        for state in ("begin", "end"):
            doing = f"execute before {state}"
            with expect_error(StatusCode.FAILED_PRECONDITION, "QUE-8", doing):
                device.queue_execute(commands, signal=[(line, 1)])
            expect_equal(line.query(), 0, "QUE-8", f"the signal of {doing}")
            getattr(commands, state)()
        device.queue_execute(commands, signal=[(line, 1)])
        line.wait(1)
