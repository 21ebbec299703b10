"""Mapped POSIX shared memory, for runtimes that are let use pages of the host's."""

from __future__ import annotations

import os
import stat
from typing import Any

from cts.hal import HalError, StatusCode

from . import shared_memory
from .shared_memory import PageMapping


class NamedMemory:
    """A mapped shared memory object; its maker's name for it ends with it."""

    def __init__(self, mapping: PageMapping, name: str = "") -> None:
        self.mapping = mapping
        self.name = name

    def __del__(self) -> None:
        if self.name:
            shared_memory.unlink(self.name)


def new_memory(operation: str, size: int, page: int) -> NamedMemory:
    """A new object of so many bytes, mapped in whole pages. Raises RESOURCE_EXHAUSTED."""
    name = shared_memory.new_name()
    try:
        descriptor = shared_memory.create(name)
    except OSError as error:
        raise HalError(StatusCode.RESOURCE_EXHAUSTED, operation, str(error)) from error
    try:
        os.ftruncate(descriptor, max(size, 1))  # a page without a byte cannot be touched
        return NamedMemory(PageMapping(descriptor, _in_pages(size, page)), name)
    except (OSError, OverflowError) as error:
        shared_memory.unlink(name)
        raise HalError(StatusCode.RESOURCE_EXHAUSTED, operation, str(error)) from error
    finally:
        os.close(descriptor)


def memory_of_name(operation: str, name: Any, size: int, page: int) -> NamedMemory:
    """Somebody's object, mapped in whole pages. Raises OUT_OF_RANGE for more bytes than it has."""
    descriptor = shared_memory.open_named(operation, name)
    try:
        shared_memory.check_size(operation, size, os.fstat(descriptor).st_size)
        return NamedMemory(PageMapping(descriptor, _in_pages(size, page)))
    except OSError as error:
        code = StatusCode.PERMISSION_DENIED
        raise shared_memory.native_error(operation, code, repr(name), error) from error
    finally:
        os.close(descriptor)


def _in_pages(size: int, page: int) -> int:
    """Bytes of whole pages for so many that are to be used."""
    return max(-(-size // page), 1) * page


class MemoryDescriptor(int):
    """A descriptor of a vendor's memory that says whose it is, and how many bytes there are.

    Attributes
    ----------
    maker : equal for those that can use each other's memory by descriptors.
    """

    maker: object
    size: int


def memory_descriptor(descriptor: int, maker: object, size: int) -> MemoryDescriptor:
    """One that says so."""
    made = MemoryDescriptor(descriptor)
    made.maker, made.size = maker, size
    return made


def check_descriptor(operation: str, descriptor: int, size: int) -> None:
    """Raises for what is no descriptor, and for a file in memory that is smaller."""
    try:
        status = os.fstat(descriptor)
    except (OSError, OverflowError) as error:
        code = StatusCode.INVALID_ARGUMENT
        raise shared_memory.native_error(operation, code, f"{descriptor}", error) from error
    if stat.S_ISREG(status.st_mode):
        shared_memory.check_size(operation, size, status.st_size)
