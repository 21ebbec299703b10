"""Timeline semaphores: a payload that only grows, or fails for good."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TypeAlias

from .device_object import DeviceObject
from .status import StatusCode

DEFAULT_WAIT_TIMEOUT = 10.0
"""Seconds. No wait is unbounded unless its caller asks for that."""


class Semaphore(DeviceObject, ABC):
    """A 64-bit timeline, signalled by host or device to ever larger values."""

    @abstractmethod
    def query(self) -> int:
        """The payload now. Raises the semaphore's failure once it has failed."""

    @abstractmethod
    def signal(self, value: int) -> None:
        """Advances the payload to `value` and wakes whoever waits for it or less.

        Raises INVALID_ARGUMENT, and changes nothing, for a value that is not above the payload
        or is above `DriverProperties.max_semaphore_value`.
        """

    @abstractmethod
    def wait(self, value: int, timeout: float | None = DEFAULT_WAIT_TIMEOUT) -> None:
        """Returns when the payload is `value` or more. `timeout` is in seconds, None for ever.

        Raises DEADLINE_EXCEEDED when the time is over, and the failure of a failed semaphore.
        """

    @abstractmethod
    def fail(self, code: StatusCode, message: str = "") -> None:
        """Fails the timeline for good and wakes every waiter with `code`; the first one wins."""


SemaphoreList: TypeAlias = Sequence[tuple[Semaphore, int]]
"""Semaphores and the payload of each to wait for, or to signal."""
