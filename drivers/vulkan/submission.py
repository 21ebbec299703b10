"""Submissions: carried out at once where all waits are promised, else held back until they are.

A submission that is held back keeps what it uses and signals, and not what it waits for. So a
semaphore that nobody is left to signal ends with its last reference, and takes along what waits for
it; nothing waits for ever, and nothing has to be told to stop.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING

from cts.hal import HalError, Resource, StatusCode

from .._common import Operation
from .command_buffer import ONCE
from .commands import Command, HostCall, OnHost, PutEvent, Recorded, Recorder, Touched, WaitEvents
from .event import VulkanEvent
from .native import Handle
from .semaphore import Listener, VulkanSemaphore

if TYPE_CHECKING:
    from .device import VulkanDevice

VulkanOperation = Operation[Command, VulkanSemaphore]
Timepoints = Sequence[tuple[VulkanSemaphore, int]]


def submit(device: VulkanDevice, operation: VulkanOperation) -> None:
    """Carries an operation out, or holds it back. Raises where it fails at once."""
    queue = device.queue
    with queue.lock:
        if queue.is_over:
            raise HalError(
                StatusCode.FAILED_PRECONDITION, operation.name, "the device is destroyed"
            )
        queue.tidy()
        is_host_call = bool(operation.work) and isinstance(operation.work[0], HostCall)
        if is_host_call or not all(_is_promised(*wait) for wait in operation.waits):
            HeldSubmission(device, operation).start()
        else:
            carry_out(device, operation)
        queue.drain()


def _is_promised(semaphore: VulkanSemaphore, value: int) -> bool:
    return semaphore.promised >= value and semaphore.failure is None


def carry_out(device: VulkanDevice, operation: VulkanOperation) -> None:
    """Submits natively, with the queue's lock held and all waits promised. Raises where that
    fails, with the signals as they were."""
    name, work, _, waits, signals = operation
    for semaphore, _ in waits:
        semaphore.check_alive(name)
    signals = _advancing(name, signals)
    recorder: Recorder | None = None
    commands: Handle = None
    touched: Sequence[Touched] = ()
    queue = device.queue
    if work:
        _do_on_host(work)
        _check_events(work)
        first = work[0]
        if isinstance(first, Recorded):
            commands, touched = first.handle, first.touched
        elif not isinstance(first, OnHost):
            recorder = device.command_pool.record(name, device, work, ONCE)
            commands, touched = recorder.handle, recorder.touched
    try:
        number = queue.submit(name, waits, signals, commands)
    except HalError:
        if recorder is not None:
            device.command_pool.give(recorder)
        raise
    for thing in touched:
        thing.last_use = number
    if recorder is not None:
        ended = recorder
        queue.later(number, lambda: device.command_pool.give(ended))
    if work:
        _follow_events(work)
    for semaphore, _ in waits:
        semaphore.used(number)
    for semaphore, value in signals:
        semaphore.signalled(value, number)


def _advancing(operation: str, signals: Timepoints) -> Timepoints:
    """The signals that advance their semaphores, the largest of each; the others fail theirs."""
    largest: dict[VulkanSemaphore, int] = {}
    for semaphore, value in signals:
        semaphore.check_alive(operation)
        if semaphore.failure is None:
            if value > semaphore.promised:
                largest[semaphore] = value
            else:
                semaphore.cannot_advance(operation, value)
    return list(largest.items())


def _do_on_host(work: Sequence[Command]) -> None:
    for command in work:
        if isinstance(command, OnHost):
            command.run()


# -- events -------------------------------------------------------------------------------------


def _events_in(work: Sequence[Command]) -> list[PutEvent | WaitEvents]:
    """What is done to events, in its order."""
    parts: list[PutEvent | WaitEvents] = []
    for command in work:
        if isinstance(command, Recorded):
            parts += command.parts
        elif isinstance(command, PutEvent | WaitEvents):
            parts.append(command)
    return parts


def _check_events(work: Sequence[Command]) -> None:
    """Raises FAILED_PRECONDITION where the queue would wait for an event for ever."""
    states: dict[VulkanEvent, bool] = {}
    for part in _events_in(work):
        if isinstance(part, PutEvent):
            states[part.event] = part.is_signalled
        elif not all(states.get(event, event.is_signalled) for event in part.events):
            raise HalError(
                StatusCode.FAILED_PRECONDITION,
                part.operation,
                "an event that is waited for is not set",
            )


def _follow_events(work: Sequence[Command]) -> None:
    for part in _events_in(work):
        if isinstance(part, PutEvent):
            part.event.is_signalled = part.is_signalled


# -- held back ----------------------------------------------------------------------------------


class HeldSubmission(Resource):
    """An operation from its call until it is submitted natively, called, or has failed.

    It holds the only reference to itself, and drops it then. All of it is done with the queue's
    lock held, but for a host call.
    """

    _teardown_rank = 0  # before what it uses and signals
    _readable_when_sealed = frozenset({"lose"})  # it has ended

    def __init__(self, device: VulkanDevice, operation: VulkanOperation) -> None:
        super().__init__()
        self._device = device
        self._queue = device.queue
        self._operation = operation
        self._held: list[Resource] = []
        self._listeners: list[tuple[VulkanSemaphore, Listener]] = []
        with ExitStack() as undo:  # another thread may drop a last reference, just now
            signalled = [semaphore for semaphore, _ in operation.signals]
            for resource in (device, *operation.used, *signalled):
                undo.enter_context(resource.retain())
                self._held.append(resource)
            undo.pop_all()
        self._undecided = 1 + len(operation.waits)  # waits not promised, and `start` itself
        self._is_decided = self._is_over = False
        self._failure: HalError | None = None

    def start(self) -> None:
        """Waits from now on for what it is to wait for."""
        for semaphore, value in self._operation.waits:
            listener = partial(self._wait_reached, semaphore)
            self._listeners.append((semaphore, listener))
            semaphore.when_promised(value, listener)
        self._device.loss.tell(self)
        self._wait_ended(None)

    def lose(self, failure: HalError) -> None:
        """Waits no more, and fails."""
        with self._queue.lock:
            self._wait_ended(failure)
            self._queue.drain()

    def _wait_reached(self, semaphore: VulkanSemaphore, failure: HalError | None) -> None:
        if failure is None:  # it may be given up from now on, and is waited for natively
            self._held.append(semaphore.retain())
        self._wait_ended(failure)

    def _wait_ended(self, failure: HalError | None) -> None:
        if failure is None:
            self._undecided -= 1
        if self._is_decided or (failure is None and self._undecided > 0):
            return
        self._is_decided = True
        self._failure = failure
        self._queue.when_ready(self._go_on)

    def _go_on(self) -> None:
        work = self._operation.work
        if self._is_over:
            return
        if self._failure is None and work and isinstance(work[0], HostCall):
            _HostCallThread(self, self._operation).start()
            return
        failure = self._failure
        if failure is None:
            try:
                carry_out(self._device, self._operation)
            except HalError as error:
                failure = error
        self._settle(failure)
        self.release()

    def call_ended(self, failure: HalError | None) -> None:
        """A host call was made, or failed: its signals follow."""
        with self._queue.lock:
            if self.reference_count:
                self._settle(failure, by_host=True)
                self.release()
            self._queue.drain()

    def _settle(self, failure: HalError | None, *, by_host: bool = False) -> None:
        """Gives up what was held; signals, or fails what was to be signalled."""
        name, _, _, _, signals = self._operation
        self._operation = Operation(name, (), (), (), ())  # what it calls is let go of
        held, self._held = self._held, []
        listeners, self._listeners = self._listeners, []
        with ExitStack() as after:
            for semaphore, _ in signals:
                after.enter_context(semaphore.retain())
            for resource in reversed(held):
                if resource is not self._device:
                    resource.release()
            for semaphore, value in signals:
                if failure is not None:
                    semaphore.lose(HalError(failure.code, name, failure.detail))
                elif by_host:
                    _signal(semaphore, value)
            for semaphore, listener in listeners:
                semaphore.forget(listener)
        if held:
            self._device.release()

    def _destroy(self) -> None:
        """What is cut off fails; nothing is left to settle where it has ended."""
        self._is_decided = self._is_over = True
        if self._held:
            name = self._operation.name
            with self._queue.lock:
                self._settle(HalError(StatusCode.CANCELLED, name, f"{name} was cut off"))
                self._queue.drain()


def _signal(semaphore: VulkanSemaphore, value: int) -> None:
    try:
        semaphore.signal(value)
    except HalError as error:  # it cannot be any more: that is a failure
        semaphore.lose(error)


class _HostCallThread(threading.Thread):
    """Waits natively for what is promised, and makes a host call: it may take its time."""

    def __init__(self, submission: HeldSubmission, operation: VulkanOperation) -> None:
        super().__init__(name="vulkan host call", daemon=True)
        self._submission = submission
        self._work = operation.work
        self._waits = operation.waits  # which the submission holds

    def run(self) -> None:
        failure: HalError | None = None
        work, self._work = self._work, ()
        try:
            for semaphore, value in self._waits:
                semaphore.wait(value, None)
            for call in work:
                assert isinstance(call, HostCall)
                call.run()
        except HalError as error:
            failure = error
        finally:
            del work
        self._submission.call_ended(failure)
