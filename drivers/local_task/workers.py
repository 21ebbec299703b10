"""The workers: one pool of threads for all devices of the process.

1. A device acquires the pool when it is made and releases it at its end: the threads start with the
   first device, and end with the last one, so that nothing is left behind.
2. `put` hands a job to whichever worker is free.
3. A large transfer is shared out: the worker that carries it out puts calls for help, works off
   part after part itself, and then waits for those helpers that are in the middle of one. A helper
   that comes too late finds nothing to do. So no worker ever waits for a free worker.

A fork leaves the threads behind; a forked child starts a pool of its own with its first device.
"""

from __future__ import annotations

import atexit
import os
import threading
from collections import deque
from collections.abc import Callable
from queue import SimpleQueue

from cts.hal import HalError, StatusCode

from .._host import Transfer

MOST_WORKERS = 8
"""More threads than this do not copy memory faster."""
PART = 1 << 22
"""Bytes that a worker does at once at least: a smaller part costs more than it brings."""
PARTS_EACH = 2
"""Parts of a transfer for each worker: one that is late leaves its second part to the others."""
JOIN_TIMEOUT = 10.0
"""Seconds that an idle thread is given to end."""

Job = Callable[[], None]


def worker_count() -> int:
    """As many as there are cores for this process, at least two: work is to overtake work."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return min(max(cores or 0, 2), MOST_WORKERS)


class WorkerPool:
    """Threads that do jobs; they exist while somebody has acquired the pool."""

    def __init__(self) -> None:
        self._lock = threading.RLock()  # the collector may end a device anywhere
        self._users = 0
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []

    def acquire(self) -> None:
        """Starts the threads, if nobody else has. Raises RESOURCE_EXHAUSTED where it cannot."""
        with self._lock:
            if not self._threads:
                self._start()
            self._users += 1

    def _start(self) -> None:
        self._jobs = SimpleQueue()
        try:
            for number in range(worker_count()):
                name = f"local-task {number}"
                thread = threading.Thread(
                    target=_work_off, args=(self._jobs,), name=name, daemon=True
                )
                thread.start()
                self._threads.append(thread)
        except RuntimeError as error:  # there can be no more threads
            self._end(self._take_threads())
            raise HalError(
                StatusCode.RESOURCE_EXHAUSTED, "Driver.create_device", str(error)
            ) from error

    def release(self) -> None:
        """Ends the threads, if nobody else needs them; whoever calls may be one of them."""
        with self._lock:
            self._users -= 1
            ending = self._take_threads() if self._users == 0 else []
        self._end(ending)

    def stop(self) -> None:
        """Lets the threads do what was put, and ends them, whoever has acquired the pool."""
        with self._lock:
            ending = self._take_threads()
        self._end(ending)

    def _take_threads(self) -> list[threading.Thread]:
        ending, self._threads = self._threads, []
        for _ in ending:
            self._jobs.put(None)
        return ending

    @staticmethod
    def _end(threads: list[threading.Thread]) -> None:
        for thread in threads:
            if thread is not threading.current_thread():
                thread.join(JOIN_TIMEOUT)

    def put(self, job: Job) -> None:
        """Has a worker do `job`, which raises nothing."""
        self._jobs.put(job)

    def carry_out(self, transfer: Transfer) -> None:
        """Carries out a transfer, with the help of other workers if it is large."""
        if transfer.length < 2 * PART:
            transfer.run()
            return
        workers = len(self._threads)
        pieces = -(-transfer.length // (PARTS_EACH * workers * PART))
        shared = _SharedTransfer(transfer, pieces * PART)
        for _ in range(min(workers, transfer.length // PART) - 1):
            self._jobs.put(shared.help)
        shared.finish()


def _work_off(jobs: SimpleQueue[Job | None]) -> None:
    while (job := jobs.get()) is not None:
        job()
        del job  # it may be the last to hold something


class _SharedTransfer:
    """A transfer that several threads carry out, part by part."""

    def __init__(self, transfer: Transfer, part: int) -> None:
        self._transfer = transfer
        self._part = part
        self._starts = deque(range(0, transfer.length, part))
        self._helpers = 0
        self._errors: list[BaseException] = []
        self._changed = threading.Condition()

    def help(self) -> None:
        """Does parts as long as there are any."""
        with self._changed:
            self._helpers += 1
        try:
            self._work()
        except BaseException as error:  # it is the owner's to report
            self._errors.append(error)
        with self._changed:
            self._helpers -= 1
            self._changed.notify()

    def finish(self) -> None:
        """Does parts as long as there are any, and returns when all of them are done."""
        try:
            self._work()
        finally:
            self._starts.clear()
            with self._changed:
                self._changed.wait_for(lambda: self._helpers == 0)
        for error in self._errors:
            raise error

    def _work(self) -> None:
        length = self._transfer.length
        while True:
            try:
                start = self._starts.popleft()
            except IndexError:  # all parts are taken
                return
            self._transfer.run_part(start, min(start + self._part, length))


POOL = WorkerPool()
"""The process's pool."""


def _forget_parents_threads() -> None:
    POOL.__init__()  # type: ignore[misc]


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_parents_threads)
# Before what is alive is destroyed at exit: no worker is in the middle of it then.
atexit.register(POOL.stop)
