"""Buffers over numpy arrays of bytes, and the allocator that makes them."""

from __future__ import annotations

import weakref
from typing import Any

import numpy as np
import numpy.typing as npt

from cts.hal import Allocator, Buffer, BufferUsage, Device, HalError, MemoryType, StatusCode
from cts.hal.memory import DEFAULT_MEMORY_TYPE, DEFAULT_USAGE

from .arguments import as_bytes, as_int, check_range, refusal

Bytes = npt.NDArray[np.uint8]


class LocalBuffer(Buffer):
    """A range of host memory; every device of the driver can use it.

    Attributes
    ----------
    contents : its bytes, uint8[byte_length].
    """

    def __init__(self, device: Device, contents: Bytes, usage: BufferUsage) -> None:
        super().__init__(device, contents.size)
        self.contents = contents
        self._usage = usage

    def read(self, offset: int = 0, length: int | None = None) -> bytes:
        operation = "Buffer.read"
        self.check_usage(operation, BufferUsage.MAPPING)
        offset = as_int(operation, "offset", offset)
        if length is None:
            length = max(self.byte_length - offset, 0)
        offset, length = check_range(operation, "read", offset, length, self.byte_length)
        with self.retain():  # another thread may drop the last reference meanwhile
            return self.contents[offset : offset + length].tobytes()

    def write(self, offset: int, data: bytes) -> None:
        operation = "Buffer.write"
        self.check_usage(operation, BufferUsage.MAPPING)
        data = as_bytes(operation, "data", data)
        offset, length = check_range(operation, "write", offset, len(data), self.byte_length)
        with self.retain():
            self.contents[offset : offset + length] = np.frombuffer(data, np.uint8)

    def check_usage(self, operation: str, needed: BufferUsage) -> None:
        """Raises PERMISSION_DENIED unless the buffer was allocated for that."""
        if needed & ~self._usage:
            raise HalError(
                StatusCode.PERMISSION_DENIED,
                operation,
                f"the buffer's usage is {self._usage!r}: {needed!r} is needed",
            )

    def _free(self) -> None:
        del self.contents


class LocalAllocator(Allocator):
    """Takes memory from numpy."""

    def __init__(self, device: Device) -> None:
        self._device = weakref.ref(device)

    def allocate(
        self,
        size: int,
        *,
        memory_type: MemoryType = DEFAULT_MEMORY_TYPE,
        usage: BufferUsage = DEFAULT_USAGE,
    ) -> LocalBuffer:
        operation = "Allocator.allocate"
        device = self._device()
        if device is None:
            raise HalError(StatusCode.FAILED_PRECONDITION, operation, "the device is destroyed")
        device._check_usable(operation)
        size = as_int(operation, "size", size)
        if size < 0:
            raise refusal(operation, f"size is {size}: it is at least 0")
        _check_flags(operation, "memory_type", memory_type, MemoryType)
        usage = BufferUsage(_check_flags(operation, "usage", usage, BufferUsage))
        try:
            contents = np.empty(size, np.uint8)
        except (MemoryError, ValueError, OverflowError) as error:  # the last two: no such size
            raise HalError(
                StatusCode.RESOURCE_EXHAUSTED, operation, f"size is {size}: {error}"
            ) from error
        return LocalBuffer(device, contents, usage)


def _check_flags(
    operation: str, name: str, value: Any, kind: type[MemoryType] | type[BufferUsage]
) -> int:
    defined = sum(kind)
    flags = as_int(operation, name, value)
    if flags & ~defined:
        raise refusal(operation, f"{name} is {flags:#x}: only the bits {defined:#x} are defined")
    return flags
