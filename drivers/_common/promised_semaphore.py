"""Semaphores whose payload is native, and whose promises and failure are the host's.

A wait is of two parts: until the value is promised (`promises`), which a failure or the semaphore's
end cuts short, and then natively.
"""

from __future__ import annotations

import time
from abc import abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

from cts.hal import HalError, StatusCode
from cts.hal.semaphore import DEFAULT_WAIT_TIMEOUT

from .arguments import as_int, as_seconds, refusal
from .promises import Listener, Promises
from .timepoints import CheckedSemaphore

if TYPE_CHECKING:
    from .deferring_device import DeferringDevice


class PromisedSemaphore(CheckedSemaphore):
    """A semaphore of a device that holds back what waits (`deferral`).

    Parameters
    ----------
    promises : of its timeline, which other semaphores may share.
    is_shared : whether others, whom the host does not see, may signal it as well.
    """

    _look_every: ClassVar[float | None] = None
    """Seconds between two looks of a wait for a promise (`_look`); none for no look."""
    _readable_when_sealed = frozenset({"forget", "lose", "promised", "failure"})
    """There is nothing left to do then; a wait that is under way looks at them."""

    def __init__(
        self, device: DeferringDevice[Any, Any], promises: Promises, *, is_shared: bool = False
    ) -> None:
        super().__init__(device)
        self.is_shared = is_shared
        self._promises = promises
        self._deferral = device.deferral
        self._lock = device.deferral.lock
        self._limits = device.semaphore_limits
        self._tidy = device.tidy
        self._is_over = False
        device.loss.tell(self)

    # -- what is native ---------------------------------------------------------------

    @abstractmethod
    def _payload(self, operation: str) -> int:
        """What it is now, with the lock held."""

    @abstractmethod
    def _signal_natively(self, operation: str, value: int) -> None:
        """Makes that the payload, with the lock held; all promises are kept first."""

    @abstractmethod
    def _wait_natively(
        self, operation: str, value: int, limit: float | None, started: float
    ) -> None:
        """Waits for what is promised, `limit` seconds at most; returns where it has failed.

        `started` is when the whole wait has, as of `time.monotonic`, for its error.
        """

    # -- the host's side --------------------------------------------------------------

    def query(self) -> int:
        if self._promises.failure is not None:
            self._raise_failure("Semaphore.query")
        with self._lock:
            payload = self._payload("Semaphore.query")
        self._tidy()
        return payload

    def signal(self, value: int) -> None:
        operation = "Semaphore.signal"
        value = as_int(operation, "value", value)
        with self._lock:
            self.check_alive(operation)
            self.check_signal(operation, value)
            self._signal_natively(operation, value)
            self._promises.promise(value)
            self._deferral.drain()

    def wait(self, value: int, timeout: float | None = DEFAULT_WAIT_TIMEOUT) -> None:
        operation = "Semaphore.wait"
        value = as_int(operation, "value", value)
        limit = None if timeout is None else as_seconds(operation, "timeout", timeout)
        started = time.monotonic()
        if value > self._promises.value and not self.is_shared:
            limit = self._await_promise(operation, value, limit, started)
        if self._promises.failure is not None:
            self._raise_failure(operation)
        self._wait_natively(operation, value, limit, started)
        if self._promises.failure is not None:
            self._raise_failure(operation)
        self._tidy()

    def _await_promise(
        self, operation: str, value: int, limit: float | None, started: float
    ) -> float | None:
        """Returns when the value is promised: what is left of the time."""
        left = limit
        with self._lock:
            while True:
                times = [part for part in (left, self._look_every) if part is not None]
                self._promises.await_value(value, min(times, default=None), lambda: self._is_over)
                if self._promises.failure is not None:
                    self._raise_failure(operation)
                if limit is not None:
                    left = max(limit - (time.monotonic() - started), 0.0)
                if self._promises.value >= value:
                    return left
                self._check_not_over(operation)
                self._look(operation)
                if left == 0:
                    raise self._too_late(operation, value, started)

    def _look(self, operation: str) -> None:
        """Looks, with the lock held, whether there is a failure that nobody has been told of."""

    def fail(self, code: StatusCode, message: str = "") -> None:
        operation = "Semaphore.fail"
        if code not in list(StatusCode):
            raise refusal(operation, f"code is {code!r}: it is a StatusCode, 1 to 18")
        self.lose(HalError(StatusCode(code), operation, message or "no message"))

    def lose(self, failure: HalError) -> None:
        """Fails its timeline, unless that has failed before."""
        with self._lock:
            self._promises.fail(failure)
            self._deferral.drain()

    def check_signal(self, operation: str, value: int) -> None:
        if self._promises.failure is not None:
            self._raise_failure(operation)
        largest, jump = self._limits
        before = self._promises.value
        if self.is_shared or jump is not None:
            with self._lock:
                before = max(before, self._payload(operation))
        if not before < value <= largest or (jump is not None and value - before > jump):
            raise refusal(
                operation,
                f"value is {value}: it is above the payload {before} and at most"
                f" {largest if jump is None else min(largest, before + jump)}",
            )

    # -- the queue's side, with the lock held -----------------------------------------

    @property
    def promised(self) -> int:
        """The payload that it has, or will have once what native queues have is done."""
        return self._promises.value

    @property
    def failure(self) -> HalError | None:
        """That its timeline ended with."""
        return self._promises.failure

    def check_alive(self, operation: str) -> None:
        """Raises FAILED_PRECONDITION once it is destroyed."""
        if self._is_over:
            raise HalError(StatusCode.FAILED_PRECONDITION, operation, "the semaphore was destroyed")

    def when_promised(self, value: int, listener: Listener) -> None:
        """Has `listener` told once that the value is promised, or that it failed before."""
        self._promises.when(value, listener)

    def forget(self, listener: Listener) -> None:
        """Takes a listener back that has not been told."""
        self._promises.forget(listener)

    def cannot_advance(self, operation: str, value: int) -> None:
        """A signal that came too late fails it."""
        detail = f"a signal of {value} is not above the payload {self.promised}"
        self.lose(HalError(StatusCode.INVALID_ARGUMENT, operation, detail))

    # -- errors -----------------------------------------------------------------------

    def _raise_failure(self, operation: str) -> None:
        failure = self._promises.failure
        assert failure is not None
        # A new error each time: a traceback belongs to the thread that raises it.
        raise HalError(
            failure.code,
            operation,
            f"the semaphore has failed: {failure.detail}",
            native_code=failure.native_code,
        )

    def _too_late(self, operation: str, value: int, started: float) -> HalError:
        return HalError(
            StatusCode.DEADLINE_EXCEEDED,
            operation,
            f"the payload is not {value} after {time.monotonic() - started:.3g} s",
        )

    def _check_not_over(self, operation: str) -> None:
        if self._is_over:
            raise HalError(StatusCode.CANCELLED, operation, "the semaphore was destroyed")

    # -- the end ----------------------------------------------------------------------

    def _end_waits(self) -> None:
        """Whoever waits for the timeline waits in vain, once this is the last semaphore over it."""
        detail = "the semaphore was destroyed while it was waited for"
        self._promises.tell_all(HalError(StatusCode.CANCELLED, "Semaphore.release", detail))
