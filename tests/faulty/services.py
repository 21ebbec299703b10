"""Devices that tell or give back the wrong thing."""

from __future__ import annotations

import itertools
import weakref
from typing import Any

from cts.hal import HalError

from .changes import after_init, buffer_class, change, device_class
from .registry import mutant


@mutant("DEV-1")
def unknown_key_is_zero() -> None:
    """A key that nobody knows is answered with 0."""

    def query(good: Any, self: Any, category: str, key: str) -> int:
        try:
            answer: int = good(self, category, key)
        except HalError:
            return 0
        return answer

    change(device_class(), "query_i64", query)


@mutant("DEV-1")
def no_concurrency() -> None:
    """A device says that it has no queue."""
    change(device_class(), "query_i64", lambda good, self, *asked: good(self, *asked) * 0)


@mutant("DEV-1")
def configuration_changes() -> None:
    """A value is another one each time."""
    numbers = itertools.count()
    change(
        device_class(), "query_i64", lambda good, self, *asked: good(self, *asked) + next(numbers)
    )


@mutant("DEV-1")
def category_is_not_looked_at() -> None:
    """A key is found in whichever category."""
    change(
        device_class(),
        "query_i64",
        lambda good, self, category, key: good(self, "hal.device", key),
    )


@mutant("DEV-2")
def trim_takes_what_is_in_use() -> None:
    """Trimming clears the device's buffers."""
    buffers: weakref.WeakSet[Any] = weakref.WeakSet()

    def trim(good: Any, self: Any) -> None:
        for buffer in buffers:
            if buffer._contents is not None and buffer.reference_count:
                buffer._contents[:] = 0
        good(self)

    after_init(buffer_class(), buffers.add)
    change(device_class(), "trim", trim)


@mutant("SEM-9")
def compatibility_names_nothing() -> None:
    """A device can do nothing with its own semaphore."""
    change(device_class(), "query_semaphore_compatibility", lambda good, self, *asked: frozenset())


@mutant("SEM-9")
def compatibility_of_anything() -> None:
    """Anything passes for a semaphore."""
    every = frozenset({"host_wait", "host_signal", "device_wait", "device_signal"})
    change(device_class(), "query_semaphore_compatibility", lambda good, self, *asked: every)


@mutant("SEM-9")
def compatibility_has_other_words() -> None:
    """What works is named in words of the driver's own."""
    change(
        device_class(),
        "query_semaphore_compatibility",
        lambda good, self, *asked: frozenset(name.upper() for name in good(self, *asked)),
    )
