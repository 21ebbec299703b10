"""Breaks of semaphores, each too small for a slot's own check to see."""

from __future__ import annotations

import time
import weakref
from contextlib import suppress
from typing import Any

from cts.hal import HalError, StatusCode

from .driver_classes import device_class, driver_class, semaphore_class, swallow
from .registry import breaks

FURTHER = 100
"""Steps by which a payload grows at its semaphore's end."""


@breaks("SEM-1", "a semaphore starts at the largest payload, if not at the one asked for")
def _() -> None:
    device, limit = device_class(), driver_class().properties.max_semaphore_value
    create = device.create_semaphore
    device.create_semaphore = lambda self, initial_value=0: create(self, min(initial_value, limit))


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


@breaks("SEM-5", "a wait goes on for ever unless it is told not to")
def _() -> None:
    semaphore = semaphore_class()
    wait = semaphore.wait
    semaphore.wait = lambda self, value, timeout=None: wait(self, value, timeout)


@breaks("SEM-6", "a signal that another thread was quicker with is passed over")
def _() -> None:
    semaphore = semaphore_class()
    signal = semaphore.signal

    def pass_over(self: Any, value: int) -> None:
        before = self.query()
        time.sleep(0)  # as between a check and what it was for
        try:
            signal(self, value)
        except HalError as error:
            quicker = before < value <= self.query()
            if error.code is not StatusCode.INVALID_ARGUMENT or not quicker:
                raise

    semaphore.signal = pass_over


@breaks("SEM-7", "a failure reaches every semaphore there is")
def _() -> None:
    semaphore = semaphore_class()
    init, fail = semaphore.__init__, semaphore.fail
    alive: weakref.WeakSet[Any] = weakref.WeakSet()

    def note(self: Any, *args: Any, **kwargs: Any) -> None:
        init(self, *args, **kwargs)
        alive.add(self)

    def fail_all(self: Any, code: StatusCode, message: str = "") -> None:
        fail(self, code, message)
        for other in list(alive):
            if other.reference_count:
                fail(other, code, message)

    semaphore.__init__, semaphore.fail = note, fail_all


@breaks("SEM-8", "a wait for what is destroyed ends as if it was reached")
def _() -> None:
    semaphore = semaphore_class()

    def go_on(self: Any) -> None:
        with suppress(HalError):  # it has failed
            self.signal(self.query() + FURTHER)

    semaphore._free = go_on
