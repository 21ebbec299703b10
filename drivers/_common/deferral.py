"""Deferral: what a native queue cannot take yet is held back on the host, and goes on later.

1. An operation goes to the native queue as soon as each of its waits is *promised* (`promises`):
   reached, or to be reached by what native queues have. Until then it is held back here: in a
   native queue it would wait for what may come after it there, or never.
2. An operation that is held back keeps what it uses and signals, and not what it waits for. So a
   semaphore that nobody is left to signal ends with its last reference, and takes along what waits
   for it; nothing waits for ever, and nothing has to be told to stop.
3. A host call is made on a thread of its own, once all waits are reached, and signals by the host.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

from cts.hal import HalError, Resource, StatusCode

from .host_call import HostCall
from .operation import Operation
from .promised_semaphore import PromisedSemaphore
from .promises import Listener

if TYPE_CHECKING:
    from .deferring_device import DeferringDevice

AnyOperation: TypeAlias = Operation[Any, Any]


class Deferral:
    """What has become ready is done with one lock held, one after the other.

    Attributes
    ----------
    lock : held for all that is promised; it is taken before any other.
    """

    def __init__(self) -> None:
        self.lock = threading.RLock()  # the collector may end something anywhere
        self._is_ready: deque[Callable[[], None]] = deque()
        self._is_draining = False

    def when_ready(self, action: Callable[[], None]) -> None:
        """Does something with the lock held, after what is being done with it."""
        self._is_ready.append(action)

    def drain(self) -> None:
        """Does what has become ready, with the lock held, however much follows from it."""
        if self._is_draining:
            return
        self._is_draining = True
        try:
            while self._is_ready:
                self._is_ready.popleft()()
        finally:
            self._is_draining = False


def submit(device: DeferringDevice[Any, Any], operation: AnyOperation) -> None:
    """Carries an operation out, or holds it back. Raises where it fails at once."""
    deferral = device.deferral
    with deferral.lock:
        if device.is_over:
            raise HalError(
                StatusCode.FAILED_PRECONDITION, operation.name, "the device is destroyed"
            )
        device.tidy()
        is_host_call = bool(operation.work) and isinstance(operation.work[0], HostCall)
        if is_host_call or not all(_is_promised(*wait) for wait in operation.waits):
            HeldSubmission(device, operation).start()
        else:
            device.carry_out(operation)
        deferral.drain()


def _is_promised(semaphore: PromisedSemaphore, value: int) -> bool:
    return semaphore.promised >= value and semaphore.failure is None


def advancing(
    operation: str, signals: Sequence[tuple[PromisedSemaphore, int]]
) -> list[tuple[Any, int]]:
    """The signals that advance their timelines, the largest of each; the others fail theirs."""
    largest: dict[object, tuple[PromisedSemaphore, int]] = {}
    for semaphore, value in signals:
        semaphore.check_alive(operation)
        if semaphore.failure is None:
            if value > semaphore.promised:
                largest[semaphore.timeline] = semaphore, value
            else:
                semaphore.cannot_advance(operation, value)
    return list(largest.values())


class HeldSubmission(Resource):
    """An operation from its call until it is in the native queue, called, or has failed.

    It holds the only reference to itself, and drops it then. All of it is done with the deferral's
    lock held, but for a host call.
    """

    _teardown_rank = 0  # before what it uses and signals
    _readable_when_sealed = frozenset({"lose"})  # it has ended

    def __init__(self, device: DeferringDevice[Any, Any], operation: AnyOperation) -> None:
        super().__init__()
        self._device = device
        self._deferral = device.deferral
        self._operation = operation
        self._held: list[Resource] = []
        self._listeners: list[tuple[PromisedSemaphore, Listener]] = []
        with ExitStack() as undo:  # another thread may drop a last reference, just now
            signalled = [semaphore for semaphore, _ in operation.signals]
            for resource in (device, *operation.used, *signalled):
                undo.enter_context(resource.retain())
                self._held.append(resource)
            undo.pop_all()
        self._undecided = 1 + len(operation.waits)  # waits not promised, and `start` itself
        self._is_decided = self._is_over = False
        self._failure: HalError | None = None
        self._loss: HalError | None = None

    def start(self) -> None:
        """Waits from now on for what it is to wait for."""
        for semaphore, value in self._operation.waits:
            listener = partial(self._wait_reached, semaphore)
            self._listeners.append((semaphore, listener))
            semaphore.when_promised(value, listener)
        self._device.loss.tell(self)
        self._wait_ended(None)

    def lose(self, failure: HalError) -> None:
        """Waits no more, and fails; a host call that is under way fails at its end."""
        with self._deferral.lock:
            self._loss = failure
            self._wait_ended(failure)
            self._deferral.drain()

    def _wait_reached(self, semaphore: PromisedSemaphore, failure: HalError | None) -> None:
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
        self._deferral.when_ready(self._go_on)

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
                self._device.carry_out(self._operation)
            except HalError as error:
                failure = error
        self._settle(failure)
        self.release()

    def call_ended(self, failure: HalError | None) -> None:
        """A host call was made, or failed: its signals follow."""
        with self._deferral.lock:
            if self.reference_count:
                self._settle(failure or self._loss, by_host=True)
                self.release()
            self._deferral.drain()

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
                    code = failure.native_code
                    semaphore.lose(HalError(failure.code, name, failure.detail, native_code=code))
                elif by_host:
                    _signal(semaphore, value)
            for waited, listener in listeners:
                waited.forget(listener)
        if held:
            self._device.release()

    def _destroy(self) -> None:
        """What is cut off fails; nothing is left to settle where it has ended."""
        self._is_decided = self._is_over = True
        if self._held:
            name = self._operation.name
            with self._deferral.lock:
                self._settle(HalError(StatusCode.CANCELLED, name, f"{name} was cut off"))
                self._deferral.drain()


def _signal(semaphore: PromisedSemaphore, value: int) -> None:
    try:
        semaphore.signal(value)
    except HalError as error:  # it cannot be any more: that is a failure
        semaphore.lose(error)


class _HostCallThread(threading.Thread):
    """Waits natively for what is promised, and makes a host call: it may take its time."""

    def __init__(self, submission: HeldSubmission, operation: AnyOperation) -> None:
        super().__init__(name="host call", daemon=True)
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
