"""A submission on the caller's thread: wait, work, signal.

1. All waits are waited for, up to `DEFAULT_WAIT_TIMEOUT`, unless one fails or the device is lost.
2. The work is done and the signals advance, in the order given.

A failure (a failed wait, the time-out, a loss) fails every signal with its code, so that it travels
on along the timelines, and is raised as well. The work is then not done.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import ExitStack
from queue import Empty, SimpleQueue

from cts.hal import HalError, StatusCode
from cts.hal.semaphore import DEFAULT_WAIT_TIMEOUT

from .._host import HostDevice, HostOperation, HostSemaphore


def carry_out(device: HostDevice, operation: HostOperation) -> None:
    """Does the work between the waits and the signals; what it uses is kept alive until then."""
    name, work, used, waits, signals = operation
    with ExitStack() as alive:
        for resource in (*used, *(semaphore for semaphore, _ in (*waits, *signals))):
            alive.enter_context(resource.retain())
        try:
            if waits:
                _Waiting(waits).wait(device)
            for transfer in work:
                transfer.run()
            device.loss.check(name)
            for semaphore, value in signals:
                semaphore.signal(value)
        except HalError as error:
            failure = HalError(error.code, name, error.detail)
            _fail_all(signals, failure)
            raise failure from error
        except BaseException as error:
            _fail_all(signals, HalError(StatusCode.ABORTED, name, f"interrupted: {error!r}"))
            raise


class _Waiting:
    """A caller that waits for timepoints of several semaphores at once."""

    def __init__(self, waits: Sequence[tuple[HostSemaphore, int]]) -> None:
        self._waits = waits
        self._ended: SimpleQueue[HalError | None] = SimpleQueue()

    def lose(self, failure: HalError) -> None:
        """Waits no more, and fails."""
        self._ended.put(failure)

    def wait(self, device: HostDevice) -> None:
        """Returns when all of them are reached. Raises the first failure."""
        deadline = time.monotonic() + DEFAULT_WAIT_TIMEOUT
        device.loss.tell(self)
        for semaphore, value in self._waits:
            semaphore.when_reached(value, self._ended.put)
        try:
            for _ in self._waits:
                failure = self._ended.get(timeout=max(deadline - time.monotonic(), 0.0))
                if failure is not None:  # which other threads may raise as well
                    raise HalError(failure.code, failure.operation, failure.detail)
        except Empty:
            raise HalError(
                StatusCode.DEADLINE_EXCEEDED,
                "Semaphore.wait",
                f"not all waits are reached after {DEFAULT_WAIT_TIMEOUT:g} s",
            ) from None
        finally:
            for semaphore, _ in self._waits:
                semaphore.forget(self._ended.put)


def _fail_all(signals: Sequence[tuple[HostSemaphore, int]], failure: HalError) -> None:
    for semaphore, _ in signals:
        semaphore.fail(failure.code, failure.detail)
