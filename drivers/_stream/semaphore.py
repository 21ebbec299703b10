"""Semaphores: timelines whose payload is a word that host and streams read and write.

Semaphores of several devices may share a timeline (`Device.export_semaphore`, NATIVE).
"""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING, Any

from cts.hal import HalError

from .._common.promised_semaphore import PromisedSemaphore
from .._common.promises import Promises
from .context import Context
from .queue import Queue, end_after

if TYPE_CHECKING:
    from .device import StreamDevice

SPIN = 50e-6
"""Seconds in which a wait looks again at once."""
YIELD = 500e-6
"""Seconds after that in which it lets others go first."""
LONGEST_SLEEP = 1e-3
LOOKS = 32
"""Between two looks at the clock."""


class Timeline:
    """A payload, and what is promised of it.

    Attributes
    ----------
    promises : the host's side.
    address : of the payload, as streams see it.
    """

    def __init__(self, context: Context, operation: str, payload: int) -> None:
        self.promises = Promises(context.lock, payload)
        self._context = context
        self._word = word = context.take_word(operation, payload)
        self.words: Any = word.words
        self.index = word.place
        self.address = word.address
        self._pending: deque[tuple[int, Queue]] = deque()
        self._uses: dict[Queue, int] = {}
        self._semaphores = 0
        context.add_user()
        context.timelines.add(self)

    def has(self, value: int) -> bool:
        """Whether the payload is that or more."""
        reached: bool = self.words[self.index] >= value
        return reached

    # -- with the lock held -----------------------------------------------------------

    @property
    def payload(self) -> int:
        """As it is now."""
        payload: int = self.words[self.index]
        return payload

    def must_be_waited_for(self, queue: Queue, value: int) -> bool:
        """Whether a stream has to wait for a promised value: it is to come from another one."""
        self._drop_what_has_come()
        for promised, signaller in self._pending:
            if promised >= value:
                return signaller is not queue
        return False

    def used(self, queue: Queue, number: int) -> None:
        """A submission waits for it natively."""
        self._uses[queue] = number

    def signalled(self, queue: Queue, number: int, value: int) -> None:
        """A submission signals it."""
        self._uses[queue] = number
        self._pending.append((value, queue))
        self.promises.promise(value)

    def signal(self, operation: str, value: int) -> None:
        """The host signals it, once all that is promised has come."""
        self.await_pending(operation)
        self.words[self.index] = value

    def await_pending(self, operation: str) -> None:
        """Waits for what is promised, as no native signal may come after a larger payload."""
        promised, pause = self.promises.value, Pause()
        while self._pending and not self.has(promised):
            if pause.now():
                self.check(operation)
            if self.promises.failure is not None:
                return
        self._pending.clear()

    def check(self, operation: str) -> None:
        """Raises where what is to signal it has failed."""
        self._drop_what_has_come()
        for _, queue in list(self._pending):
            queue.check(operation)

    def _drop_what_has_come(self) -> None:
        while self._pending and self.has(self._pending[0][0]):
            self._pending.popleft()

    def fail(self, failure: HalError) -> None:
        """What was promised will not come."""
        self.promises.fail(failure)

    def let_go(self) -> None:
        """Streams that wait for what will not come wait no more."""
        self.words[self.index] = max(self.payload, self.promises.value)

    def detach(self) -> None:
        """The context is lost, and its memory may go: the payload stays what it is."""
        self.words, self.index = [self.payload], 0

    # -- its semaphores ---------------------------------------------------------------

    def join(self) -> None:
        """One more is over it."""
        self._semaphores += 1

    def leave(self) -> bool:
        """One less: whether that was the last one; the word goes after its last use then."""
        self._semaphores -= 1
        if self._semaphores:
            return False
        end_after(self._uses, self._end)
        return True

    def _end(self) -> None:
        self._context.give_word(self._word)
        self._context.drop_user()


class StreamSemaphore(PromisedSemaphore):
    """A semaphore over a timeline.

    Attributes
    ----------
    timeline : its payload.
    """

    _look_every = 0.1
    _readable_when_sealed = PromisedSemaphore._readable_when_sealed | {"timeline"}

    def __init__(self, device: StreamDevice, timeline: Timeline) -> None:
        self._timeline = timeline
        self._queue = device.queue
        self._waiters = 0
        super().__init__(device, timeline.promises)
        with self._lock:
            timeline.join()

    @property
    def timeline(self) -> Timeline:
        return self._timeline

    def _look(self, operation: str) -> None:
        self._queue.check(operation)

    def _payload(self, operation: str) -> int:
        self.check_alive(operation)
        return self._timeline.payload

    def _signal_natively(self, operation: str, value: int) -> None:
        self._timeline.signal(operation, value)
        if self.failure is not None:
            self._raise_failure(operation)

    def _wait_natively(
        self, operation: str, value: int, limit: float | None, started: float
    ) -> None:
        timeline = self._timeline
        with self._lock:
            self._check_not_over(operation)
            self._waiters += 1
        try:
            ends = None if limit is None else time.monotonic() + limit
            pause = Pause()
            while not timeline.has(value):
                if not pause.now():
                    continue
                if self.failure is not None:
                    return
                self._check_not_over(operation)
                with self._lock:
                    timeline.check(operation)
                if ends is not None and time.monotonic() >= ends and not timeline.has(value):
                    raise self._too_late(operation, value, started)
        finally:
            with self._lock:
                self._waiters -= 1
                if self._is_over:
                    self._promises.wake()

    def _free(self) -> None:
        with self._lock:
            self._is_over = True
            self._promises.wake()
            if self._waiters:  # each looks every few milliseconds
                self._promises.await_change(lambda: not self._waiters)
            if self._timeline.leave():
                self._end_waits()
            self._deferral.drain()


class Pause:
    """How long to pause between two looks at a word: the longer it takes, the longer."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._looks = 0
        self._sleep = 0.0

    def now(self) -> bool:
        """Pauses: whether it is time to look at other things as well."""
        self._looks += 1
        if not self._sleep and self._looks % LOOKS:
            return False
        if not self._sleep:
            waited = time.monotonic() - self._started
            if waited < SPIN:
                return False
            if waited < YIELD:
                time.sleep(0)
                return False
            self._sleep = 50e-6
        time.sleep(self._sleep)
        self._sleep = min(2 * self._sleep, LONGEST_SLEEP)
        return True
