"""What a vendor's calls hand out, and take."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol, TypeAlias

Handle: TypeAlias = Any
Address: TypeAlias = Any
"""Of memory, as devices see it: a number of bytes can be added to it."""


class HostMemory(NamedTuple):
    """Memory that the host sees too."""

    address: Address
    host_address: int


class Words(Protocol):
    """Numbers of 64 bits, as the host sees them."""

    def __getitem__(self, place: int, /) -> int: ...

    def __setitem__(self, place: int, value: int, /) -> None: ...


class Word(NamedTuple):
    """A 64-bit word that host and all devices read and write."""

    words: Words
    place: int
    """Of the word among them."""
    address: Address
    """As streams write and wait for it."""
    holds: Handle
    """What it is made of; given back as a whole."""


class Partition(NamedTuple):
    """A part of a device with processors of its own, and the memory of all."""

    handle: Handle
    multiprocessors: int
