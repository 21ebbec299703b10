"""A submission: it waits without a thread, works on a worker, and signals.

1. `start` leaves a listener with each semaphore that is waited for. The last one to be reached, or
   the first to fail, decides: there is a state for either, and it is entered once.
2. Work goes to the pool. What has none left to do, a barrier or a failure, is finished at once, on
   the thread that decided.
3. `_finish` advances the signals, or fails them with the failure's code, and gives up what the
   submission held. A signal can decide the next submission in the chain: that one is not finished
   within this one but after it (`_finish_in_turn`), however long the chain.

What is held is what the submission uses and signals, not what it waits for. So a semaphore that
nobody is left to signal ends with its last reference, and takes along what waits for it; nothing
waits for ever, and nothing has to be told to stop.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence

from cts.hal import HalError, Resource, StatusCode

from .._host import HostSemaphore, Timepoints, Transfer
from .workers import WorkerPool


class Submission(Resource):
    """One operation of a queue, from its call until its signals are reached or have failed.

    It holds the only reference to itself, and drops it when it is finished.

    Parameters
    ----------
    work : to be carried out in this order.
    used : what must be alive until then; the semaphores to signal are kept alive as well.
    """

    _teardown_rank = 0  # before what it uses and signals

    def __init__(
        self,
        pool: WorkerPool,
        operation: str,
        work: Sequence[Transfer],
        used: Sequence[Resource],
        signals: Timepoints,
    ) -> None:
        super().__init__()
        self._pool = pool
        self._operation = operation
        self._work = work
        self._signals = signals
        self._held: list[Resource] = []
        try:
            for resource in (*used, *(semaphore for semaphore, _ in signals)):
                self._held.append(resource.retain())
        except HalError:  # another thread dropped its last reference, just now
            self._let_go()
            raise
        self._lock = threading.Lock()
        self._undecided = 1  # waits that are not reached, and `start` itself
        self._decided = False
        self._failure: HalError | None = None
        self._waits: Timepoints = ()

    def start(self, waits: Timepoints) -> None:
        """Waits for `waits`, all of them living, from now on; returns at once."""
        self._waits = waits
        self._undecided += len(waits)
        for semaphore, value in waits:
            semaphore.when_reached(value, self._wait_ended)
        self._wait_ended(None)
        if self._failure is not None:  # decided before the last listener was left
            self._forget(waits)

    def _wait_ended(self, failure: HalError | None) -> None:
        with self._lock:
            self._undecided -= failure is None
            if self._decided or (failure is None and self._undecided):
                return
            self._decided = True
        self._failure = failure
        if failure is None and self._work:
            self._pool.put(self._carry_out)
        else:
            _finish_in_turn(self)

    def _carry_out(self) -> None:
        try:
            for transfer in self._work:
                self._pool.carry_out(transfer)
        except Exception as error:
            self._failure = HalError(
                StatusCode.INTERNAL, self._operation, f"{self._operation}: {error!r}"
            )
        _finish_in_turn(self)

    def _finish(self) -> None:
        """Signals, or fails what was to be signalled, and ends."""
        try:
            if self._failure is None:
                for semaphore, value in self._signals:
                    _advance(semaphore, value)
            else:
                self._fail_signals(self._failure)
                self._forget(self._waits)
            self._signals = ()
        finally:
            self.release()

    def _destroy(self) -> None:
        self._decided = True
        cut_off = HalError(StatusCode.CANCELLED, self._operation, f"{self._operation} was cut off")
        self._fail_signals(cut_off)  # none are left where it was finished
        self._let_go()

    def _fail_signals(self, failure: HalError) -> None:
        for semaphore, _ in self._signals:
            semaphore.fail(failure.code, failure.detail)

    def _forget(self, waits: Timepoints) -> None:
        """Takes the listeners back that have not been called."""
        for semaphore, _ in waits:
            semaphore.forget(self._wait_ended)

    def _let_go(self) -> None:
        held, self._held = self._held, []
        self._signals = self._waits = ()
        self._work = ()
        for resource in held:
            resource.release()


def _advance(semaphore: HostSemaphore, value: int) -> None:
    """Signals; a value that the payload has passed meanwhile fails the semaphore for good."""
    try:
        semaphore.signal(value)
    except HalError as error:
        semaphore.fail(error.code, error.detail)


_turn = threading.local()


def _finish_in_turn(submission: Submission) -> None:
    """Finishes a submission, after the one that this thread is finishing if there is one."""
    queued: deque[Submission] | None = getattr(_turn, "queued", None)
    if queued is not None:
        queued.append(submission)
        return
    _turn.queued = queued = deque([submission])
    try:
        while queued:
            queued.popleft()._finish()
    finally:
        _turn.queued = None
