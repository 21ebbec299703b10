"""Buffers over numpy arrays of bytes, and the allocator that makes them."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from cts.hal import BufferUsage, HalError, HandleType, StatusCode
from cts.hal.memory import DEFAULT_USAGE, NOT_EXPORTED, lend

from .._common.arguments import as_bytes
from .._common.memory import AllocationRequest, CheckedAllocator, CheckedBuffer

if TYPE_CHECKING:
    from .device import HostDevice

Bytes = npt.NDArray[np.uint8]


class HostBuffer(CheckedBuffer):
    """A range of host memory; every device of the driver can use it."""

    def __init__(
        self,
        device: HostDevice,
        contents: Bytes,
        usage: BufferUsage = DEFAULT_USAGE,
        export_types: HandleType = NOT_EXPORTED,
    ) -> None:
        super().__init__(device, contents.size, usage, export_types)
        self._contents: Bytes | None = contents
        self._loss = device.loss

    @property
    def contents(self) -> Bytes:
        """Its bytes, uint8[byte_length]. Raises FAILED_PRECONDITION while it has no memory, and
        where its device is lost."""
        self._loss.check("Buffer")
        contents = self._contents
        if contents is None:
            raise HalError(
                StatusCode.FAILED_PRECONDITION, "Buffer", "its memory is not there, or not any more"
            )
        return contents

    def read(self, offset: int = 0, length: int | None = None) -> bytes:
        start, end = self._host_range("Buffer.read", offset, length)
        with self.retain():  # another thread may drop the last reference meanwhile
            return self.contents[start:end].tobytes()

    def write(self, offset: int, data: bytes) -> None:
        operation = "Buffer.write"
        data = as_bytes(operation, "data", data)
        start, end = self._host_range(operation, offset, len(data))
        with self.retain():
            self.contents[start:end] = np.frombuffer(data, np.uint8)

    @contextmanager
    def map(self, offset: int = 0, length: int | None = None) -> Iterator[memoryview]:
        operation = "Buffer.map"
        start, end = self._host_range(operation, offset, length)
        with self.retain(), lend(operation, lambda: self.contents[start:end]) as view:
            yield view

    def _free(self) -> None:
        self._contents = None


def give_back_to_the_system() -> None:
    """Has the C library give back the memory that it keeps for later, where it can."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


class HostAllocator(CheckedAllocator["HostDevice"]):
    """Takes memory from numpy."""

    def _make(self, device: HostDevice, wanted: AllocationRequest) -> HostBuffer:
        try:
            return self._take(device, wanted)
        except (MemoryError, ValueError, OverflowError) as error:  # the last two: no such size
            raise HalError(
                StatusCode.RESOURCE_EXHAUSTED,
                "Allocator.allocate",
                f"size is {wanted.size}: {error}",
            ) from error

    def _take(self, device: HostDevice, wanted: AllocationRequest) -> HostBuffer:
        """A buffer over new memory. Raises MemoryError where there is none."""
        contents = np.empty(wanted.size, np.uint8)
        return HostBuffer(device, contents, wanted.usage, wanted.export_types)
