"""Queue-allocated buffers over blocks of the pool."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cts.hal import MemoryType

from .._common.transient import QueueAllocated
from .memory import VulkanBuffer

if TYPE_CHECKING:
    from .device import VulkanDevice

MEMORY = (MemoryType.DEVICE_LOCAL | MemoryType.HOST_VISIBLE).value, True
"""Its memory type, which the host sees."""


class TransientBuffer(VulkanBuffer, QueueAllocated):
    """A buffer that has a block between its allocation and its deallocation, both of which happen
    with the queue's lock held; what is submitted before the one may use it after the other."""

    def __init__(self, device: VulkanDevice, size: int) -> None:
        super().__init__(device, size, None)

    def commit(self) -> None:
        if not self._is_over:
            self._block = self._pool.take(self.byte_length, MEMORY)

    def decommit(self) -> None:
        self.check_not_over("Device.queue_dealloca")
        self._is_over = True
        self._free()
