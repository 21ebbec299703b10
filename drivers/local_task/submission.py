"""A submission: it waits without a thread, works on a worker, and signals.

1. `start` leaves a listener with each semaphore that is waited for. The last one to be reached, or
   the first to fail, decides: there is a state for either, and it is entered once.
2. Work goes to the pool. What has none left to do, a barrier or a failure, is finished at once, on
   the thread that decided.
3. `_finish` gives up what was used, and advances the signals, or fails them with the failure's code
   (`_settle`). A signal can decide the next submission in the chain: that one is not finished
   within this one but after it (`_finish_in_turn`), however long the chain.

What is held is what the submission uses and signals, not what it waits for. So a semaphore that
nobody is left to signal ends with its last reference, and takes along what waits for it; nothing
waits for ever, and nothing has to be told to stop.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from contextlib import ExitStack

from cts.hal import HalError, Resource, StatusCode

from .._host import HostDevice, HostOperation, HostSemaphore
from .workers import WorkerPool


class Submission(Resource):
    """One operation of a queue, from its call until its signals are reached or have failed.

    It holds the only reference to itself, and drops it when it is finished.

    Parameters
    ----------
    device : whose queue it is; it is kept alive, as is what the operation uses and signals.
    operation : with waits that the caller keeps alive until `start` has returned.
    """

    _teardown_rank = 0  # before what it uses and signals
    _readable_when_sealed = frozenset({"lose"})  # it has ended

    def __init__(self, device: HostDevice, operation: HostOperation, pool: WorkerPool) -> None:
        super().__init__()
        self._pool = pool
        self._loss = device.loss
        self._operation = operation.name
        self._work = operation.work
        self._waits = operation.waits
        self._used: list[Resource] = [device, *operation.used]
        self._signals = deque(operation.signals)
        with ExitStack() as undo:  # another thread may drop a last reference, just now
            for resource in (*self._used, *(semaphore for semaphore, _ in self._signals)):
                undo.enter_context(resource.retain())
            undo.pop_all()
        self._lock = threading.Lock()
        self._undecided = 1 + len(self._waits)  # waits that are not reached, and `start` itself
        self._decided = False
        self._failure: HalError | None = None

    def start(self) -> None:
        """Waits from now on for what it is to wait for; returns at once."""
        waits = self._waits
        for semaphore, value in waits:
            semaphore.when_reached(value, self._wait_ended)
        self._loss.tell(self)
        self._wait_ended(None)
        if self._failure is not None:  # decided before the last listener was left
            self._forget(waits)

    def lose(self, failure: HalError) -> None:
        """Waits no more, and fails; work that is under way fails at its end."""
        self._wait_ended(failure)

    def _wait_ended(self, failure: HalError | None) -> None:
        with self._lock:
            if failure is None:
                self._undecided -= 1
            if self._decided or (failure is None and self._undecided > 0):
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
                self._loss.check(self._operation)
                self._pool.carry_out(transfer)
            self._loss.check(self._operation)
        except HalError as error:
            self._failure = HalError(error.code, self._operation, error.detail)
        except Exception as error:
            self._failure = HalError(
                StatusCode.INTERNAL, self._operation, f"{self._operation}: {error!r}"
            )
        _finish_in_turn(self)

    def _finish(self) -> None:
        try:
            if self._failure is not None:
                self._forget(self._waits)
            self._settle(self._failure)
        finally:
            self.release()

    def _destroy(self) -> None:
        self._decided = True
        # Nothing is left to settle where it was finished.
        self._settle(
            HalError(StatusCode.CANCELLED, self._operation, f"{self._operation} was cut off")
        )

    def _settle(self, failure: HalError | None) -> None:
        """Gives up what was used, and then signals, or fails what was to be signalled: whoever sees
        a signal finds the counts of the objects as they were before the submission.
        """
        used, self._used = self._used, []
        self._work = self._waits = ()
        for resource in used:
            resource.release()
        while self._signals:
            semaphore, value = self._signals.popleft()
            semaphore.finish(value, failure)

    def _forget(self, waits: Sequence[tuple[HostSemaphore, int]]) -> None:
        """Takes the listeners back that have not been called."""
        for semaphore, _ in waits:
            semaphore.forget(self._wait_ended)


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
