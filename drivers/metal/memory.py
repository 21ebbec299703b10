"""Memory: Metal's buffers, and places in them.

A place stands for an address. Which of a device's buffers the host sees follows from their storage:
shared, and pages of the host's own, but not private. Metal frees a buffer once nobody refers to it,
a command buffer under way included.
"""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from typing import Any

import Metal
import numpy as np

from .._stream.handles import HostMemory
from .codes import NIL
from .made import failure, made

HEAP_SIZE = 16 << 20
"""Bytes of a heap, if no more are wanted at once."""


class Memory:
    """A buffer of Metal's, until it is given back.

    Attributes
    ----------
    buffer : none from then on.
    """

    def __init__(self, buffer: Any) -> None:
        self.buffer = buffer

    def end(self) -> None:
        """Lets go of it."""
        self.buffer = None


@dataclass(frozen=True, slots=True)
class Place:
    """A byte of memory."""

    memory: Memory
    offset: int = 0

    def __add__(self, count: int) -> Place:
        return Place(self.memory, self.offset + count)


def allocate(device: Any, size: int) -> Place:
    """The device's own memory."""
    return Place(_new(device, size, Metal.MTLResourceStorageModePrivate))


def allocate_shared(device: Any, size: int) -> HostMemory:
    """Memory that the host sees too."""
    memory = _new(device, size, Metal.MTLResourceStorageModeShared)
    seen = memory.buffer.contents().as_buffer(max(size, 1))
    return HostMemory(Place(memory), int(np.frombuffer(seen, np.uint8).ctypes.data))


def _new(device: Any, size: int, options: int) -> Memory:
    call, size = "newBufferWithLength_options_", max(size, 1)
    if size > device.maxBufferLength():  # which Metal takes for an error of the program's
        raise failure(call, NIL)
    buffer = device.newBufferWithLength_options_(size, options)
    return Memory(made(call, buffer))


def over_pages(device: Any, address: int, size: int) -> Memory:
    """Whole pages of the host's, which stay the caller's."""
    pages = (ctypes.c_uint8 * size).from_address(address)
    buffer = device.newBufferWithBytesNoCopy_length_options_deallocator_(
        pages, size, Metal.MTLResourceStorageModeShared, None
    )
    call = "newBufferWithBytesNoCopy_length_options_deallocator_"
    return Memory(made(call, buffer))


class HeapPool:
    """Private memory from heaps, of which there is one more whenever none has room.

    What is given back is used anew once no command buffer refers to it: in any stream's order.
    """

    def __init__(self, device: Any) -> None:
        self._device = device
        self._heaps: list[Any] = []

    def allocate(self, size: int) -> Place:
        """Some of it."""
        options = Metal.MTLResourceStorageModePrivate
        if size > self._device.maxBufferLength():
            raise failure("newHeapWithDescriptor_", NIL)
        needed = self._device.heapBufferSizeAndAlignWithLength_options_(size, options)
        for heap in self._heaps:
            if heap.maxAvailableSizeWithAlignment_(needed.align) >= needed.size:
                buffer = heap.newBufferWithLength_options_(size, options)
                if buffer is not None:
                    return Place(Memory(buffer))
        heap = self._new_heap(needed.size)
        buffer = heap.newBufferWithLength_options_(size, options)
        made("newBufferWithLength_options_", buffer)
        self._heaps.append(heap)
        return Place(Memory(buffer))

    def _new_heap(self, size: int) -> Any:
        wanted = Metal.MTLHeapDescriptor.alloc().init()
        wanted.setStorageMode_(Metal.MTLStorageModePrivate)
        wanted.setSize_(max(size, HEAP_SIZE))
        heap = self._device.newHeapWithDescriptor_(wanted)
        return made("newHeapWithDescriptor_", heap)

    def trim(self) -> None:
        """Lets go of heaps in which nothing is."""
        self._heaps = [heap for heap in self._heaps if heap.usedSize()]

    def end(self) -> None:
        """Lets go of all; each is there until what is in it has been let go of."""
        self._heaps.clear()
