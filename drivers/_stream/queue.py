"""The queue: a stream, how far it has come, and what ends after its last use.

1. An operation is given to the stream once all of its waits are promised
   (`.._common.deferral`). It is in order, so it waits natively only for another device's stream.
2. Submissions are numbered. A word of the queue's own, its *progress*, is written by each with its
   number. Nothing that a stream has ever waits for the host.
3. What submissions use may be given up while they run: its native side ends once each queue's
   progress has passed its last use there (`end_after`).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from .context import Context
from .handles import Handle

if TYPE_CHECKING:
    from .semaphore import Timeline

Signals = Sequence[tuple["Timeline", int]]


class _InFlight(NamedTuple):
    number: int
    waits: Signals
    """Those on other queues."""
    signals: Signals


class Queue:
    """The one stream of a logical device; its methods are called with the lock held.

    Attributes
    ----------
    stream : the vendor's.
    submitted : the number of the last submission.
    is_over : whether it takes no more.
    """

    def __init__(self, context: Context, operation: str, partition: Handle) -> None:
        self.context = context
        self.calls = context.calls
        self.submitted = 0
        self.is_over = False
        self._later: deque[tuple[int, Callable[[], None]]] = deque()
        self._in_flight: deque[_InFlight] = deque()
        self._progress = context.take_word(operation, 0)
        with context.native(operation):
            self.stream = self.calls.new_stream(partition)
        context.queues.add(self)

    # -- submissions ------------------------------------------------------------------

    def number(self, waits: Signals, signals: Signals) -> int:
        """Ends a submission: writes its number in the stream's order, and gives it."""
        self.submitted += 1
        number = self.submitted
        self.calls.write_value(self.stream, self._progress.address, number)
        self.calls.submit(self.stream)
        if waits or signals:
            self._in_flight.append(_InFlight(number, waits, signals))
            self._drop_what_is_done()
        return number

    def _drop_what_is_done(self) -> None:
        in_flight, completed = self._in_flight, self.completed
        while in_flight and in_flight[0].number <= completed:
            in_flight.popleft()

    @property
    def completed(self) -> int:
        """The number of the last submission that is done."""
        if self.is_over or self.context.is_lost:
            return self.submitted  # what the device does is over
        words: Any = self._progress.words
        completed: int = words[self._progress.place]
        return completed

    def check(self, operation: str) -> None:
        """Raises where the context has failed."""
        with self.context.native(operation):
            self.calls.check(self.stream)

    def synchronize(self) -> None:
        """Waits for all that it has, within a block of native calls."""
        self.calls.synchronize(self.stream)

    # -- what comes later -------------------------------------------------------------

    def later(self, number: int, action: Callable[[], None]) -> None:
        """Does something once a submission is done, whenever that is looked at next."""
        self._later.append((number, action))

    def tidy(self) -> None:
        """Does what was put off until now."""
        if not self._later:
            return
        with self.context.lock:
            completed = self.completed
            while self._later and self._later[0][0] <= completed:
                self._later.popleft()[1]()

    # -- loss and end -----------------------------------------------------------------

    def cut_off(self) -> Signals:
        """Its context is lost: what was to be signalled and will not be, on any queue."""
        unkept = [
            signal
            for in_flight in self._in_flight
            for signal in in_flight.signals
            if not signal[0].has(signal[1])
        ]
        self._in_flight.clear()
        lost = list(unkept)
        others = [
            queue
            for context in self.context.runtime.contexts.values()
            if context is not self.context
            for queue in list(context.queues)
        ]
        while unkept:  # work behind what never comes is done by nobody, or for nothing
            timeline, _ = unkept.pop()
            for queue in others:
                unkept += (found := queue.waits_for(timeline))
                lost += found
            timeline.let_go()
        return lost

    def waits_for(self, timeline: Timeline) -> list[tuple[Timeline, int]]:
        """What submissions that wait for a timeline natively are to signal."""
        found: list[tuple[Timeline, int]] = []
        for in_flight in list(self._in_flight):
            if any(waited is timeline and not waited.has(v) for waited, v in in_flight.waits):
                found += in_flight.signals
                self._in_flight.remove(in_flight)
        return found

    def destroy(self) -> None:
        """Waits for what is under way, and ends what was put off, and the stream."""
        try:
            with self.context.ending() as is_there:
                if is_there:
                    self.calls.synchronize(self.stream)
                    self.calls.end_stream(self.stream)
        finally:
            self.is_over = True
            while self._later:
                self._later.popleft()[1]()
            self.context.give_word(self._progress)


def end_after(uses: Mapping[Queue, int], end: Callable[[], None]) -> None:
    """Calls `end` once each queue has done its last submission that uses something."""
    for queue, number in uses.items():
        if number > queue.completed:
            # In the order of numbers, as the last one is no smaller than this one.
            queue.later(queue.submitted, lambda: end_after(uses, end))
            return
    end()
