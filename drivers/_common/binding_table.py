"""Binding tables: what the slots in a command buffer stand for in one execution."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

from cts.hal import BindingSlot, BufferRange, IndirectWorkgroups

from .arguments import as_int, check_range, refusal

Table: TypeAlias = Sequence[BufferRange]
COUNTS = 12
"""Bytes of workgroup counts."""


def as_table(operation: str, bindings: Any) -> Table:
    """A list of ranges of buffers; which buffers is looked at where they are used."""
    try:
        table = tuple(bindings)
    except TypeError:
        raise refusal(operation, f"bindings is {bindings!r}: it is a list of ranges") from None
    for place, given in enumerate(table):
        if not isinstance(given, BufferRange) or isinstance(given.buffer, BindingSlot):
            raise refusal(operation, f"binding {place} is {given!r}: it is a BufferRange")
    return table


def bound_to(operation: str, argument: Any, table: Table) -> Any:
    """An argument of a command with ranges of the table in the place of its slots."""
    if isinstance(argument, BindingSlot):
        return _range(operation, argument, table)
    if isinstance(argument, BufferRange) and isinstance(argument.buffer, BindingSlot):
        outer = _range(operation, argument.buffer, table)
        return _within(operation, outer, argument.offset, argument.length)
    if isinstance(argument, IndirectWorkgroups) and isinstance(argument.buffer, BindingSlot):
        outer = _range(operation, argument.buffer, table)
        inner = _within(operation, outer, argument.offset, COUNTS)
        return IndirectWorkgroups(inner.buffer, inner.offset)
    if isinstance(argument, tuple) and not isinstance(argument, BufferRange | IndirectWorkgroups):
        return tuple(bound_to(operation, part, table) for part in argument)
    return argument


def _range(operation: str, slot: BindingSlot, table: Table) -> BufferRange:
    if slot.number >= len(table):
        raise refusal(operation, f"slot {slot.number} has no range: bindings has {len(table)}")
    return table[slot.number]


def _within(operation: str, outer: BufferRange, offset: int, length: int | None) -> BufferRange:
    """A part of a range, which may not leave it."""
    start = as_int(operation, "binding offset", outer.offset)
    if outer.length is None:
        start += as_int(operation, "binding offset", offset)
        return BufferRange(outer.buffer, start, length)
    rest = outer.length - offset if length is None else length
    offset, rest = check_range(operation, "binding", offset, rest, outer.length)
    return BufferRange(outer.buffer, start + offset, rest)
