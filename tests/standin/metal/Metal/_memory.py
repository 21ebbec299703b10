"""Buffers and heaps, over the host's memory.

A heap counts what is in it, until the buffer is not referred to any more; where the bytes are is
each buffer's own.
"""

# ruff: noqa: N802

from __future__ import annotations

import mmap
import threading
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ._checks import MTLSizeAndAlign, Refused, number
from ._failures import selector

if TYPE_CHECKING:
    from ._device import MTLDevice

Bytes = npt.NDArray[np.uint8]
SHARED, PRIVATE = 0, 2
MODES = {0: SHARED, 32: PRIVATE}
HEAP_ALIGNMENT = 256


class Account:
    """How much of some memory is taken."""

    def __init__(self, there: int) -> None:
        self.there = there
        self.taken = 0
        self._lock = threading.Lock()

    def take(self, size: int) -> bool:
        """Takes some, if there is so much."""
        with self._lock:
            if self.taken + size > self.there:
                return False
            self.taken += size
            return True

    def give(self, size: int) -> None:
        """Gives it back."""
        with self._lock:
            self.taken -= size


class Variable:
    """Memory of a length that Objective-C does not tell (PyObjC's `objc.varlist`)."""

    def __init__(self, memory: Bytes) -> None:
        self._memory = memory

    def as_buffer(self, count: int) -> memoryview:
        """So many bytes of it."""
        if not 0 < number("count", count) <= self._memory.size:
            raise Refused(f"{count} bytes of {self._memory.size}")
        return self._memory[:count].data


class MTLBuffer:
    """A buffer. `of` is the device, or the heap, that it is of."""

    def __init__(
        self, device: MTLDevice, memory: Bytes, mode: int, account: Account | None
    ) -> None:
        self.of_device = device
        self.memory = memory
        self.is_tracked = True
        self._mode = mode
        self._account = account
        self._size = memory.size

    def __del__(self) -> None:
        if self._account is not None:
            self._account.give(self._size)

    @selector
    def contents(self) -> Variable | None:
        """The bytes, if the host sees them."""
        return Variable(self.memory) if self._mode == SHARED else None


def mode_of(options: Any) -> int:
    """The storage mode in a resource's options."""
    if number("options", options) not in MODES:
        raise Refused(f"options is {options}: it is one of {sorted(MODES)}")
    return MODES[options]


def new_buffer(device: MTLDevice, size: Any, options: Any, account: Account) -> MTLBuffer | None:
    """A buffer, if there is memory for it."""
    mode = mode_of(options)
    if not 0 < number("length", size) <= device.facts.largest_buffer:
        raise Refused(f"length is {size}: it is 1 to {device.facts.largest_buffer}")
    if not account.take(size):
        return None
    try:
        return MTLBuffer(device, np.zeros(size, np.uint8), mode, account)
    except MemoryError:
        account.give(size)
        return None


def buffer_over(device: MTLDevice, memory: Any, size: Any, options: Any) -> MTLBuffer:
    """A buffer over whole pages of the host's."""
    mode = mode_of(options)
    seen = np.frombuffer(memory, np.uint8)
    number("length", size)
    if mode != SHARED or seen.ctypes.data % mmap.PAGESIZE or size % mmap.PAGESIZE:
        raise Refused(f"{size} bytes at {seen.ctypes.data:#x}: they are whole pages, and shared")
    if not 0 < size <= seen.size:
        raise Refused(f"length is {size}: there are {seen.size} bytes")
    return MTLBuffer(device, seen[:size], mode, None)


class MTLHeapDescriptor:
    """What a heap is to be."""

    def __init__(self) -> None:
        self.size = 0
        self.mode = PRIVATE

    @classmethod
    def alloc(cls) -> MTLHeapDescriptor:
        """A new one."""
        return cls()

    def init(self) -> MTLHeapDescriptor:
        """Itself."""
        return self

    @selector
    def setSize_(self, size: int) -> None:
        """Bytes."""
        self.size = number("size", size)

    @selector
    def setStorageMode_(self, mode: int) -> None:
        """Of all that is in it."""
        if mode != PRIVATE:
            raise Refused(f"a heap's storage mode is {mode}: here it is private")
        self.mode = mode


class MTLHeap:
    """A heap, whose buffers Metal does not keep apart from each other by itself."""

    def __init__(self, device: MTLDevice, size: int) -> None:
        self._device = device
        self._account = Account(size)
        self._of_device = device.account
        self._size = size

    def __del__(self) -> None:
        self._of_device.give(self._size)

    @selector
    def newBufferWithLength_options_(self, length: int, options: int) -> MTLBuffer | None:
        """A buffer in it, if there is room."""
        if mode_of(options) != PRIVATE:
            raise Refused("a buffer's storage mode is its heap's")
        needed = in_a_heap(length)
        if not self._account.take(needed.size - length):
            return None
        made = new_buffer(self._device, length, options, self._account)
        self._account.give(needed.size - length)
        if made is not None:
            made.is_tracked = False
        return made

    @selector
    def maxAvailableSizeWithAlignment_(self, alignment: int) -> int:
        """Bytes that there is room for."""
        if number("alignment", alignment) & (alignment - 1) or not alignment:
            raise Refused(f"alignment is {alignment}: it is a power of 2")
        return self._account.there - self._account.taken

    @selector
    def usedSize(self) -> int:
        """Bytes that are taken."""
        return self._account.taken


def in_a_heap(length: Any) -> MTLSizeAndAlign:
    """What a buffer takes of a heap."""
    whole = -(-number("length", length) // HEAP_ALIGNMENT) * HEAP_ALIGNMENT
    return MTLSizeAndAlign(whole, HEAP_ALIGNMENT)
