"""Device memory: allocators and the buffers they make."""

from __future__ import annotations

import weakref
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from enum import IntFlag
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from .capabilities import HandleType
from .device_object import DeviceObject
from .status import HalError, StatusCode

if TYPE_CHECKING:
    from .device import Device


class MemoryType(IntFlag):
    """Properties of a buffer's memory; a buffer may have more than were asked for."""

    HOST_VISIBLE = 1 << 0
    HOST_COHERENT = 1 << 1
    HOST_CACHED = 1 << 2
    HOST_LOCAL = 1 << 3
    DEVICE_VISIBLE = 1 << 4
    DEVICE_LOCAL = 1 << 5


class BufferUsage(IntFlag):
    """What a buffer may be used for."""

    TRANSFER = 1 << 0
    MAPPING = 1 << 1
    DISPATCH_STORAGE = 1 << 2
    DISPATCH_INDIRECT_PARAMETERS = 1 << 3


DEFAULT_MEMORY_TYPE = MemoryType.DEVICE_LOCAL | MemoryType.HOST_VISIBLE
DEFAULT_USAGE = BufferUsage.TRANSFER | BufferUsage.MAPPING
NOT_EXPORTED = HandleType(0)


class Buffer(DeviceObject, ABC):
    """A range of device memory."""

    def __init__(self, device: Device, byte_length: int) -> None:
        super().__init__(device)
        self._byte_length = byte_length

    @property
    def byte_length(self) -> int:
        """Usable size in bytes, as requested."""
        return self._byte_length

    @abstractmethod
    def read(self, offset: int = 0, length: int | None = None) -> bytes:
        """Bytes ``[offset, offset + length)`` as the host sees them; to the end by default.

        Raises OUT_OF_RANGE for a range past the end, PERMISSION_DENIED without MAPPING usage.
        """

    @abstractmethod
    def write(self, offset: int, data: bytes) -> None:
        """Writes `data` from the host at byte `offset`. Raises as `read` does."""

    @abstractmethod
    def map(self, offset: int = 0, length: int | None = None) -> AbstractContextManager[memoryview]:
        """A range as writable host memory for the time of a ``with`` block; to the end by default.

        The block sees what was done to the buffer before it; what is written in it is there for
        the host and for queues after it. The buffer is kept alive meanwhile. Raises as `read` does,
        and FAILED_PRECONDITION at the block's end where views of the memory are still in use.
        """


@contextmanager
def lend(operation: str, mapping: Callable[[], npt.NDArray[np.uint8]]) -> Iterator[memoryview]:
    """What `Buffer.map` gives, for a driver that has its mapping as an array of bytes.

    Parameters
    ----------
    operation : for the error of a block that keeps a view.
    mapping : makes a new array, which nobody else holds: whether the block has kept a view of the
        memory is seen by whether the array is still there.
    """
    array = mapping()
    view, in_use = array.data, weakref.ref(array)
    del array
    try:
        yield view
    except BaseException:
        with suppress(BufferError):  # the error may hold what uses the memory
            view.release()
        raise
    with suppress(BufferError):  # it is in use, then
        view.release()
    if in_use() is not None:
        raise HalError(
            StatusCode.FAILED_PRECONDITION, operation, "a view of the mapped memory is in use"
        )


class Allocator(ABC):
    """Makes buffers of one device. It lives as long as the device and is not counted."""

    @abstractmethod
    def allocate(
        self,
        size: int,
        *,
        memory_type: MemoryType = DEFAULT_MEMORY_TYPE,
        usage: BufferUsage = DEFAULT_USAGE,
        export_types: HandleType = NOT_EXPORTED,
    ) -> Buffer:
        """A new buffer of `size` bytes; its contents are undefined. Size 0 is allowed.

        `export_types` are the kinds of handle that `Device.export_buffer` is to give of it: memory
        is shared from its first byte on, or never.

        Raises INVALID_ARGUMENT for a negative size, RESOURCE_EXHAUSTED when there is not enough
        memory or the size is above `DriverProperties.max_allocation`, INCOMPATIBLE for a kind of
        handle that the device does not export, or not together with another one.
        """
