"""Wait and signal lists: checked once, at the call, before anything is done."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cts.hal import SemaphoreList

from .arguments import as_int, as_object, refusal
from .semaphore import HostSemaphore
from .timeline import Timeline

Timepoints = Sequence[tuple[HostSemaphore, int]]


def as_timepoints(
    operation: str, name: str, semaphores: SemaphoreList, driver_name: str
) -> Timepoints:
    """A list of living semaphores of this driver, each with a payload."""
    try:
        entries = list(semaphores)
    except TypeError:
        raise refusal(
            operation, f"{name} is {semaphores!r}: it is a list of (semaphore, value)"
        ) from None
    return [_timepoint(operation, name, entry, driver_name) for entry in entries]


def _timepoint(
    operation: str, name: str, entry: Any, driver_name: str
) -> tuple[HostSemaphore, int]:
    try:
        semaphore, value = entry
    except (TypeError, ValueError):
        raise refusal(operation, f"{name} has {entry!r}: it is (semaphore, value)") from None
    semaphore = as_object(operation, name, semaphore, HostSemaphore, driver_name)
    return semaphore, as_int(operation, f"{name} value", value)


def check_signals(operation: str, signals: Timepoints) -> None:
    """Raises where a signal could not advance its semaphore, or an earlier one of the list."""
    reached: dict[Timeline, int] = {}
    for semaphore, value in signals:
        before = reached.get(semaphore.timeline)
        if before is not None and value <= before:
            raise refusal(
                operation, f"signal value {value} comes after {before} of the same semaphore"
            )
        semaphore.check_signal(operation, value)
        reached[semaphore.timeline] = value
