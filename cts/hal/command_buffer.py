"""Command buffers: transfers that are recorded once and executed by the queue."""

from __future__ import annotations

from abc import ABC, abstractmethod

from .device_object import DeviceObject
from .memory import Buffer


class CommandBuffer(DeviceObject, ABC):
    """Recording goes ``begin``, commands, ``end``; anything else is FAILED_PRECONDITION.

    Commands between two barriers may run in any order. A command whose range leaves its
    buffer is OUT_OF_RANGE, at the point that `DriverProperties.out_of_range` declares.
    """

    @abstractmethod
    def begin(self) -> None:
        """Starts recording."""

    @abstractmethod
    def end(self) -> None:
        """Ends recording; from here on the command buffer can be executed."""

    @abstractmethod
    def fill(self, target: Buffer, offset: int, length: int, pattern: bytes) -> None:
        """Repeats `pattern` (1, 2 or 4 bytes) over ``[offset, offset + length)`` of `target`."""

    @abstractmethod
    def update(self, data: bytes, target: Buffer, offset: int) -> None:
        """Writes `data`, captured now, at byte `offset` of `target`."""

    @abstractmethod
    def copy(
        self, source: Buffer, source_offset: int, target: Buffer, target_offset: int, length: int
    ) -> None:
        """Copies `length` bytes. Overlapping ranges of one buffer are INVALID_ARGUMENT."""

    @abstractmethod
    def barrier(self) -> None:
        """Orders the commands before it before those after it."""
