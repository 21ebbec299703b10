"""Submissions to IREE's queues: their lists as fences, their waits bounded where they block.

A fence keeps one payload for each semaphore, the largest. That is what waits ask for; of signals it
would pass one over that comes after a larger one, so that these are refused.
"""

from __future__ import annotations

import time
import weakref
from collections.abc import Callable, Sequence
from typing import Any

from cts.hal import HalError, SemaphoreList, StatusCode
from cts.hal.semaphore import DEFAULT_WAIT_TIMEOUT

from .arguments import as_int, as_object
from .native import call, runtime
from .pending import Timepoint
from .semaphore import IreeSemaphore

Timepoints = Sequence[tuple[IreeSemaphore, int]]


def as_timepoints(operation: str, name: str, semaphores: SemaphoreList) -> Timepoints:
    """A list of living semaphores of IREE's, each with a payload."""
    try:
        return [
            (as_object(operation, name, semaphore, IreeSemaphore), as_int(operation, name, value))
            for semaphore, value in semaphores
        ]
    except (TypeError, ValueError):
        raise HalError(
            StatusCode.INVALID_ARGUMENT,
            operation,
            f"{name} is {semaphores!r}: it is a list of (semaphore, value)",
        ) from None


def wait_fence(operation: str, waits: Timepoints) -> Any:
    """IREE's fence over timepoints to wait for."""
    fence = call(operation, runtime().HalFence, max(len(waits), 1))
    for semaphore, value in waits:
        call(operation, fence.insert, semaphore.native, value)
    return fence


def signal_fence(operation: str, signals: Timepoints) -> Any:
    """IREE's fence over timepoints to signal. Raises INVALID_ARGUMENT for what it cannot hold."""
    largest: dict[IreeSemaphore, int] = {}
    for semaphore, value in signals:
        before = largest.get(semaphore)
        if before is not None and value <= before:
            raise HalError(
                StatusCode.INVALID_ARGUMENT,
                operation,
                f"signal value {value} comes after {before} of the same semaphore",
            )
        largest[semaphore] = value
    return wait_fence(operation, signals)


def bound_waits(operation: str, waits: Timepoints, signals: Timepoints) -> None:
    """Waits for what a synchronous queue would wait for in C with no end.

    Raises DEADLINE_EXCEEDED, and fails the signals with it, when the time is over. A failed wait is
    for IREE's queue to meet: this returns.
    """
    deadline = time.monotonic() + DEFAULT_WAIT_TIMEOUT
    for semaphore, value in waits:
        try:
            reached = semaphore.wait_in_slices(operation, value, deadline - time.monotonic())
        except HalError:  # the queue waits for the same and is told the same
            return
        if not reached:
            for signalled, _ in signals:
                signalled.fail(StatusCode.DEADLINE_EXCEEDED)
            raise HalError(
                StatusCode.DEADLINE_EXCEEDED,
                operation,
                f"a wait for {value} was not reached within {DEFAULT_WAIT_TIMEOUT:g} s",
            )


def meet_deferred(operation: str, used: Timepoints, signals: Timepoints) -> None:
    """Raises DEFERRED where a semaphore in use has failed with that, and fails the signals.

    That is IREE's to do, but its VM takes a function that ends in DEFERRED for one that is to be
    called again, and calls it for ever.
    """
    for semaphore, _ in used:
        try:
            semaphore.query()
        except HalError as error:
            if error.code is not StatusCode.DEFERRED:
                continue
            for signalled, _ in signals:
                signalled.fail(error.code)
            raise HalError(error.code, operation, "a semaphore has failed so") from error


def pending_points(timepoints: Timepoints) -> list[Timepoint]:
    """The timepoints without a reference to the semaphores, which may end meanwhile."""
    return [
        Timepoint(semaphore.native, value, _is_held(semaphore)) for semaphore, value in timepoints
    ]


def _is_held(semaphore: IreeSemaphore) -> Callable[[], bool]:
    reference = weakref.ref(semaphore)

    def is_held() -> bool:
        semaphore = reference()
        return semaphore is not None and semaphore.reference_count > 0

    return is_held
