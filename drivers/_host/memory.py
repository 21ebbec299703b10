"""Buffers over numpy arrays of bytes, and the allocator that makes them."""

from __future__ import annotations

import ctypes
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from cts.hal import (
    Allocator,
    Buffer,
    BufferUsage,
    HalError,
    HandleType,
    MemoryType,
    StatusCode,
)
from cts.hal.memory import DEFAULT_MEMORY_TYPE, DEFAULT_USAGE, NOT_EXPORTED, lend

from .arguments import as_bytes, as_flags, as_int, check_range, refusal

if TYPE_CHECKING:
    from .device import HostDevice

Bytes = npt.NDArray[np.uint8]


class HostBuffer(Buffer):
    """A range of host memory; every device of the driver can use it.

    Attributes
    ----------
    export_types : the kinds of handle that it can be exported by.
    """

    def __init__(
        self,
        device: HostDevice,
        contents: Bytes,
        usage: BufferUsage = DEFAULT_USAGE,
        export_types: HandleType = NOT_EXPORTED,
    ) -> None:
        super().__init__(device, contents.size)
        self._contents: Bytes | None = contents
        self._loss = device.loss
        self.export_types = export_types
        self._usage = usage

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

    def check_usage(self, operation: str, needed: BufferUsage) -> None:
        """Raises PERMISSION_DENIED unless the buffer was allocated for that."""
        if needed & ~self._usage:
            raise HalError(
                StatusCode.PERMISSION_DENIED,
                operation,
                f"the buffer's usage is {self._usage!r}: {needed!r} is needed",
            )

    def _host_range(self, operation: str, offset: int, length: int | None) -> tuple[int, int]:
        """The bounds of a range that the host may touch."""
        self.check_usage(operation, BufferUsage.MAPPING)
        offset = as_int(operation, "offset", offset)
        if length is None:
            length = max(self.byte_length - offset, 0)
        offset, length = check_range(operation, "host", offset, length, self.byte_length)
        return offset, offset + length

    def _free(self) -> None:
        self._contents = None


def give_back_to_the_system() -> None:
    """Has the C library give back the memory that it keeps for later, where it can."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


class HostAllocator(Allocator):
    """Takes memory from numpy."""

    def __init__(self, device: HostDevice) -> None:
        self._device = weakref.ref(device)

    def allocate(
        self,
        size: int,
        *,
        memory_type: MemoryType = DEFAULT_MEMORY_TYPE,
        usage: BufferUsage = DEFAULT_USAGE,
        export_types: HandleType = NOT_EXPORTED,
    ) -> HostBuffer:
        operation = "Allocator.allocate"
        device = self._device()
        if device is None:
            raise HalError(StatusCode.FAILED_PRECONDITION, operation, "the device is destroyed")
        device._check_usable(operation)
        device.loss.check(operation)
        size = as_int(operation, "size", size)
        if size < 0:
            raise refusal(operation, f"size is {size}: it is at least 0")
        as_flags(operation, "memory_type", memory_type, MemoryType)
        usage = BufferUsage(as_flags(operation, "usage", usage, BufferUsage))
        export_types = HandleType(as_flags(operation, "export_types", export_types, HandleType))
        exported = device.query_capabilities().buffer_export_types
        if export_types & ~exported:
            raise HalError(
                StatusCode.INCOMPATIBLE,
                operation,
                f"export_types is {export_types!r}: the device exports {exported!r}",
            )
        try:
            return self._make(device, size, usage, export_types)
        except (MemoryError, ValueError, OverflowError) as error:  # the last two: no such size
            raise HalError(
                StatusCode.RESOURCE_EXHAUSTED, operation, f"size is {size}: {error}"
            ) from error

    def _make(
        self, device: HostDevice, size: int, usage: BufferUsage, export_types: HandleType
    ) -> HostBuffer:
        """A buffer of checked arguments."""
        return HostBuffer(device, np.empty(size, np.uint8), usage, export_types)
