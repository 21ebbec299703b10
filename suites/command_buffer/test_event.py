"""Events: order within a command buffer, and from one to a later one."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

import pytest

from cts.checks import expect, expect_equal, expect_error
from cts.hal import CommandBuffer, Device, Driver, Event, StatusCode
from cts.hal.testing.foreign import foreign_event
from cts.work_cases.commands import code_of_execution
from cts.work_cases.concurrency import Gate
from cts.work_cases.dispatch import recording
from cts.work_cases.operations import NEEDED_BY_EXECUTE

SIZE = 64
MARK = b"\x77"
TIMES = 3
MANY = 40
"""Events that one command waits for."""

pytestmark = [
    pytest.mark.spec("CMD-5"),
    pytest.mark.needs("allocator", "create_semaphore", "create_event", *NEEDED_BY_EXECUTE),
]

SIGNAL, RESET, WAIT = COMMANDS = ("signal_event", "reset_event", "wait_events")
with_each_command = pytest.mark.parametrize("name", COMMANDS)


def record(commands: CommandBuffer, name: str, event: Any) -> None:
    """Records a command with one event, by its name."""
    getattr(commands, name)([event] if name == WAIT else event)


def recorded(device: Device, event: Event, *names: str) -> CommandBuffer:
    """A command buffer of commands with one event."""
    with recording(device) as commands:
        for name in names:
            record(commands, name, event)
    return commands


def expect_execution(
    device: Device,
    commands: CommandBuffer,
    doing: str,
    code: StatusCode | None = None,
    requirement: str = "CMD-5",
) -> None:
    """Executes once, and checks how that ends: with a code, or well."""
    __tracebackhide__ = True
    found = code_of_execution(device, commands)
    expect_equal(found, code, requirement, doing)


def expect_unsignalled(device: Device, commands: CommandBuffer, doing: str) -> None:
    """Fails the case unless an execution fails for its wait."""
    __tracebackhide__ = True
    expect_execution(device, commands, doing, StatusCode.FAILED_PRECONDITION, "CMD-6")


def test_is_made_by_its_device(device: Device) -> None:
    """Makes two events: each an Event of the device, and not the same."""
    with device.create_event() as one, device.create_event() as other:
        good = isinstance(one, Event) and one.device is device and one is not other
        expect(good, "CMD-5", "create_event() twice", came_back=(one, other), asks="two events")


def test_is_signalled_and_reset(device: Device) -> None:
    """Records signal and reset of an event, and executes it twice: carried out."""
    with device.create_event() as event, recorded(device, event, SIGNAL, RESET) as commands:
        for _ in range(2):
            expect_execution(device, commands, "signal and reset in one command buffer")


@pytest.mark.parametrize("count", [0, 1, MANY])
def test_holds_what_comes_after_it(device: Device, count: int) -> None:
    """Fills, signals events, waits for them and copies: each of three executions copies that."""
    with (
        device.allocator.allocate(SIZE) as source,
        device.allocator.allocate(SIZE) as target,
        ExitStack() as alive,
    ):
        events = [alive.enter_context(device.create_event()) for _ in range(count)]
        with recording(device) as commands:
            commands.fill(source, 0, SIZE, MARK)
            for event in events:
                commands.signal_event(event)
            if not events:
                commands.barrier()
            commands.wait_events(events)
            commands.copy(source, 0, target, 0, SIZE)
            for event in events:
                commands.reset_event(event)
        with commands:
            for _ in range(TIMES):
                source.write(0, bytes(SIZE))
                target.write(0, bytes(SIZE))
                expect_execution(device, commands, f"signal, wait and reset of {count} events")
                expect_equal(target.read(), MARK * SIZE, "CMD-5", "a copy behind a wait")


def test_is_waited_for_by_a_later_command_buffer(device: Device, hal_driver: Driver) -> None:
    """Signals in one command buffer and waits in the next one, both pending: it is carried out."""
    gate = Gate(device, hal_driver)
    with (
        device.create_event() as event,
        device.allocator.allocate(SIZE) as source,
        device.allocator.allocate(SIZE) as target,
        device.create_semaphore() as line,
    ):
        with recording(device) as first:
            first.fill(source, 0, SIZE, MARK)
            first.signal_event(event)
        with recording(device) as second:
            second.wait_events([event])
            second.copy(source, 0, target, 0, SIZE)
        with first, second:
            device.queue_execute(first, wait=gate.wait, signal=[(line, 1)])
            device.queue_execute(second, wait=[(line, 1)], signal=[(line, 2)])
            gate.open()
            line.wait(2)
        expect_equal(target.read(), MARK * SIZE, "CMD-5", "a copy behind another's signal")
    gate.release()


def test_stays_signalled(device: Device) -> None:
    """Signals twice, then waits in three executions without a reset: each is carried out."""
    with (
        device.create_event() as event,
        recorded(device, event, SIGNAL) as signalling,
        recorded(device, event, WAIT, WAIT) as waiting,
    ):
        for _ in range(2):
            expect_execution(device, signalling, "signal of an event")
        for _ in range(TIMES):
            expect_execution(device, waiting, "waits for an event that was signalled before")


# -- waits that nothing ends ------------------------------------------------------------------


@pytest.mark.spec("CMD-6")
def test_one_that_nobody_signals_fails_the_execution(device: Device) -> None:
    """Waits for a new event before a fill: it fails, and fills nothing; signalled, it fills."""
    with device.create_event() as event, device.allocator.allocate(SIZE) as target:
        target.write(0, bytes(SIZE))
        with recording(device) as commands:
            commands.wait_events([event])
            commands.fill(target, 0, SIZE, MARK)
        with commands, recorded(device, event, SIGNAL) as signalling:
            for _ in range(2):
                expect_unsignalled(device, commands, "a wait for what nobody has signalled")
            expect_equal(target.read(), bytes(SIZE), "CMD-6", "a fill behind such a wait")
            expect_execution(device, signalling, "signal after a wait that failed")
            expect_execution(device, commands, "the same wait, once it is signalled")
            expect_equal(target.read(), MARK * SIZE, "CMD-6", "the fill behind it then")


@pytest.mark.spec("CMD-6")
def test_one_that_was_reset_fails_the_execution(device: Device) -> None:
    """Waits behind a reset, in one command buffer and in two: it fails; signalled again, not."""
    with (
        device.create_event() as event,
        recorded(device, event, SIGNAL) as signalling,
        recorded(device, event, SIGNAL, RESET) as resetting,
        recorded(device, event, WAIT) as waiting,
        recorded(device, event, SIGNAL, RESET, WAIT) as too_late,
        recorded(device, event, SIGNAL, RESET, SIGNAL, WAIT) as in_time,
    ):
        expect_unsignalled(device, too_late, "signal, reset and wait")
        expect_execution(device, in_time, "signal, reset, signal and wait")
        expect_execution(device, resetting, "signal and reset")
        expect_unsignalled(device, waiting, "a wait after the execution that reset its event")
        expect_execution(device, signalling, "signal")
        expect_execution(device, waiting, "a wait after the execution that signalled its event")


@pytest.mark.spec("CMD-6")
@pytest.mark.parametrize("missing", [0, 1, 2])
def test_each_event_of_a_list_counts(device: Device, missing: int) -> None:
    """Signals two events of three and waits for all: it fails; with the third, it does not."""
    with ExitStack() as alive:
        events = [alive.enter_context(device.create_event()) for _ in range(3)]
        with recording(device) as commands:
            for place, event in enumerate(events):
                if place != missing:
                    commands.signal_event(event)
            commands.wait_events(events)
        signalling = alive.enter_context(recorded(device, events[missing], SIGNAL))
        with commands:
            expect_unsignalled(device, commands, f"a wait for three, without number {missing}")
            expect_execution(device, signalling, "signal of the third")
            expect_execution(device, commands, "a wait for three")


# -- recording --------------------------------------------------------------------------------


@pytest.mark.spec("CMD-7", subject="objects")
@with_each_command
def test_what_is_no_event_of_the_driver_is_refused(device: Device, name: str) -> None:
    """Records with another driver's event, a destroyed one, and what is none: each is refused."""
    gone = device.create_event()
    gone.release()
    with (
        device.create_event() as event,
        device.create_semaphore() as semaphore,
        foreign_event() as foreign,
        device.create_command_buffer() as commands,
    ):
        commands.begin()
        for what, thing, code in (
            ("another driver's event", foreign, StatusCode.INVALID_ARGUMENT),
            ("a destroyed event", gone, StatusCode.FAILED_PRECONDITION),
            ("a semaphore", semaphore, StatusCode.INVALID_ARGUMENT),
            ("None", None, StatusCode.INVALID_ARGUMENT),
        ):
            with expect_error(code, "CMD-7", f"{name} of {what}"):
                record(commands, name, thing)
        record(commands, SIGNAL, event)
        record(commands, name, event)
        commands.end()
        expect_execution(device, commands, f"what is left after {name} was refused", None, "CMD-7")


@pytest.mark.spec("CMD-7")
@with_each_command
def test_recording_out_of_turn_is_refused(device: Device, name: str) -> None:
    """Records before begin and after end: refused; between them it is taken."""
    with device.create_event() as event, device.create_command_buffer() as commands:
        for when in ("before begin", "after end"):
            with expect_error(StatusCode.FAILED_PRECONDITION, "CMD-7", f"{name} {when}"):
                record(commands, name, event)
            if when == "before begin":
                commands.begin()
                record(commands, SIGNAL, event)
                record(commands, name, event)
                commands.end()
        expect_execution(device, commands, f"{name} in turn", None, "CMD-7")


@pytest.mark.spec("CMD-4")
@with_each_command
def test_a_command_buffer_keeps_its_events(device: Device, hal_driver: Driver, name: str) -> None:
    """Releases an event once it is recorded: two executions are carried out with it."""
    gate = Gate(device, hal_driver)
    event = device.create_event()
    with recording(device) as commands:
        if name == WAIT:
            commands.signal_event(event)
        record(commands, name, event)
    event.release()
    with device.create_semaphore() as line:
        device.queue_execute(commands, wait=gate.wait, signal=[(line, 1)])
        device.queue_execute(commands, wait=[(line, 1)], signal=[(line, 2)])
        commands.release()
        gate.open()
        line.wait(2)
    expect_equal(event.reference_count, 0, "CMD-4", f"the event's count after {name}")
    gate.release()
