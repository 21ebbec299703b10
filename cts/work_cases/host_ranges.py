"""Ranges of a small buffer that the host may use, and ranges that leave it."""

from __future__ import annotations

from typing import NamedTuple

SIZE = 100
"""Bytes of the buffer that the ranges are of."""


class Range(NamedTuple):
    """A range by offset and length, in bytes."""

    offset: int
    length: int


INSIDE = [
    *(Range(0, 0), Range(0, 1), Range(0, SIZE), Range(1, 3), Range(37, 11)),
    *(Range(SIZE // 2, 0), Range(SIZE - 1, 1), Range(SIZE, 0)),
]
"""An end of each touches an end of the buffer, or lies at an odd place between."""

_PAST_THE_END = [
    *(Range(SIZE, 1), Range(SIZE - 1, 2), Range(0, SIZE + 1), Range(SIZE + 1, 0)),
    *(Range(2**31, 1), Range(2**40, 1), Range(2**63, 1), Range(2**64 - 1, 1)),
    *(Range(0, 2**31), Range(0, 2**63), Range(0, 2**64 - 1)),
]
_INSIDE_IN_32_BITS = [Range(2**32, 1), Range(2**32 + 1, 1), Range(0, 2**32 + 1)]
_INSIDE_IN_64_BITS = [
    *(Range(2**64, 1), Range(2**64 + 1, 1), Range(0, 2**64), Range(0, 2**64 + 1)),
    *(Range(2**64 - 1, 2), Range(2**64 - 10, 20), Range(1, 2**64 - 1), Range(SIZE, 2**64 - SIZE)),
    *(Range(2**63, 2**63), Range(SIZE - 4, 2**64 - 8)),
]
_NEGATIVE = [
    *(Range(-1, 0), Range(-1, 1), Range(-1, 2), Range(-SIZE, SIZE), Range(-(2**63), 1)),
    *(Range(0, -1), Range(SIZE // 2, -1), Range(SIZE, -SIZE), Range(0, -(2**63))),
]

LEAVING = [*_PAST_THE_END, *_INSIDE_IN_32_BITS, *_INSIDE_IN_64_BITS, *_NEGATIVE]
"""Also those that are inside once their sum, or a part of it, has wrapped around."""


def describe(range_: Range) -> str:
    """The range as the id of a case."""
    return f"{range_.offset}+{range_.length}"
