"""The contract's arguments as IREE's: numbers, flags, patterns, bytes, and its native objects.

Nothing is judged here that IREE can judge. What is refused is what cannot be said to it: another
driver's object, and a number that its unsigned 64 bits cannot hold.
"""

from __future__ import annotations

from enum import IntFlag
from functools import reduce
from operator import index, or_
from typing import Any, TypeVar

from cts.hal import BufferUsage, DeviceObject, HalError, HandleType, MemoryType, StatusCode

from .native import MAX_U64, call, runtime

T = TypeVar("T", bound=DeviceObject)

WORD = 8
"""Bytes of an integer in a call of the HAL module."""


def as_int(operation: str, name: str, value: Any) -> int:
    """`value` as a Python int. Raises INVALID_ARGUMENT for what is no integer."""
    try:
        return index(value)
    except TypeError:
        raise _refused(operation, f"{name} is {value!r}: it is an integer") from None


def as_size(
    operation: str, name: str, value: Any, code: StatusCode = StatusCode.OUT_OF_RANGE
) -> int:
    """An offset or length in bytes, below 2**64 - 1, which stands for "to the end" in IREE."""
    number = as_int(operation, name, value)
    if not 0 <= number < MAX_U64:
        raise HalError(code, operation, f"{name} is {number}: IREE takes 0 to {MAX_U64 - 1}")
    return number


def as_object(operation: str, name: str, value: Any, kind: type[T]) -> T:
    """A living object that this adapter made; another driver's has nothing native to give IREE."""
    if not isinstance(value, kind):
        raise _refused(operation, f"{name} is {value!r}: it is one of IREE's, {kind.__name__}")
    value._check_usable(operation)
    return value


def as_pattern(operation: str, pattern: Any) -> tuple[int, int]:
    """A fill pattern as IREE takes it: its bytes as a little-endian word, and how many they are."""
    data = as_bytes(operation, "pattern", pattern)
    if len(data) > WORD:
        raise _refused(operation, f"pattern has {len(data)} bytes: a word for IREE has {WORD}")
    return int.from_bytes(data, "little"), len(data)


def as_bytes(operation: str, name: str, value: Any) -> bytes:
    """A copy of `value`, a bytes-like object. Raises INVALID_ARGUMENT for anything else."""
    try:
        return memoryview(value).tobytes()
    except TypeError:
        raise _refused(operation, f"{name} is {type(value).__name__}: it is bytes") from None


def as_vm_buffer(operation: str, data: Any) -> tuple[Any, int]:
    """A copy of `data` in a buffer of the VM's, and its length."""
    captured = as_bytes(operation, "data", data)
    buffer = call(operation, runtime().VmBuffer, len(captured))
    memoryview(buffer)[:] = captured
    return buffer, len(captured)


def as_memory_type(operation: str, value: Any) -> int:
    """IREE's bits of the same names."""
    return _translated(operation, "memory_type", value, MemoryType)


def as_usage(operation: str, value: Any) -> int:
    """IREE's bits of the same names."""
    return _translated(operation, "usage", value, BufferUsage)


def as_handle_types(operation: str, value: Any) -> HandleType:
    """Kinds of handle, for which IREE's binding has no names."""
    return HandleType(_as_flags(operation, "export_types", value, HandleType))


def _translated(
    operation: str, name: str, value: Any, kind: type[MemoryType] | type[BufferUsage]
) -> int:
    flags = _as_flags(operation, name, value, kind)
    theirs = getattr(runtime(), kind.__name__)
    masks = [int(getattr(theirs, str(bit.name))) for bit in kind if flags & bit]
    return reduce(or_, masks, 0)  # not a sum: some of IREE's share bits


def _as_flags(operation: str, name: str, value: Any, kind: type[IntFlag]) -> int:
    flags = as_int(operation, name, value)
    defined = sum(kind)
    if flags & ~defined:
        raise _refused(operation, f"{name} is {flags:#x}: only the bits {defined:#x} have a name")
    return flags


def _refused(operation: str, detail: str) -> HalError:
    return HalError(StatusCode.INVALID_ARGUMENT, operation, detail)
