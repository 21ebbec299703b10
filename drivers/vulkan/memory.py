"""Buffers over blocks of Vulkan's memory, and the allocator that makes them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from cts.hal import BufferUsage, HandleType, MemoryType
from cts.hal.memory import DEFAULT_USAGE, NOT_EXPORTED, lend

from .._common.arguments import as_bytes
from .._common.memory import AllocationRequest, BlockBuffer, CheckedAllocator
from .external_memory import shared_block
from .logical_device import Block

if TYPE_CHECKING:
    from .device import VulkanDevice

MAPPING = BufferUsage.MAPPING.value
NEEDS_HOST = (MemoryType.HOST_VISIBLE | MemoryType.HOST_COHERENT | MemoryType.HOST_CACHED).value
"""As numbers: flags take longer than an allocation does."""


class VulkanBuffer(BlockBuffer[Block]):
    """A buffer of a device of Vulkan's."""

    def __init__(
        self,
        device: VulkanDevice,
        byte_length: int,
        block: Block | None,
        usage: BufferUsage = DEFAULT_USAGE,
        export_types: HandleType = NOT_EXPORTED,
    ) -> None:
        super().__init__(device, byte_length, block, usage, export_types)
        self._queue = device.queue
        self._pool = device.pool

    def read(self, offset: int = 0, length: int | None = None) -> bytes:
        operation = "Buffer.read"
        start, end = self._host_range(operation, offset, length)
        with self.retain():  # another thread may drop the last reference meanwhile
            block = self.block(operation)
            block.invalidate()
            return block.bytes[start:end].tobytes()

    def write(self, offset: int, data: bytes) -> None:
        operation = "Buffer.write"
        data = as_bytes(operation, "data", data)
        start, end = self._host_range(operation, offset, len(data))
        with self.retain():
            block = self.block(operation)
            block.invalidate()  # what is written beside stays as the device has written it
            block.bytes[start:end] = np.frombuffer(data, np.uint8)
            block.flush()

    @contextmanager
    def map(self, offset: int = 0, length: int | None = None) -> Iterator[memoryview]:
        operation = "Buffer.map"
        start, end = self._host_range(operation, offset, length)
        with self.retain():
            block = self.block(operation)
            block.invalidate()
            try:
                with lend(operation, lambda: block.bytes[start:end]) as view:
                    yield view
            finally:
                block.flush()

    def _free(self) -> None:
        with self._queue.lock:
            block, self._block = self._block, None
            if block is not None:
                self._queue.end_after(block.last_use, partial(self._pool.give, block))


class VulkanAllocator(CheckedAllocator["VulkanDevice"]):
    """Takes memory from the pool, or what is to be exported from Vulkan."""

    def _make(self, device: VulkanDevice, wanted: AllocationRequest) -> VulkanBuffer:
        size, memory_type, usage, export_types = wanted
        device.native.check_size("Allocator.allocate", size)
        with device.queue.lock:
            device.queue.tidy()
            if export_types:
                block = shared_block(device, wanted)
            else:
                visible = bool(usage._value_ & MAPPING or memory_type._value_ & NEEDS_HOST)
                block = device.pool.take(size, (memory_type._value_, visible))
        return VulkanBuffer(device, size, block, usage, export_types)
