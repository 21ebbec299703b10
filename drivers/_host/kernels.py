"""The suite's kernels as device code of host memory: this file is the code.

An entry point is called once for a dispatch, with the workgroup counts, its constants as
uint32[constants], and each binding as uint8[length]; numpy runs the workgroups.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Counts: TypeAlias = tuple[int, int, int]
Words: TypeAlias = npt.NDArray[np.uint32]
Bytes: TypeAlias = npt.NDArray[np.uint8]


def _count_of(workgroups: Counts) -> int:
    x, y, z = workgroups
    return x * y * z


def absolute(workgroups: Counts, constants: Words, source: Bytes, target: Bytes) -> None:
    size = 4 * _count_of(workgroups)
    target[:size].view(np.float32)[:] = np.abs(source[:size].view(np.float32))


def scale(workgroups: Counts, constants: Words, source: Bytes, target: Bytes) -> None:
    size = 4 * _count_of(workgroups)
    factor, offset, low, high = constants.view(np.float32)
    moved = factor * source[:size].view(np.float32) + offset
    target[:size].view(np.float32)[:] = np.clip(moved, low, high)


def constants(workgroups: Counts, constants: Words, target: Bytes) -> None:
    target[:16].view(np.uint32)[:] = constants


def count(workgroups: Counts, constants: Words, target: Bytes) -> None:
    target[: 4 * _count_of(workgroups)].view(np.uint32)[:] += np.uint32(1)


def places(workgroups: Counts, constants: Words, target: Bytes) -> None:
    x, y, z = workgroups
    size = 12 * _count_of(workgroups)
    words = target[:size].view(np.uint32).reshape(z, y, x, 3)
    words[..., 2], words[..., 1], words[..., 0] = np.ogrid[:z, :y, :x]


ENTRY_POINTS: list[Any] = [
    ("absolute", 0, 2, absolute),
    ("scale", 4, 2, scale),
    ("constants", 4, 1, constants),
    ("count", 0, 1, count),
    ("places", 0, 1, places),
]
