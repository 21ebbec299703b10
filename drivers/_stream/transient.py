"""Queue-allocated buffers: memory of the vendor's pool, in the order of the stream.

A device without such pools takes blocks of its own pool instead.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._common.transient import QueueAllocated
from .memory import Block, StreamBuffer

if TYPE_CHECKING:
    from .device import StreamDevice


class TransientBuffer(StreamBuffer, QueueAllocated):
    """A buffer that has memory between its allocation and its deallocation, both of which happen
    with the lock held as they are given to the stream."""

    def __init__(self, device: StreamDevice, size: int) -> None:
        super().__init__(device, size, None)
        self._queue = device.queue
        self._vendors_pool = device.vendors_pool

    def commit(self) -> None:
        if self._is_over:
            return
        if self._vendors_pool is None:
            self._block = self._pool.take(self.byte_length, "device")
            return
        context, queue, size = self.context, self._queue, max(self.byte_length, 1)
        with context.native("Device.queue_alloca"):
            address = context.calls.allocate_in_order(self._vendors_pool, size, queue.stream)
        self._block = Block(context, address, size, self._give_back)

    def _give_back(self, address: int) -> None:
        self.context.calls.free_in_order(address, self._queue.stream)

    def decommit(self) -> None:
        self.check_not_over("Device.queue_dealloca")
        self._is_over = True
        self._free()

    def _free(self) -> None:
        """Gives the memory back in the stream's order, where no other stream uses it."""
        block = self._block
        if block is None or self._vendors_pool is None or block.uses.keys() - {self._queue}:
            super()._free()
            return
        with self._lock:
            self._block = None
            block.destroy()
