"""Queue-allocated buffers: memory from a pool that comes and goes in the order of the queue."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cts.hal import Buffer, HalError, MemoryType, StatusCode

from .._common.arguments import as_int, as_object, refusal
from .memory import VulkanBuffer, check_size

if TYPE_CHECKING:
    from .device import VulkanDevice

MEMORY = MemoryType.DEVICE_LOCAL | MemoryType.HOST_VISIBLE


class TransientBuffer(VulkanBuffer):
    """A buffer without memory, but for the time between its allocation and its deallocation."""

    def __init__(self, device: VulkanDevice, size: int) -> None:
        super().__init__(device, size, None)
        self._is_over = False

    def commit(self) -> None:
        """Takes the memory, with the queue's lock held."""
        if not self._is_over:
            self._block = self._pool.take(self.byte_length, MEMORY, visible=True)

    def decommit(self) -> None:
        """Gives the memory back, with the queue's lock held; what is submitted already may use it
        still. Raises FAILED_PRECONDITION where that was done already."""
        self.check_not_over("Device.queue_dealloca")
        self._is_over = True
        self._free()

    def check_not_over(self, operation: str) -> None:
        """Raises FAILED_PRECONDITION once the memory was given back."""
        if self._is_over:
            raise HalError(
                StatusCode.FAILED_PRECONDITION, operation, "the buffer was deallocated already"
            )


def allocated(operation: str, device: VulkanDevice, size: int) -> TransientBuffer:
    """A buffer of a checked size, its memory still to come."""
    size = as_int(operation, "size", size)
    if size < 0:
        raise refusal(operation, f"size is {size}: it is at least 0")
    check_size(operation, device, size)
    return TransientBuffer(device, size)


def deallocatable(operation: str, buffer: Buffer, domain: str) -> TransientBuffer:
    """A living buffer of this device that its queue has allocated, and not deallocated."""
    known = as_object(operation, "buffer", buffer, VulkanBuffer, domain)
    if not isinstance(known, TransientBuffer):
        raise refusal(operation, "buffer comes from an allocator: its release gives it back")
    known.check_not_over(operation)
    return known
