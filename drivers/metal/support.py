"""What the driver's own kernels are given (``kernels/support.metal``), one byte a thread.

Buffers are bound at whole words, and the bytes before a place are skipped by the kernel.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from typing import TypeAlias

from .._stream.facts import Counts
from .memory import Place

PIECE = 1 << 30
"""Bytes, whole patterns, that one dispatch is for."""
WORD = 4
THREADS = 256
"""Of a workgroup."""

Piece: TypeAlias = tuple[Counts, Counts, Sequence[Place], bytes]
"""Workgroups, their size, places and constants."""


def copy_pieces(target: Place, source: Place, size: int) -> Iterator[Piece]:
    """What ``hal_cts_copy_bytes`` is given for a copy."""
    for first, count in _pieces(size):
        origin, source_skip = _bound(source + first)
        to, target_skip = _bound(target + first)
        yield *_grid(count), (origin, to), struct.pack("<3I", source_skip, target_skip, count)


def fill_pieces(target: Place, pattern: bytes, size: int) -> Iterator[Piece]:
    """What ``hal_cts_fill`` is given for a fill."""
    value = int.from_bytes(pattern, "little")
    for first, count in _pieces(size):
        to, skip = _bound(target + first)
        yield *_grid(count), (to,), struct.pack("<4I", skip, count, len(pattern), value)


def _pieces(size: int) -> Iterator[tuple[int, int]]:
    for first in range(0, size, PIECE):
        yield first, min(PIECE, size - first)


def _bound(place: Place) -> tuple[Place, int]:
    """Where a buffer is bound for a place, and the bytes from there."""
    skip = place.offset % WORD
    return Place(place.memory, place.offset - skip), skip


def _grid(count: int) -> tuple[Counts, Counts]:
    return (-(-count // THREADS), 1, 1), (THREADS, 1, 1)
