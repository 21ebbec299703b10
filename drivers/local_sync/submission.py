"""A submission on the caller's thread: wait, work, signal.

1. Each wait is waited for, up to `DEFAULT_WAIT_TIMEOUT` for all of them together.
2. The work is done and the signals advance, in the order given.

A failure (a failed wait, the time-out) fails every signal with its code, so that it travels on
along the timelines, and is raised as well. The work is then not done.
"""

from __future__ import annotations

import time
from contextlib import ExitStack

from cts.hal import HalError, StatusCode
from cts.hal.semaphore import DEFAULT_WAIT_TIMEOUT

from .._host import Operation, Timepoints


def carry_out(operation: Operation) -> None:
    """Does the work between the waits and the signals; what it uses is kept alive until then."""
    name, work, used, waits, signals = operation
    with ExitStack() as alive:
        for resource in (*used, *(semaphore for semaphore, _ in (*waits, *signals))):
            alive.enter_context(resource.retain())
        try:
            _wait_all(waits)
            for transfer in work:
                transfer.run()
            for semaphore, value in signals:
                semaphore.signal(value)
        except HalError as error:
            failure = HalError(error.code, name, error.detail)
            _fail_all(signals, failure)
            raise failure from error
        except BaseException as error:
            _fail_all(signals, HalError(StatusCode.ABORTED, name, f"interrupted: {error!r}"))
            raise


def _wait_all(waits: Timepoints) -> None:
    deadline = time.monotonic() + DEFAULT_WAIT_TIMEOUT
    for semaphore, value in waits:
        semaphore.wait(value, deadline - time.monotonic())


def _fail_all(signals: Timepoints, failure: HalError) -> None:
    for semaphore, _ in signals:
        semaphore.fail(failure.code, failure.detail)
