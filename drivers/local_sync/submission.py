"""A submission on the caller's thread: wait, work, signal.

1. Everything is checked; what is refused here leaves the signals alone.
2. Each wait is waited for, up to `DEFAULT_WAIT_TIMEOUT` for all of them together.
3. The work is done and the signals advance, in the order given.

A failure after the first step (a failed wait, the time-out) fails every signal with its code, so
that it travels on along the timelines, and is raised as well. The work is then not done.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Any

from cts.hal import HalError, Resource, SemaphoreList, StatusCode
from cts.hal.semaphore import DEFAULT_WAIT_TIMEOUT

from .arguments import as_int, refusal
from .semaphore import LocalSemaphore

Timepoints = Sequence[tuple[LocalSemaphore, int]]


def submit(
    operation: str,
    work: Callable[[], None],
    used: Sequence[Resource],
    wait: SemaphoreList,
    signal: SemaphoreList,
) -> None:
    """Does `work` between the waits and the signals; `used` is kept alive until then."""
    waits = _timepoints(operation, "wait", wait)
    signals = _timepoints(operation, "signal", signal)
    _check_signals(operation, signals)
    with ExitStack() as alive:
        for resource in (*used, *(semaphore for semaphore, _ in (*waits, *signals))):
            alive.enter_context(resource.retain())
        try:
            _wait_all(waits)
            work()
            for semaphore, value in signals:
                semaphore.signal(value)
        except HalError as error:
            failure = HalError(error.code, operation, error.detail)
            _fail_all(signals, failure)
            raise failure from error
        except BaseException as error:
            _fail_all(signals, HalError(StatusCode.ABORTED, operation, f"interrupted: {error!r}"))
            raise


def _timepoints(operation: str, name: str, semaphores: SemaphoreList) -> Timepoints:
    try:
        entries = list(semaphores)
    except TypeError:
        raise refusal(
            operation, f"{name} is {semaphores!r}: it is a list of (semaphore, value)"
        ) from None
    return [_timepoint(operation, name, entry) for entry in entries]


def _timepoint(operation: str, name: str, entry: Any) -> tuple[LocalSemaphore, int]:
    try:
        semaphore, value = entry
    except (TypeError, ValueError):
        raise refusal(operation, f"{name} has {entry!r}: it is (semaphore, value)") from None
    if not isinstance(semaphore, LocalSemaphore):
        raise refusal(
            operation, f"{name} has {semaphore!r}: it is a semaphore of the driver local-sync"
        )
    semaphore._check_usable(operation)
    return semaphore, as_int(operation, f"{name} value", value)


def _check_signals(operation: str, signals: Timepoints) -> None:
    """Raises where a signal could not advance its semaphore, or an earlier one of the list."""
    reached: dict[LocalSemaphore, int] = {}
    for semaphore, value in signals:
        before = reached.get(semaphore)
        if before is not None and value <= before:
            raise refusal(
                operation, f"signal value {value} comes after {before} of the same semaphore"
            )
        semaphore.check_signal(operation, value)
        reached[semaphore] = value


def _wait_all(waits: Timepoints) -> None:
    deadline = time.monotonic() + DEFAULT_WAIT_TIMEOUT
    for semaphore, value in waits:
        semaphore.wait(value, deadline - time.monotonic())


def _fail_all(signals: Timepoints, failure: HalError) -> None:
    for semaphore, _ in signals:
        semaphore.fail(failure.code, failure.detail)
