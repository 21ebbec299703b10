"""The loss of a device: what is asked of it from then on raises, and what waits is told.

1. Whatever works for the device asks `check` first, which raises once it is lost.
2. What may have to wait has itself told (`tell`): a semaphore, whose waiters are to wake, and a
   submission that is pending. What comes too late for that is told at once.
"""

from __future__ import annotations

import threading
from typing import Protocol
from weakref import WeakSet

from cts.hal import DEVICE_LOST, HalError


class Losable(Protocol):
    """What ends with its device's loss; weakly held until then."""

    def lose(self, failure: HalError) -> None:
        """Ends it with that failure, if it has not ended."""


class Loss:
    """Whether a device is lost.

    Parameters
    ----------
    identifier : the device's.
    """

    def __init__(self, identifier: str) -> None:
        self._identifier = identifier
        self._is_lost = False
        self._native_code: int | str | None = None
        self._lock = threading.RLock()  # the collector may come by anywhere
        self._to_tell: WeakSet[Losable] = WeakSet()

    def lose(self, operation: str, native_code: int | str | None = None) -> None:
        """The device is lost, for good; returns when all that waits has been told."""
        with self._lock:
            self._native_code = native_code if not self._is_lost else self._native_code
            self._is_lost = True
            told = list(self._to_tell)
        for losable in told:
            losable.lose(self._failure(operation))

    def tell(self, losable: Losable) -> None:
        """Has something told of the loss."""
        with self._lock:
            self._to_tell.add(losable)
            if not self._is_lost:
                return
        losable.lose(self._failure("Device"))

    def check(self, operation: str) -> None:
        """Raises the code of lost devices once this one is."""
        if self._is_lost:
            raise self._failure(operation)

    def _failure(self, operation: str) -> HalError:
        return HalError(
            DEVICE_LOST,
            operation,
            f"the device {self._identifier!r} is lost",
            native_code=self._native_code,
        )
