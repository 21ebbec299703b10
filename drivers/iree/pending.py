"""What asynchronous queues have taken and may not have finished, for the sake of a device's end.

At a device's end IREE cancels what its queue has taken and not begun, and waits for the rest. What
waits for a semaphore that nobody signals is of the rest: that end never comes, and it holds the
GIL meanwhile, so that nothing else of the process runs again. So, before IREE's device is let go
(`settle`):

1. a wait that nobody can reach any more is failed: its semaphore has ended, and nothing that is
   pending comes to signal it. IREE hands the failure on to what is behind it;
2. what comes to its end by itself is waited for;
3. what waits for a semaphore that somebody still has, one of another device, goes on waiting:
   IREE's device must not be let go.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from cts.hal import HalError
from cts.hal.semaphore import DEFAULT_WAIT_TIMEOUT

from .native import abandon_in_forked_child, call
from .semaphore import WAIT_SLICE

LEAST_NOTED = 64
"""Submissions that are noted before the finished ones are looked for."""


class Timepoint(NamedTuple):
    """A payload of a semaphore."""

    native: Any
    """IREE's semaphore."""
    value: int
    is_held: Callable[[], bool]
    """Whether somebody still has the semaphore, and may signal it."""


class _Submission(NamedTuple):
    queue: object
    waits: Sequence[Timepoint]
    signals: Sequence[Timepoint]

    @property
    def last(self) -> Sequence[Timepoint]:
        """What is reached when it is finished, as far as that shows."""
        return self.signals or self.waits


class PendingSubmissions:
    """Those of all devices of the process."""

    def __init__(self) -> None:
        self._lock = threading.RLock()  # the collector may end a device anywhere
        self._noted: list[_Submission] = []
        self._enough = LEAST_NOTED
        abandon_in_forked_child(self)

    def note(self, queue: object, waits: Sequence[Timepoint], signals: Sequence[Timepoint]) -> None:
        """Keeps in mind what a queue has taken; `queue` is told apart by its identity alone."""
        with self._lock:
            self._noted.append(_Submission(queue, waits, signals))
            if len(self._noted) > self._enough:
                self._noted = [noted for noted in self._noted if not _is_finished(noted)]
                self._enough = 2 * len(self._noted) + LEAST_NOTED

    def settle(self, queue: object, fail: Callable[[Any], None]) -> bool:
        """Brings what can be to its end; whether all is, so that IREE's device can be let go.

        Parameters
        ----------
        queue : the one of that device, which takes nothing more.
        fail : fails one of IREE's semaphores.
        """
        with self._lock:
            self._fail_unreachable(fail)
            to_come = _payloads_to_come(self._noted, lambda wait: False)
            mine = [noted for noted in self._noted if noted.queue is queue]
            self._noted = [noted for noted in self._noted if noted.queue is not queue]
        if not all(_is_reached(wait, to_come) for noted in mine for wait in noted.waits):
            return False
        deadline = time.monotonic() + DEFAULT_WAIT_TIMEOUT
        return all(_ends(point, deadline) for noted in mine for point in noted.last)

    def _fail_unreachable(self, fail: Callable[[Any], None]) -> None:
        to_come = _payloads_to_come(self._noted, lambda wait: wait.is_held())
        # The last first: IREE hands a failure on by calls within calls, and a long way is deep.
        for noted in reversed(self._noted):
            for wait in noted.waits:
                if not _is_reached(wait, to_come) and not wait.is_held():
                    fail(wait.native)


def _payloads_to_come(
    submissions: Sequence[_Submission], is_expected: Callable[[Timepoint], bool]
) -> dict[Any, int]:
    """Payloads that submissions will reach by themselves, once waits that are expected are over."""
    to_come: dict[Any, int] = {}
    waiting = submissions
    while True:
        held_up = []
        for submission in waiting:
            if all(_is_reached(wait, to_come) or is_expected(wait) for wait in submission.waits):
                for native, value, _ in submission.signals:
                    to_come[native] = max(value, to_come.get(native, 0))
            else:
                held_up.append(submission)
        if len(held_up) == len(waiting):
            return to_come
        waiting = held_up


def _is_finished(submission: _Submission) -> bool:
    return all(_is_reached(point, {}) for point in submission.last)


def _is_reached(point: Timepoint, to_come: dict[Any, int]) -> bool:
    """Whether a wait for it is over, or will be; a failure ends it as well."""
    if point.value <= to_come.get(point.native, -1):
        return True
    try:
        payload: int = call("Semaphore.query", point.native.query)
    except HalError:
        return True
    return point.value <= payload


def _ends(point: Timepoint, deadline: float) -> bool:
    """Waits for the timepoint or a failure of its semaphore, and tells whether it came in time."""
    while not _is_reached(point, {}):
        left = min(deadline - time.monotonic(), WAIT_SLICE)
        if left <= 0:
            return False
        with suppress(HalError):  # a failure is seen at the next look
            call("Device.release", point.native.wait, point.value, timeout=int(left * 1e9))
    return True


PENDING = PendingSubmissions()


def _forget_parents() -> None:
    PENDING.__init__()  # type: ignore[misc]


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_parents)
