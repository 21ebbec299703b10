"""Buffers over IREE's, and the allocator that makes them."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

import numpy as np

from cts.hal import Allocator, Buffer, BufferUsage, HalError, MemoryType, StatusCode
from cts.hal.memory import DEFAULT_MEMORY_TYPE, DEFAULT_USAGE

from .arguments import as_bytes, as_int, as_memory_type, as_size, as_usage
from .native import MAX_U64, NativeObject, call, runtime

if TYPE_CHECKING:
    from .device import IreeDevice


class IreeBuffer(NativeObject, Buffer):
    """One of IREE's buffers. The host reads and writes it through a mapping of the range."""

    def __init__(self, device: IreeDevice, native: Any) -> None:
        super().__init__(device, call("Allocator.allocate", native.byte_length))
        self._hal = device.hal
        self._own(native)

    def read(self, offset: int = 0, length: int | None = None) -> bytes:
        operation = "Buffer.read"
        offset = as_size(operation, "offset", offset)
        if length is None:
            length = max(self.byte_length - offset, 0)
        return bytes(self._map(operation, offset, as_size(operation, "length", length)))

    def write(self, offset: int, data: bytes) -> None:
        operation = "Buffer.write"
        data = as_bytes(operation, "data", data)
        mapping = self._map(operation, as_size(operation, "offset", offset), len(data))
        mapped = call(operation, mapping.asarray, [len(data)], np.dtype(np.uint8))
        mapped[:] = np.frombuffer(data, np.uint8)

    def _map(self, operation: str, offset: int, length: int) -> Any:
        """A mapping of the range, which IREE checks when it makes the buffer's part."""
        part = self._hal.invoke(operation, "buffer.subspan", self.native, offset, length)
        buffer = call(operation, part.deref, runtime().HalBuffer)
        return call(operation, buffer.map)


class IreeAllocator(Allocator):
    """IREE's allocator of a device."""

    def __init__(self, device: IreeDevice) -> None:
        self._device = weakref.ref(device)

    def allocate(
        self,
        size: int,
        *,
        memory_type: MemoryType = DEFAULT_MEMORY_TYPE,
        usage: BufferUsage = DEFAULT_USAGE,
    ) -> IreeBuffer:
        operation = "Allocator.allocate"
        device = self._device()
        if device is None:
            raise HalError(StatusCode.FAILED_PRECONDITION, operation, "the device is destroyed")
        device._check_usable(operation)
        size = as_int(operation, "size", size)
        if size > MAX_U64:
            raise HalError(
                StatusCode.RESOURCE_EXHAUSTED,
                operation,
                f"size is {size}: IREE takes at most {MAX_U64}",
            )
        # The binding refuses a negative size with TypeError, which `call` makes INVALID_ARGUMENT.
        native = call(
            operation,
            device.native.allocator.allocate_buffer,
            as_memory_type(operation, memory_type),
            as_usage(operation, usage),
            size,
        )
        return IreeBuffer(device, native)
