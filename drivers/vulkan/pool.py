"""The pool: memory that nothing uses, to be used again instead of allocated anew.

A Vulkan implementation has a limit of allocations, and takes its time for each. Blocks of up to
`LARGEST` bytes have sizes that are powers of two, and go back to the pool once nothing uses them.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TypeAlias

from cts.hal import MemoryType

from .logical_device import Block, LogicalDevice

LEAST, LARGEST = 4096, 1 << 20
"""Bytes of the smallest block in the pool, and of the largest."""
MOST_KEPT = 64 << 20
"""Bytes that are kept for later at most."""

_Shape: TypeAlias = tuple[int, int, bool]
"""Size, the wanted memory type, and whether the host sees it."""


class Pool:
    """Blocks of a device; its methods are called with the queue's lock held."""

    def __init__(self, device: LogicalDevice) -> None:
        self._device = device
        self._free: defaultdict[_Shape, list[Block]] = defaultdict(list)
        self._kept = 0

    def take(self, size: int, wanted: MemoryType, *, visible: bool) -> Block:
        """A block of at least so many bytes. Raises RESOURCE_EXHAUSTED where there is no memory."""
        if size > LARGEST:
            return self._device.block(size, wanted, visible=visible)
        rounded = LEAST if size <= LEAST else 1 << (size - 1).bit_length()
        shape = rounded, wanted._value_, visible
        free = self._free[shape]
        if free:
            self._kept -= rounded
            return free.pop()
        block = self._device.block(rounded, wanted, visible=visible)
        block.shape = shape
        return block

    def give(self, block: Block) -> None:
        """Takes a block back that nothing uses any more."""
        if block.shape is None or self._kept + block.size > MOST_KEPT:
            block.destroy()
        else:
            self._kept += block.size
            self._free[block.shape].append(block)

    def trim(self) -> None:
        """Gives back all that nothing uses."""
        for free in self._free.values():
            while free:
                free.pop().destroy()
        self._kept = 0
