"""Queue-allocated buffers: memory from a pool that comes and goes in the order of the queue."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from cts.hal import Buffer, HalError, MemoryType, StatusCode

from .._common.arguments import as_int, as_object, refusal
from .logical_device import Block, LogicalDevice
from .memory import VulkanBuffer, check_size

if TYPE_CHECKING:
    from .device import VulkanDevice

LEAST = 4096
"""Bytes of the smallest block in a pool."""
MOST_KEPT = 64 << 20
"""Bytes that a pool keeps for later at most."""
MEMORY = MemoryType.DEVICE_LOCAL | MemoryType.HOST_VISIBLE


class Pool:
    """Blocks that nothing uses, to be used again; with the queue's lock held."""

    def __init__(self, device: LogicalDevice) -> None:
        self._device = device
        self._free: defaultdict[int, list[Block]] = defaultdict(list)
        self._kept = 0

    def take(self, size: int) -> Block:
        """A block of at least so many bytes."""
        rounded = max(LEAST, 1 << max(size - 1, 0).bit_length())
        if self._free[rounded]:
            self._kept -= rounded
            return self._free[rounded].pop()
        most = self._device.physical.max_allocation
        return self._device.block(min(rounded, most), MEMORY, visible=True)

    def give(self, block: Block) -> None:
        """Takes a block back that nothing uses any more."""
        size = block.size
        if size & (size - 1) or self._kept + size > MOST_KEPT:
            block.destroy()
        else:
            self._kept += size
            self._free[size].append(block)

    def trim(self) -> None:
        """Gives back all that nothing uses."""
        for blocks in self._free.values():
            while blocks:
                blocks.pop().destroy()
        self._kept = 0


class TransientBuffer(VulkanBuffer):
    """A buffer without memory, but for the time between its allocation and its deallocation."""

    def __init__(self, device: VulkanDevice, size: int) -> None:
        super().__init__(device, size, None)
        self._pool = device.pool
        self._is_over = False

    def commit(self) -> None:
        """Takes the memory, with the queue's lock held."""
        if not self._is_over:
            self._block = self._pool.take(self.byte_length)

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

    def _free(self) -> None:
        with self._queue.lock:
            block, self._block = self._block, None
            if block is not None:
                self._queue.end_after(block.last_use, lambda: self._pool.give(block))


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
