"""Kernels in numpy, which stand for device code of their names.

What a kernel touches is checked when it runs: all of it lies within its buffers, or the command
buffer fails as one whose pages are not there.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from ._memory import MTLBuffer
from ._worker import DeviceFailure

TIMEOUT, PAGE_FAULT, INVALID_RESOURCE = 2, 3, 9


@dataclass
class Run:
    """Workgroups, the threads of one, and arguments by their index."""

    groups: tuple[int, ...]
    threads: int
    arguments: dict[int, tuple[MTLBuffer, int] | bytes]

    @property
    def count(self) -> int:
        """Of workgroups."""
        return prod(self.groups)

    def memory(self, index: int, start: int, size: int) -> npt.NDArray[np.uint8]:
        """Bytes from where a buffer was bound on."""
        given = self.arguments.get(index)
        if given is None or isinstance(given, bytes):
            raise DeviceFailure(INVALID_RESOURCE)
        buffer, offset = given
        if offset + start + size > buffer.memory.size:
            raise DeviceFailure(PAGE_FAULT)
        return buffer.memory[offset + start : offset + start + size]

    def words(self, index: int, count: int, kind: Any = np.uint32) -> npt.NDArray[Any]:
        """Words from there on."""
        return self.memory(index, 0, 4 * count).view(kind)

    def given(self, index: int, layout: str) -> tuple[Any, ...]:
        """Constants."""
        given = self.arguments.get(index)
        if isinstance(given, tuple):  # many of them
            given = given[0].memory.tobytes()
        if given is None or len(given) < struct.calcsize(layout):
            raise DeviceFailure(INVALID_RESOURCE)
        return struct.unpack_from(layout, given)


def _absolute(run: Run) -> None:
    run.words(1, run.count)[:] = run.words(0, run.count) & np.uint32(0x7FFFFFFF)


def _scale(run: Run) -> None:
    a, b, low, high = np.array(run.given(2, "<4f"), np.float32)
    with np.errstate(all="ignore"):
        moved = a * run.words(0, run.count, np.float32) + b
        moved = np.where(moved < low, low, moved)
        run.words(1, run.count, np.float32)[:] = np.where(moved > high, high, moved)


def _constants(run: Run) -> None:
    run.words(0, 4)[:] = run.given(1, "<4I")


def _count(run: Run) -> None:
    run.words(0, run.count)[:] += np.uint32(1)


def _places(run: Run) -> None:
    x, y, z = run.groups
    z_of, y_of, x_of = np.indices((z, y, x), np.uint32).reshape(3, -1)
    run.words(0, 3 * run.count)[:] = np.stack([x_of, y_of, z_of], axis=1).reshape(-1)


def _copy_bytes(run: Run) -> None:
    source_skip, target_skip, count = run.given(2, "<3I")
    count = min(count, run.count * run.threads)
    run.memory(1, target_skip, count)[:] = run.memory(0, source_skip, count)


def _fill(run: Run) -> None:
    skip, count, width, value = run.given(1, "<4I")
    count = min(count, run.count * run.threads)
    pattern = np.frombuffer(value.to_bytes(4, "little")[:width], np.uint8)
    target = run.memory(0, skip, count)
    target[:] = np.resize(pattern, count)


def _trap(run: Run) -> None:
    raise DeviceFailure(TIMEOUT)


KERNELS: dict[str, Callable[[Run], None]] = {
    "absolute": _absolute,
    "scale": _scale,
    "constants": _constants,
    "count": _count,
    "places": _places,
    "hal_cts_copy_bytes": _copy_bytes,
    "hal_cts_fill": _fill,
    "trap": _trap,
}


def run(name: str, run: Run) -> None:
    """Runs the kernel of a name."""
    if name not in KERNELS:
        raise DeviceFailure(TIMEOUT)
    KERNELS[name](run)
