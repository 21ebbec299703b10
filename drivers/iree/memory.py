"""Buffers over IREE's, and the allocator that makes them."""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from cts.hal import Allocator, Buffer, BufferUsage, HalError, HandleType, MemoryType, StatusCode
from cts.hal.memory import DEFAULT_MEMORY_TYPE, DEFAULT_USAGE, NOT_EXPORTED, lend

from .arguments import (
    as_bytes,
    as_handle_types,
    as_int,
    as_memory_type,
    as_size,
    as_usage,
)
from .native import MAX_U64, NativeObject, call, forgetting_natives, runtime

if TYPE_CHECKING:
    from .device import IreeDevice

Bytes = npt.NDArray[np.uint8]


@forgetting_natives
class IreeBuffer(NativeObject, Buffer):
    """One of IREE's buffers. The host reads and writes it through a mapping of the range."""

    def __init__(self, device: IreeDevice, native: Any) -> None:
        super().__init__(device, call("Allocator.allocate", native.byte_length))
        self._hal = device.hal
        self._own(native)

    def read(self, offset: int = 0, length: int | None = None) -> bytes:
        operation = "Buffer.read"
        mapping = self._map(operation, *self._range(operation, offset, length))
        contents: bytes = call(operation, bytes, mapping)
        return contents

    def write(self, offset: int, data: bytes) -> None:
        operation = "Buffer.write"
        data = as_bytes(operation, "data", data)
        mapping = self._map(operation, as_size(operation, "offset", offset), len(data))
        _as_array(operation, mapping, len(data))[:] = np.frombuffer(data, np.uint8)

    def map(self, offset: int = 0, length: int | None = None) -> AbstractContextManager[memoryview]:
        operation = "Buffer.map"
        offset, length = self._range(operation, offset, length)
        return self._lent(operation, self._map(operation, offset, length), length)

    @contextmanager
    def _lent(self, operation: str, mapping: Any, length: int) -> Iterator[memoryview]:
        with self.retain(), lend(operation, lambda: _as_array(operation, mapping, length)) as view:
            yield view

    def _range(self, operation: str, offset: int, length: int | None) -> tuple[int, int]:
        """A range as IREE takes it; what it leaves to the buffer's end is IREE's to judge."""
        offset = as_size(operation, "offset", offset)
        if length is None:
            length = max(self.byte_length - offset, 0)
        return offset, as_size(operation, "length", length)

    def _map(self, operation: str, offset: int, length: int) -> Any:
        """A mapping of the range, which IREE checks when it makes the buffer's part."""
        part = self._hal.invoke(operation, "buffer.subspan", self.native, offset, length)
        buffer = call(operation, part.deref, runtime().HalBuffer)
        return call(operation, buffer.map)


def _as_array(operation: str, mapping: Any, length: int) -> Bytes:
    """The mapping's memory, uint8[length], writable. The mapping lives as long as it does."""
    array: Bytes = call(operation, mapping.asarray, [length], np.dtype(np.uint8))
    return array


@forgetting_natives
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
        export_types: HandleType = NOT_EXPORTED,
    ) -> IreeBuffer:
        operation = "Allocator.allocate"
        device = self._device()
        if device is None:
            raise HalError(StatusCode.FAILED_PRECONDITION, operation, "the device is destroyed")
        device._check_usable(operation)
        if as_handle_types(operation, export_types):
            raise HalError(
                StatusCode.INCOMPATIBLE,
                operation,
                f"export_types is {export_types!r}: IREE's binding exports no buffers",
            )
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
