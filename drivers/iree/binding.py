"""Buffers and slots of binding tables as IREE's functions take them (see `compiled.calls`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cts.hal import BindingSlot, Buffer, BufferRange, HalError, StatusCode

from .arguments import as_int, as_object, as_size
from .compiled.calls import DIRECT, TABLE_SIZES
from .memory import IreeBuffer
from .native import MAX_U64

MAX_SLOT = 2**32 - 2
"""The next one is what 32 bits have for `DIRECT`."""

WHOLE = MAX_U64
"""The length of what goes on to the buffer's end."""


def as_place(
    operation: str, name: str, given: Buffer | BindingSlot, stand_in: Any
) -> tuple[int, Any]:
    """A slot and a native buffer, of which one counts; `stand_in` is any native object."""
    if not isinstance(given, BindingSlot):
        return DIRECT, as_object(operation, name, given, IreeBuffer).native
    number = as_int(operation, name, given.number)
    if not 0 <= number <= MAX_SLOT:
        raise HalError(
            StatusCode.OUT_OF_RANGE, operation, f"{name} is slot {number} of 0 to {MAX_SLOT}"
        )
    return number, stand_in


def as_part(operation: str, name: str, given: BufferRange) -> tuple[int, int]:
    """The offset and length of a range, in bytes."""
    offset = as_size(operation, f"{name} offset", given.offset)
    if given.length is None:
        return offset, WHOLE
    return offset, as_size(operation, f"{name} length", given.length)


def as_table(operation: str, bindings: Sequence[BufferRange]) -> list[Any]:
    """A binding table: of each place its native buffer, offset and length. Raises UNIMPLEMENTED for
    more places than there is a function for."""
    if len(bindings) > max(TABLE_SIZES):
        raise HalError(
            StatusCode.UNIMPLEMENTED,
            operation,
            f"{len(bindings)} bindings: the adapter's module has no function for so many",
        )
    table: list[Any] = []
    for number, given in enumerate(bindings):
        name = f"binding {number}"
        table.append(as_object(operation, name, given.buffer, IreeBuffer).native)
        table += as_part(operation, name, given)
    return table
