"""Breaks of semaphores, each too small for a slot's own check to see."""

from __future__ import annotations

from cts.hal import StatusCode

from .local_sync import device_class, semaphore_class, swallow
from .registry import breaks


@breaks("SEM-1", "a semaphore starts at 3 at the most")
def _() -> None:
    device = device_class()
    create = device.create_semaphore
    device.create_semaphore = lambda self, initial_value=0: create(self, min(initial_value, 3))


@breaks("SEM-2", "a signal that does not advance is passed over")
def _() -> None:
    swallow(semaphore_class(), "signal", StatusCode.INVALID_ARGUMENT)


@breaks("SEM-3", "a wait that runs out returns")
def _() -> None:
    swallow(semaphore_class(), "wait", StatusCode.DEADLINE_EXCEEDED)


@breaks("SEM-4", "every failure is UNKNOWN")
def _() -> None:
    semaphore = semaphore_class()
    fail = semaphore.fail
    semaphore.fail = lambda self, code, message="": fail(self, StatusCode.UNKNOWN, message)
