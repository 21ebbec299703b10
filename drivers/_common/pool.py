"""Pools: memory that nothing uses, to be used again instead of allocated anew.

Allocations take a vendor's library their time, and some have a limit of them. Blocks of up to
`LARGEST` bytes have sizes that are powers of two, and go back to the pool once nothing uses them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable
from typing import Any, Generic, Protocol, TypeVar

LEAST, LARGEST = 4096, 1 << 20
"""Bytes of the smallest block in the pool, and of the largest."""
MOST_KEPT = 64 << 20
"""Bytes that are kept for later at most."""


class PooledBlock(Protocol):
    """A block of memory."""

    size: int
    shape: Any
    """What the pool knows it by; none for one that is not the pool's."""

    def destroy(self) -> None:
        """Gives its memory back."""


B = TypeVar("B", bound=PooledBlock)


class Pool(Generic[B]):
    """Blocks of a device; its methods are called with the device's lock held.

    Parameters
    ----------
    make : a new block of so many bytes, of a kind. Raises RESOURCE_EXHAUSTED where there is none.
    """

    def __init__(self, make: Callable[[int, Any], B]) -> None:
        self._make = make
        self._free: defaultdict[tuple[int, Hashable], list[B]] = defaultdict(list)
        self._kept = 0
        self._is_closed = False

    def take(self, size: int, kind: Hashable) -> B:
        """A block of at least so many bytes, of a kind."""
        if size > LARGEST:
            return self._make(size, kind)
        rounded = LEAST if size <= LEAST else 1 << (size - 1).bit_length()
        shape = rounded, kind
        free = self._free[shape]
        if free:
            self._kept -= rounded
            return free.pop()
        block = self._make(rounded, kind)
        block.shape = shape
        return block

    def give(self, block: B) -> None:
        """Takes a block back that nothing uses any more."""
        if self._is_closed or block.shape is None or self._kept + block.size > MOST_KEPT:
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

    def close(self) -> None:
        """Gives back all that nothing uses, and from now on whatever is given."""
        self._is_closed = True
        self.trim()
