"""Buffers that know what they may be used for, and allocators that check what is asked for."""

from __future__ import annotations

import weakref
from abc import abstractmethod
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

from cts.hal import (
    Allocator,
    Buffer,
    BufferUsage,
    HalError,
    HandleType,
    MemoryType,
    StatusCode,
)
from cts.hal.memory import DEFAULT_MEMORY_TYPE, DEFAULT_USAGE, NOT_EXPORTED

from .arguments import as_flags, as_handle_type, as_int, as_object, check_range, refusal

if TYPE_CHECKING:
    from .device import QueueDevice

B = TypeVar("B", bound="CheckedBuffer")
K = TypeVar("K")
D = TypeVar("D", bound="QueueDevice[Any, Any]")


class CheckedBuffer(Buffer):
    """A buffer with the uses that it was allocated for.

    Attributes
    ----------
    export_types : the kinds of handle that it can be exported by.
    """

    def __init__(
        self,
        device: QueueDevice[Any, Any],
        byte_length: int,
        usage: BufferUsage = DEFAULT_USAGE,
        export_types: HandleType = NOT_EXPORTED,
    ) -> None:
        super().__init__(device, byte_length)
        self.export_types = export_types
        self._usage = usage

    def check_usage(self, operation: str, needed: BufferUsage) -> None:
        """Raises PERMISSION_DENIED unless the buffer was allocated for that."""
        if needed & ~self._usage:
            raise HalError(
                StatusCode.PERMISSION_DENIED,
                operation,
                f"the buffer's usage is {self._usage!r}: {needed!r} is needed",
            )

    def check_exported_by(self, operation: str, kind: HandleType) -> None:
        """Raises FAILED_PRECONDITION unless it was allocated for that kind of handle."""
        if not kind & self.export_types:
            raise HalError(
                StatusCode.FAILED_PRECONDITION,
                operation,
                f"the buffer's export_types are {self.export_types!r}: {kind!r} is not among them",
            )

    def _host_range(self, operation: str, offset: int, length: int | None) -> tuple[int, int]:
        """The bounds of a range that the host may touch."""
        self.check_usage(operation, BufferUsage.MAPPING)
        offset = as_int(operation, "offset", offset)
        if length is None:
            length = max(self.byte_length - offset, 0)
        offset, length = check_range(operation, "host", offset, length, self.byte_length)
        return offset, offset + length


class BlockBuffer(CheckedBuffer, Generic[K]):
    """The first bytes of a block of a vendor's memory.

    Parameters
    ----------
    block : to be owned; none for a buffer whose memory is still to come.
    """

    def __init__(
        self,
        device: QueueDevice[Any, Any],
        byte_length: int,
        block: K | None,
        usage: BufferUsage = DEFAULT_USAGE,
        export_types: HandleType = NOT_EXPORTED,
    ) -> None:
        super().__init__(device, byte_length, usage, export_types)
        self._loss = device.loss
        self._block = block

    def block(self, operation: str) -> K:
        """Its memory. Raises FAILED_PRECONDITION while there is none, and where its device is
        lost."""
        self._loss.check(operation)
        block = self._block
        if block is None:
            raise HalError(
                StatusCode.FAILED_PRECONDITION, operation, "its memory is not there, or no more"
            )
        return block


def as_exported(
    operation: str, device: QueueDevice[Any, Any], buffer: Any, handle_type: Any, kind: type[B]
) -> tuple[B, HandleType]:
    """A buffer of the device's domain, and the one kind of handle that it was allocated for."""
    device.loss.check(operation)
    claimed = device.query_capabilities().buffer_export_types
    wanted = as_handle_type(operation, handle_type, device, claimed)
    owned = as_object(operation, "buffer", buffer, kind, device.domain)
    owned.check_exported_by(operation, wanted)
    return owned, wanted


def as_import(
    operation: str, device: QueueDevice[Any, Any], handle_type: Any, size: Any
) -> tuple[HandleType, int]:
    """The one kind of handle that a device is to import, and how many bytes of it."""
    device.loss.check(operation)
    claimed = device.query_capabilities().buffer_import_types
    wanted = as_handle_type(operation, handle_type, device, claimed)
    size = as_int(operation, "size", size)
    if size < 0:
        raise refusal(operation, f"size is {size}: it is at least 0")
    return wanted, size


class AllocationRequest(NamedTuple):
    """What a checked allocation is to be."""

    size: int
    memory_type: MemoryType
    usage: BufferUsage
    export_types: HandleType


class CheckedAllocator(Allocator, Generic[D]):
    """Checks what is asked for; `_make` then has the memory."""

    def __init__(self, device: D) -> None:
        self._device = weakref.ref(device)

    def allocate(
        self,
        size: int,
        *,
        memory_type: MemoryType = DEFAULT_MEMORY_TYPE,
        usage: BufferUsage = DEFAULT_USAGE,
        export_types: HandleType = NOT_EXPORTED,
    ) -> Buffer:
        operation = "Allocator.allocate"
        device = self._device()
        if device is None:
            raise HalError(StatusCode.FAILED_PRECONDITION, operation, "the device is destroyed")
        device._check_usable(operation)
        device.loss.check(operation)
        size = as_int(operation, "size", size)
        if size < 0:
            raise refusal(operation, f"size is {size}: it is at least 0")
        memory_type = as_flags(operation, "memory_type", memory_type, MemoryType)
        usage = as_flags(operation, "usage", usage, BufferUsage)
        export_types = as_flags(operation, "export_types", export_types, HandleType)
        if export_types:
            exported = device.query_capabilities().buffer_export_types
            if export_types & ~exported:
                raise HalError(
                    StatusCode.INCOMPATIBLE,
                    operation,
                    f"export_types is {export_types!r}: the device exports {exported!r}",
                )
        return self._make(device, AllocationRequest(size, memory_type, usage, export_types))

    @abstractmethod
    def _make(self, device: D, wanted: AllocationRequest) -> Buffer:
        """A buffer of checked arguments. Raises RESOURCE_EXHAUSTED where there is no memory."""
