"""Fill, update and copy: checked when they are made, carried out when they are run.

A queue runs a transfer once its waits are reached; a command buffer keeps it, and every execution
runs it again. `queue_fill` and `CommandBuffer.fill` are so one and the same thing. A transfer can
be run part by part, in any order and on several threads at once: numpy releases the GIL meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from cts.hal import Buffer, BufferUsage

from .arguments import as_bytes, as_object, check_range, refusal
from .memory import HostBuffer

PATTERN_TYPES = {1: np.uint8, 2: np.uint16, 4: np.uint32}


@dataclass(frozen=True)
class Transfer:
    """Work that was checked."""

    buffers: tuple[HostBuffer, ...]
    """What must stay alive until it has run."""
    length: int
    """Bytes that it writes."""
    run_part: Callable[[int, int], None]
    """Carries out bytes ``[start, end)`` of its range, both multiples of 4 or the range's end."""

    def run(self) -> None:
        """Carries out all of it."""
        self.run_part(0, self.length)


def fill(
    operation: str, driver_name: str, target: Buffer, offset: int, length: int, pattern: bytes
) -> Transfer:
    """Repeats `pattern` over ``[offset, offset + length)``, both multiples of its width."""
    pattern = as_bytes(operation, "pattern", pattern)
    width = len(pattern)
    if width not in PATTERN_TYPES:
        raise refusal(operation, f"pattern has {width} bytes: it has 1, 2 or 4")
    target = _usable(operation, driver_name, "target", target)
    offset, length = check_range(operation, "target", offset, length, target.byte_length)
    if offset % width or length % width:
        raise refusal(
            operation,
            f"offset {offset} and length {length} are not multiples of the pattern's {width} bytes",
        )
    word = np.frombuffer(pattern, PATTERN_TYPES[width])

    def run_part(start: int, end: int) -> None:
        target.contents[offset + start : offset + end].view(word.dtype)[:] = word

    return Transfer((target,), length, run_part)


def update(operation: str, driver_name: str, data: bytes, target: Buffer, offset: int) -> Transfer:
    """Writes a copy of `data`, made now, at `offset`."""
    captured = np.frombuffer(as_bytes(operation, "data", data), np.uint8)
    target = _usable(operation, driver_name, "target", target)
    offset, length = check_range(operation, "target", offset, captured.size, target.byte_length)

    def run_part(start: int, end: int) -> None:
        target.contents[offset + start : offset + end] = captured[start:end]

    return Transfer((target,), length, run_part)


def copy(
    operation: str,
    driver_name: str,
    source: Buffer,
    source_offset: int,
    target: Buffer,
    target_offset: int,
    length: int,
) -> Transfer:
    """Copies `length` bytes; ranges of one buffer must not overlap."""
    source = _usable(operation, driver_name, "source", source)
    target = _usable(operation, driver_name, "target", target)
    begin, length = check_range(operation, "source", source_offset, length, source.byte_length)
    to, length = check_range(operation, "target", target_offset, length, target.byte_length)
    if source is target and max(begin, to) < min(begin, to) + length:
        raise refusal(
            operation,
            f"the ranges [{begin}, {begin + length}) and [{to}, {to + length}) of a buffer overlap",
        )

    def run_part(start: int, end: int) -> None:
        target.contents[to + start : to + end] = source.contents[begin + start : begin + end]

    return Transfer((source, target), length, run_part)


def _usable(operation: str, driver_name: str, name: str, buffer: Buffer) -> HostBuffer:
    """The buffer, if it is a living one of this driver that may be used in transfers."""
    usable = as_object(operation, name, buffer, HostBuffer, driver_name)
    usable.check_usage(operation, BufferUsage.TRANSFER)
    return usable
