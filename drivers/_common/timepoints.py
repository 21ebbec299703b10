"""Wait and signal lists: checked once, at the call, before anything is done."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, TypeVar

from cts.hal import Semaphore, SemaphoreList

from .arguments import as_int, as_object, refusal


class CheckedSemaphore(Semaphore):
    """A semaphore that tells beforehand what it would refuse."""

    @property
    def timeline(self) -> object:
        """What its payload belongs to: the same for semaphores that share it."""
        return self

    @abstractmethod
    def check_signal(self, operation: str, value: int) -> None:
        """Raises what `signal` would raise for that value now; changes nothing."""


S = TypeVar("S", bound=CheckedSemaphore)


def as_timepoints(
    operation: str, name: str, semaphores: SemaphoreList, kind: type[S], domain: str
) -> Sequence[tuple[S, int]]:
    """A list of living semaphores of the domain, each with a payload."""
    if not semaphores and isinstance(semaphores, tuple | list):
        return ()
    try:
        entries = list(semaphores)
    except TypeError:
        raise refusal(
            operation, f"{name} is {semaphores!r}: it is a list of (semaphore, value)"
        ) from None
    return [_timepoint(operation, name, entry, kind, domain) for entry in entries]


def _timepoint(operation: str, name: str, entry: Any, kind: type[S], domain: str) -> tuple[S, int]:
    try:
        semaphore, value = entry
    except (TypeError, ValueError):
        raise refusal(operation, f"{name} has {entry!r}: it is (semaphore, value)") from None
    return as_object(operation, name, semaphore, kind, domain), as_int(operation, name, value)


def check_signals(operation: str, signals: Sequence[tuple[CheckedSemaphore, int]]) -> None:
    """Raises where a signal could not advance its semaphore, or an earlier one of the list."""
    reached: dict[object, int] = {}
    for semaphore, value in signals:
        before = reached.get(semaphore.timeline)
        if before is not None and value <= before:
            raise refusal(
                operation, f"signal value {value} comes after {before} of the same semaphore"
            )
        semaphore.check_signal(operation, value)
        reached[semaphore.timeline] = value
