"""Fill, update and copy: checked when they are made, carried out when they are run.

A queue runs a transfer once its waits are reached; a command buffer keeps it, and every execution
runs it again. `queue_fill` and `CommandBuffer.fill` are so one and the same thing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from cts.hal import Buffer, BufferUsage, Resource

from .arguments import as_bytes, check_range, refusal
from .memory import Bytes, LocalBuffer

PATTERN_TYPES = {1: np.uint8, 2: np.uint16, 4: np.uint32}


@dataclass(frozen=True)
class Transfer:
    """Work that was checked."""

    owners: tuple[Resource, ...]
    """What must stay alive until it has run."""
    run: Callable[[], None]


def fill(operation: str, target: Buffer, offset: int, length: int, pattern: bytes) -> Transfer:
    """Repeats `pattern` over ``[offset, offset + length)``, both multiples of its width."""
    pattern = as_bytes(operation, "pattern", pattern)
    width = len(pattern)
    if width not in PATTERN_TYPES:
        raise refusal(operation, f"pattern has {width} bytes: it has 1, 2 or 4")
    target = _usable(operation, "target", target)
    offset, length = check_range(operation, "target", offset, length, target.byte_length)
    if offset % width or length % width:
        raise refusal(
            operation,
            f"offset {offset} and length {length} are not multiples of the pattern's {width} bytes",
        )

    def run() -> None:
        words = target.contents[offset : offset + length].view(PATTERN_TYPES[width])
        words[:] = np.frombuffer(pattern, PATTERN_TYPES[width])

    return Transfer((target,), run)


def update(operation: str, data: bytes, target: Buffer, offset: int) -> Transfer:
    """Writes a copy of `data`, made now, at `offset`."""
    captured = np.frombuffer(as_bytes(operation, "data", data), np.uint8)
    target = _usable(operation, "target", target)
    offset, length = check_range(operation, "target", offset, captured.size, target.byte_length)

    def run() -> None:
        target.contents[offset : offset + length] = captured

    return Transfer((target,), run)


def copy(
    operation: str,
    source: Buffer,
    source_offset: int,
    target: Buffer,
    target_offset: int,
    length: int,
) -> Transfer:
    """Copies `length` bytes; ranges of one buffer must not overlap."""
    source = _usable(operation, "source", source)
    target = _usable(operation, "target", target)
    start, size = check_range(operation, "source", source_offset, length, source.byte_length)
    to, size = check_range(operation, "target", target_offset, length, target.byte_length)
    if source is target and max(start, to) < min(start, to) + size:
        raise refusal(
            operation,
            f"the ranges [{start}, {start + size}) and [{to}, {to + size}) of one buffer overlap",
        )

    def part(buffer: LocalBuffer, offset: int) -> Bytes:
        return buffer.contents[offset : offset + size]

    return Transfer((source, target), lambda: np.copyto(part(target, to), part(source, start)))


def _usable(operation: str, name: str, buffer: Buffer) -> LocalBuffer:
    """The buffer, if it is a living one of this driver that may be used in transfers."""
    if not isinstance(buffer, LocalBuffer):
        raise refusal(operation, f"{name} is {buffer!r}: it is a buffer of the driver local-sync")
    buffer._check_usable(operation)
    buffer.check_usage(operation, BufferUsage.TRANSFER)
    return buffer
