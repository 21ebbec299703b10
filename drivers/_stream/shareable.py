"""Memory of a device that others can have by a descriptor: made, imported and mapped.

It is of whole pieces, and is mapped at an address that was reserved, for certain devices to use. A
descriptor may also be of another runtime's memory, as Vulkan's, which the vendor maps itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from typing import NamedTuple

from .calls import NativeError, StreamCalls
from .handles import Address, Handle


class Shareable(NamedTuple):
    """Such memory, mapped."""

    handle: Handle
    address: Address
    size: int
    """As it is mapped."""
    is_foreign: bool = False
    """It is of another runtime."""


def new_shareable(calls: StreamCalls, ordinal: int, size: int, users: Sequence[int]) -> Shareable:
    """New memory of a device, for these devices to use."""
    size = _whole(calls, ordinal, size)
    return _mapped(calls, calls.new_shareable(ordinal, size), size, users)


def imported(
    calls: StreamCalls, descriptor: int, ordinal: int, size: int, users: Sequence[int]
) -> Shareable:
    """Memory by a descriptor, the vendor's own or not; the descriptor stays the caller's."""
    try:
        handle = calls.import_shareable(descriptor)
    except NativeError as error:
        if error.code in calls.sticky:
            raise
        return foreign(calls, descriptor, size)
    return _mapped(calls, handle, _whole(calls, ordinal, size), users)


def foreign(calls: StreamCalls, descriptor: int, size: int) -> Shareable:
    """Another runtime's memory by a descriptor, which stays the caller's."""
    size = max(size, 1)
    handle = calls.import_foreign(descriptor, size)
    try:
        address = calls.map_foreign(handle, size)
    except NativeError:
        calls.end_foreign(handle)
        raise
    return Shareable(handle, address, size, is_foreign=True)


def end(calls: StreamCalls, memory: Shareable) -> None:
    """Gives it back; others that have it keep it."""
    if memory.is_foreign:
        calls.unmap_foreign(memory.address)
        calls.end_foreign(memory.handle)
    else:
        calls.unmap(memory.address, memory.size)
        calls.give_address(memory.address, memory.size)
        calls.end_shareable(memory.handle)


def _whole(calls: StreamCalls, ordinal: int, size: int) -> int:
    """Bytes of whole pieces for so many."""
    piece = calls.granularity(ordinal)
    return -(-max(size, 1) // piece) * piece


def _mapped(calls: StreamCalls, handle: Handle, size: int, users: Sequence[int]) -> Shareable:
    with ExitStack() as undo:
        undo.callback(calls.end_shareable, handle)
        address = calls.take_address(size)
        undo.callback(calls.give_address, address, size)
        calls.map(address, size, handle)
        undo.callback(calls.unmap, address, size)
        for ordinal in users:
            calls.let_use(address, size, ordinal)
        undo.pop_all()
    return Shareable(handle, address, size)
