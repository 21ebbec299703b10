"""Fill, update, copy and what is no transfer: checked when made, carried out when run.

A queue runs a transfer once its waits are reached; a command buffer keeps it, and every execution
runs it again. `queue_fill` and `CommandBuffer.fill` are so one and the same thing. A transfer can
be run part by part, in any order and on several threads at once: numpy releases the GIL meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from cts.hal import Buffer, BufferRange, BufferUsage, DeviceObject

from .arguments import as_bytes, as_int, as_object, check_range, refusal
from .memory import HostBuffer

Memory: TypeAlias = Buffer | BufferRange
"""What a transfer reads or writes: a buffer, or a range as if there were nothing beside it."""

PATTERN_TYPES = {1: np.uint8, 2: np.uint16, 4: np.uint32}


@dataclass(frozen=True)
class Transfer:
    """Work that was checked."""

    used: tuple[DeviceObject, ...]
    """What must stay alive until it has run."""
    length: int
    """Bytes that it writes."""
    run_part: Callable[[int, int], None]
    """Carries out bytes ``[start, end)`` of its range, both multiples of 4 or the range's end."""

    def run(self) -> None:
        """Carries out all of it."""
        self.run_part(0, self.length)


def whole(used: tuple[DeviceObject, ...], function: Callable[[], None]) -> Transfer:
    """Work that is done all at once, and moves no bytes."""
    return Transfer(used, 0, lambda start, end: function())


def fill(
    operation: str, driver_name: str, target: Memory, offset: int, length: int, pattern: bytes
) -> Transfer:
    """Repeats `pattern` over ``[offset, offset + length)``, both multiples of its width."""
    pattern = as_bytes(operation, "pattern", pattern)
    width = len(pattern)
    if width not in PATTERN_TYPES:
        raise refusal(operation, f"pattern has {width} bytes: it has 1, 2 or 4")
    buffer, start, offset, length = _place(operation, driver_name, "target", target, offset, length)
    if offset % width or length % width:
        raise refusal(
            operation,
            f"offset {offset} and length {length} are not multiples of the pattern's {width} bytes",
        )
    word = np.frombuffer(pattern, PATTERN_TYPES[width])

    def run_part(begin: int, end: int) -> None:
        buffer.contents[start + begin : start + end].view(word.dtype)[:] = word

    return Transfer((buffer,), length, run_part)


def update(operation: str, driver_name: str, data: bytes, target: Memory, offset: int) -> Transfer:
    """Writes a copy of `data`, made now, at `offset`."""
    captured = np.frombuffer(as_bytes(operation, "data", data), np.uint8)
    place = _place(operation, driver_name, "target", target, offset, captured.size)
    buffer, start, _, length = place

    def run_part(begin: int, end: int) -> None:
        buffer.contents[start + begin : start + end] = captured[begin:end]

    return Transfer((buffer,), length, run_part)


def copy(
    operation: str,
    driver_name: str,
    source: Memory,
    source_offset: int,
    target: Memory,
    target_offset: int,
    length: int,
) -> Transfer:
    """Copies `length` bytes; ranges of one buffer must not overlap."""
    place = _place(operation, driver_name, "source", source, source_offset, length)
    origin, start, _, length = place
    place = _place(operation, driver_name, "target", target, target_offset, length)
    destination, to, _, length = place
    if origin is destination and max(start, to) < min(start, to) + length:
        raise refusal(
            operation,
            f"the ranges [{start}, {start + length}) and [{to}, {to + length}) of a buffer overlap",
        )

    def run_part(begin: int, end: int) -> None:
        destination.contents[to + begin : to + end] = origin.contents[start + begin : start + end]

    return Transfer((origin, destination), length, run_part)


def _place(
    operation: str, driver_name: str, name: str, memory: Memory, offset: int, length: int
) -> tuple[HostBuffer, int, int, int]:
    """The buffer that may be used in transfers, where in it the range starts, and the range's
    offset and length as they were asked for."""
    buffer, base, size = bound(operation, driver_name, name, memory, BufferUsage.TRANSFER)
    offset, length = check_range(operation, name, offset, length, size)
    return buffer, base + offset, offset, length


def bound(
    operation: str, driver_name: str, name: str, memory: Memory, needed: BufferUsage
) -> tuple[HostBuffer, int, int]:
    """A living buffer of this driver that may be used so, and the range of it that is meant, by
    start and length."""
    given = memory if isinstance(memory, BufferRange) else BufferRange(memory)
    buffer = as_object(operation, name, given.buffer, HostBuffer, driver_name)
    buffer.check_usage(operation, needed)
    start = as_int(operation, f"{name} offset", given.offset)
    length = buffer.byte_length - start if given.length is None else given.length
    return buffer, *check_range(operation, name, start, length, buffer.byte_length)
