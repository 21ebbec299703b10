"""What Metal's own checks, and PyObjC's conversions, refuse at once."""

from __future__ import annotations

from typing import Any, NamedTuple, TypeVar

T = TypeVar("T")


class Refused(Exception):
    """A use that Metal forbids: on macOS its checks end the program."""


class MTLSize(NamedTuple):
    """How many along three sides."""

    width: int
    height: int
    depth: int


class MTLSizeAndAlign(NamedTuple):
    """Bytes of a resource in a heap."""

    size: int
    align: int


def number(name: str, value: Any) -> int:
    """An unsigned number of 64 bits."""
    if not isinstance(value, int) or not 0 <= value < 2**64:
        raise Refused(f"{name} is {value!r}: it is a number of 64 bits, without a sign")
    return value


def signed_byte(name: str, value: Any) -> int:
    """A byte as PyObjC takes it, with a sign."""
    if not isinstance(value, int) or not -128 <= value < 128:
        raise Refused(f"{name} is {value!r}: PyObjC takes -128 to 127")
    return value & 0xFF


def flag(name: str, value: Any) -> bool:
    """Yes or no."""
    if not isinstance(value, bool):
        raise Refused(f"{name} is {value!r}: it is yes or no")
    return value


def instance(name: str, value: Any, kind: type[T]) -> T:
    """An object of a class."""
    if not isinstance(value, kind):
        raise Refused(f"{name} is {value!r}: it is a {kind.__name__}")
    return value


def in_words(name: str, value: int) -> int:
    """A multiple of 4, as blits on macOS need it."""
    if value % 4:
        raise Refused(f"{name} is {value}: it is a multiple of 4")
    return value


def within(name: str, offset: int, size: int, there: int) -> None:
    """Bytes that a buffer has."""
    if not size or offset + size > there:
        raise Refused(f"{name} is {size} bytes at {offset}: there are {there}")
