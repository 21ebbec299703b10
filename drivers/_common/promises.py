"""What a timeline is going to be: its *promised* payload, and the failure that it ended with.

A payload is promised once it is reached, or will be when what native queues have is done: that ends
by itself. Who waits for more has itself told (`when`), or waits here (`await_value`), where a
failure or an end cuts the wait short; what is promised is then waited for natively, where nothing
needs to.
"""

from __future__ import annotations

import heapq
import threading
from collections.abc import Callable
from itertools import count
from typing import NamedTuple

from cts.hal import HalError

Listener = Callable[[HalError | None], None]
"""Is told that a value is promised, with none, or the failure; with the lock held."""

_order = count()


class _Awaited(NamedTuple):
    value: int
    order: int
    """Decides between equal values: listeners cannot be compared."""
    listener: Listener


class Promises:
    """The host's side of one timeline; all of it is done with the lock held.

    Parameters
    ----------
    lock : the deferral's.
    payload : what the timeline starts with.

    Attributes
    ----------
    value : the promised payload.
    failure : that the timeline ended with.
    """

    def __init__(self, lock: threading.RLock, payload: int) -> None:
        self.value = payload
        self.failure: HalError | None = None
        self._lock = lock
        self._changed: threading.Condition | None = None
        self._awaited: list[_Awaited] = []

    def when(self, value: int, listener: Listener) -> bool:
        """Has `listener` told once: whether it still waits for that."""
        if self.failure is not None or self.value >= value:
            listener(self.failure)
            return False
        heapq.heappush(self._awaited, _Awaited(value, next(_order), listener))
        return True

    def forget(self, listener: Listener) -> None:
        """Takes a listener back that has not been told."""
        kept = [awaited for awaited in self._awaited if awaited.listener != listener]
        if len(kept) < len(self._awaited):
            heapq.heapify(kept)
            self._awaited = kept

    def promise(self, value: int) -> None:
        """The payload is that, or will be."""
        self.value = value
        while self._awaited and self._awaited[0].value <= value:
            heapq.heappop(self._awaited).listener(None)
        self.wake()

    def fail(self, failure: HalError) -> None:
        """The timeline has ended with that, if it had not before."""
        if self.failure is None:
            self.failure = failure
            self.tell_all(failure)

    def tell_all(self, failure: HalError) -> None:
        """Whoever waits here waits in vain."""
        told, self._awaited = self._awaited, []
        for awaited in told:
            awaited.listener(failure)
        self.wake()

    def wake(self) -> None:
        """Threads that wait here look again."""
        if self._changed is not None:
            self._changed.notify_all()

    def await_change(self, is_so: Callable[[], object], limit: float | None = None) -> None:
        """Waits until something is so, or as many seconds are over."""
        if self._changed is None:
            self._changed = threading.Condition(self._lock)
        self._changed.wait_for(is_so, limit)

    def await_value(self, value: int, limit: float | None, is_over: Callable[[], bool]) -> None:
        """Waits until a value is promised, there is a failure, or it is over; `limit` seconds at
        most."""
        self.await_change(lambda: self.failure or self.value >= value or is_over(), limit)
