"""Timelines: a payload and a failure under one condition variable, for semaphores that share them.

Threads wait for a payload with `wait`; what has no thread of its own to wait with, a submission,
leaves a *listener* at its timepoint, which is called once, on the thread that reaches it. A
timeline ends with the last semaphore over it (`join`, `leave`).
"""

from __future__ import annotations

import heapq
import threading
from collections.abc import Callable
from itertools import count
from typing import NamedTuple

from cts.hal import HalError, StatusCode

from .._common.arguments import as_int, refusal

_FAILED = "the semaphore has failed"


Listener = Callable[[HalError | None], None]
"""Is told that a payload is reached, with none, or the failure of the semaphore."""

_order = count()


class _Timepoint(NamedTuple):
    value: int
    order: int
    """Decides between equal values: listeners cannot be compared."""
    listener: Listener


class Timeline:
    """What any thread may signal, fail and wait for.

    Parameters
    ----------
    initial_value : the payload that it starts with.
    max_value : the largest payload.
    """

    def __init__(self, initial_value: int, max_value: int) -> None:
        operation = "Device.create_semaphore"
        initial_value = as_int(operation, "initial_value", initial_value)
        if not 0 <= initial_value <= max_value:
            raise refusal(operation, f"initial_value is {initial_value}: it is 0 to {max_value}")
        self._payload = initial_value
        self._max_value = max_value
        self._failure: HalError | None = None
        self._changed = threading.Condition()
        self._timepoints: list[_Timepoint] = []  # a heap, the smallest value first
        self._semaphores = 0

    def join(self) -> None:
        """Adds a semaphore over it."""
        with self._changed:
            self._semaphores += 1

    def leave(self, failure: HalError) -> None:
        """Takes one away, and wakes those who wait through it; the last one fails the timeline."""
        with self._changed:
            self._semaphores -= 1
            self._changed.notify_all()
            is_last = self._semaphores == 0
        if is_last:
            self.fail(failure)

    def query(self) -> int:
        """The payload. Raises the failure."""
        with self._changed:
            self._raise_failure("Semaphore.query")
            return self._payload

    def signal(self, operation: str, value: int) -> None:
        """Advances the payload. Raises INVALID_ARGUMENT where `value` does not."""
        with self._changed:
            self.check_signal(operation, value)
            reached = self._advance(value)
        _tell(reached, None)  # with no lock held: they signal others

    def wait(
        self, operation: str, value: int, limit: float | None, is_over: Callable[[], bool]
    ) -> None:
        """Returns when the payload is `value` or more. Raises the failure, DEADLINE_EXCEEDED after
        `limit` seconds, and CANCELLED once `is_over`, which `leave` has looked at again.
        """
        with self._changed:
            self._changed.wait_for(
                lambda: self._failure or self._payload >= value or is_over(), limit
            )
            self._raise_failure(operation)
            if self._payload < value and is_over():
                raise HalError(StatusCode.CANCELLED, operation, "the semaphore was destroyed")
            if self._payload < value:
                raise HalError(
                    StatusCode.DEADLINE_EXCEEDED,
                    operation,
                    f"the payload is {self._payload} after {limit:g} s: waited for {value}",
                )

    def fail(self, failure: HalError) -> None:
        """Ends it, unless it has failed before."""
        with self._changed:
            told = self._end(failure)
        _tell(told, self._failure)

    def finish(self, value: int, failure: HalError | None, release: Callable[[], None]) -> None:
        """Signals `value`, or fails with `failure`, and calls `release`, all in one: whoever sees
        the one sees the other. A value that cannot be signalled any more is a failure.
        """
        with self._changed:
            if failure is None:
                try:
                    self.check_signal("Semaphore.signal", value)
                except HalError as error:
                    failure = error
            if failure is None:
                told = self._advance(value)
            else:
                told = self._end(failure)
                failure = self._failure  # the first one
            release()
        _tell(told, failure)

    def check_signal(self, operation: str, value: int) -> None:
        """Raises what `signal` would raise for that value now; changes nothing."""
        with self._changed:
            self._raise_failure(operation)
            if not self._payload < value <= self._max_value:
                raise refusal(
                    operation,
                    f"value is {value}: it is above the payload {self._payload}"
                    f" and at most {self._max_value}",
                )

    def when_reached(self, value: int, listener: Listener) -> None:
        """Calls `listener` once, with no lock held: when the payload is `value` or more, or when
        the timeline fails before that. At once where it is so already.
        """
        with self._changed:
            failure = self._failure
            if failure is None and self._payload < value:
                heapq.heappush(self._timepoints, _Timepoint(value, next(_order), listener))
                return
        listener(failure)

    def forget(self, listener: Listener) -> None:
        """Takes a listener back that has not been called; nothing happens where it has been."""
        with self._changed:
            kept = [left for left in self._timepoints if left.listener != listener]
            if len(kept) < len(self._timepoints):
                heapq.heapify(kept)
                self._timepoints = kept

    def _advance(self, value: int) -> list[Listener]:
        """Moves the payload; whom to tell, once the lock is given up."""
        self._payload = value
        self._changed.notify_all()
        reached = []
        while self._timepoints and self._timepoints[0].value <= value:
            reached.append(heapq.heappop(self._timepoints).listener)
        return reached

    def _end(self, failure: HalError) -> list[Listener]:
        """Fails, unless it has failed before; whom to tell, once the lock is given up."""
        if self._failure is None:
            self._failure = failure
        self._changed.notify_all()
        told, self._timepoints = self._timepoints, []
        return [timepoint.listener for timepoint in told]

    def _raise_failure(self, operation: str) -> None:
        failure = self._failure
        if failure is not None:
            # A new error each time: a traceback belongs to the thread that raises it.
            detail = f"{_FAILED}: {failure.detail.removeprefix(_FAILED + ': ')}"
            raise HalError(failure.code, operation, detail)


def _tell(listeners: list[Listener], failure: HalError | None) -> None:
    for listener in listeners:
        listener(failure)
