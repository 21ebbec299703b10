"""Argument checks: each refuses with the operation, the offending value and the limit it broke."""

from __future__ import annotations

import threading
from enum import IntFlag
from functools import cache
from operator import index
from typing import Any, TypeVar

from cts.hal import Device, DeviceObject, HalError, HandleType, StatusCode

F = TypeVar("F", bound=IntFlag)
T = TypeVar("T", bound=DeviceObject)


def refusal(operation: str, detail: str) -> HalError:
    """The error of an argument that could be right for nobody."""
    return HalError(StatusCode.INVALID_ARGUMENT, operation, detail)


def as_int(operation: str, name: str, value: Any) -> int:
    """`value` as a Python int. Raises INVALID_ARGUMENT for what is no integer."""
    try:
        return index(value)
    except TypeError:
        raise refusal(operation, f"{name} is {value!r}: it is an integer") from None


def as_seconds(operation: str, name: str, value: Any) -> float:
    """A time-out, 0 or more and as long as a lock can wait at most.

    Raises INVALID_ARGUMENT for what is no number.
    """
    if not isinstance(value, int | float) or value != value:
        raise refusal(operation, f"{name} is {value!r}: it is a number of seconds, or none")
    return min(max(value, 0.0), threading.TIMEOUT_MAX)


def as_flags(operation: str, name: str, value: Any, kind: type[F]) -> F:
    """`value` as defined bits of `kind`. Raises INVALID_ARGUMENT for any other."""
    defined = _defined(kind)
    if type(value) is kind and not value._value_ & ~defined:  # as it nearly always is, and faster
        return value
    flags = as_int(operation, name, value)
    if flags & ~defined:
        raise refusal(operation, f"{name} is {flags:#x}: only the bits {defined:#x} are defined")
    return kind(flags)


@cache
def _defined(kind: type[IntFlag]) -> int:
    return int(sum(kind))


def as_handle_type(operation: str, value: Any, device: Device, claimed: HandleType) -> HandleType:
    """One kind of handle, of those that a device claims. Raises UNIMPLEMENTED for another."""
    kind = as_flags(operation, "handle_type", value, HandleType)
    if kind.bit_count() != 1:
        raise refusal(operation, f"handle_type is {kind!r}: it is one kind")
    if not kind & claimed:
        raise HalError(
            StatusCode.UNIMPLEMENTED,
            operation,
            f"the device has no handles of the kind {kind!r}",
            driver=device.driver_name,
            slot=operation.partition(".")[2],
        )
    return kind


def as_object(operation: str, name: str, value: Any, kind: type[T], domain: str) -> T:
    """A living object of this kind, made by a device of the domain (`QueueDevice.domain`).

    Raises INVALID_ARGUMENT for anything else, FAILED_PRECONDITION for one that is destroyed.
    """
    if not isinstance(value, kind) or getattr(value._device, "domain", None) != domain:
        raise refusal(operation, f"{name} is {value!r}: it is a {kind.__name__} of {domain}")
    value._check_usable(operation)
    return value


def as_bytes(operation: str, name: str, value: Any) -> bytes:
    """A copy of `value`, a bytes-like object. Raises INVALID_ARGUMENT for anything else."""
    try:
        return memoryview(value).tobytes()
    except TypeError:
        raise refusal(operation, f"{name} is {type(value).__name__}: it is bytes") from None


def check_range(operation: str, name: str, offset: Any, length: Any, size: int) -> tuple[int, int]:
    """``(offset, length)`` as ints. Raises OUT_OF_RANGE unless the range is inside ``[0, size)``.

    Parameters
    ----------
    operation, name : for the message: what is done, and to which buffer (``target``).
    offset, length, size : in bytes; an empty range may lie at the very end.
    """
    offset = as_int(operation, f"{name} offset", offset)
    length = as_int(operation, f"{name} length", length)
    if offset < 0 or length < 0 or offset + length > size:
        raise HalError(
            StatusCode.OUT_OF_RANGE,
            operation,
            f"{name} range is [{offset}, {offset + length}) with length {length}:"
            f" the buffer has {size} bytes",
        )
    return offset, length


def as_objects(operation: str, name: str, values: Any, kind: type[T], domain: str) -> list[T]:
    """A list of such objects."""
    try:
        given = list(values)
    except TypeError:
        raise refusal(operation, f"{name} is {values!r}: it is a list") from None
    return [as_object(operation, name, value, kind, domain) for value in given]
