"""Dispatch: an entry point over ranges of buffers, checked when it is made, run when it is run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np

from cts.hal import (
    BufferRange,
    BufferUsage,
    Executable,
    HalError,
    IndirectWorkgroups,
    StatusCode,
    Workgroups,
)

from .arguments import as_bytes, as_int, as_object, check_range, refusal
from .executable import HostExecutable
from .memory import Bytes, HostBuffer
from .transfers import Transfer, bound, whole

WORD = 4
Counts: TypeAlias = tuple[int, int, int]
MOST = 2**32 - 1
"""Workgroups along an axis."""


def dispatch(
    operation: str,
    driver_name: str,
    executable: Executable,
    entry_point: int,
    workgroups: Workgroups,
    bindings: Sequence[BufferRange],
    constants: bytes,
) -> Transfer:
    """Runs an entry point; counts of workgroups in a buffer are read when it runs."""
    code = as_object(operation, "executable", executable, HostExecutable, driver_name)
    place = as_int(operation, "entry_point", entry_point)
    wanted, function = code.function(operation, place)
    words = np.frombuffer(_constants(operation, constants, wanted.constants), np.uint32)
    ranges = _ranges(operation, driver_name, bindings, wanted.bindings)
    tell_counts, counted_in = _counts(operation, driver_name, workgroups)

    def run() -> None:
        counts = tell_counts()
        if not all(counts):
            return
        memory = [_bytes(*of_range) for of_range in ranges]
        try:
            function(counts, words, *memory)
        except Exception as error:  # whatever the code does
            raise HalError(
                StatusCode.INTERNAL, operation, f"the entry point {wanted.name!r} failed: {error!r}"
            ) from error

    return whole((code, *(buffer for buffer, _, _ in ranges), *counted_in), run)


def _bytes(buffer: HostBuffer, start: int, length: int) -> Bytes:
    return buffer.contents[start : start + length]


def _constants(operation: str, constants: bytes, count: int) -> bytes:
    words = as_bytes(operation, "constants", constants)
    if len(words) != WORD * count:
        raise refusal(
            operation, f"constants has {len(words)} bytes: the entry point takes {WORD * count}"
        )
    return words


def _ranges(
    operation: str, driver_name: str, bindings: Sequence[BufferRange], count: int
) -> list[tuple[HostBuffer, int, int]]:
    try:
        given = list(bindings)
    except TypeError:
        raise refusal(operation, f"bindings is {bindings!r}: it is a list of ranges") from None
    if len(given) != count:
        raise refusal(operation, f"there are {len(given)} bindings: the entry point takes {count}")
    return [
        bound(operation, driver_name, f"binding {n}", memory, BufferUsage.DISPATCH_STORAGE)
        for n, memory in enumerate(given)
    ]


def _counts(
    operation: str, driver_name: str, workgroups: Workgroups
) -> tuple[Callable[[], Counts], tuple[HostBuffer, ...]]:
    """What tells the counts when the dispatch is run, and what must be alive for it."""
    if not isinstance(workgroups, IndirectWorkgroups):
        counts = _direct(operation, workgroups)
        return lambda: counts, ()
    name, memory = "workgroups", BufferRange(workgroups.buffer)
    usage = BufferUsage.DISPATCH_INDIRECT_PARAMETERS
    buffer, base, size = bound(operation, driver_name, name, memory, usage)
    offset, _ = check_range(operation, name, workgroups.offset, 3 * WORD, size)
    if offset % WORD:
        raise refusal(operation, f"the offset of the workgroup counts is {offset}: words are of 4")
    start = base + offset

    def read() -> Counts:
        x, y, z = _bytes(buffer, start, 3 * WORD).view(np.uint32).tolist()
        return x, y, z

    return read, (buffer,)


def _direct(operation: str, workgroups: tuple[int, int, int]) -> Counts:
    try:
        x, y, z = (as_int(operation, "workgroups", count) for count in workgroups)
    except (TypeError, ValueError):
        raise refusal(operation, f"workgroups is {workgroups!r}: it has three counts") from None
    if not all(0 <= count <= MOST for count in (x, y, z)):
        raise refusal(operation, f"workgroups is {workgroups!r}: each is 0 to {MOST}")
    return x, y, z
