"""POSIX shared memory objects, by their names. Nobody but their maker unlinks them."""

from __future__ import annotations

import ctypes
import importlib
import mmap
import os
import secrets
from typing import Any

from cts.hal import HalError, StatusCode

from .arguments import refusal

try:
    _posixshmem: Any = importlib.import_module("_posixshmem")
except ImportError:  # not a POSIX platform
    _posixshmem = None

IS_THERE = _posixshmem is not None
"""Whether this platform has any."""


def new_name() -> str:
    """A name that no object has."""
    return f"/hal-cts-{secrets.token_hex(8)}"


def create(name: str) -> int:
    """The descriptor of a new object, empty. Raises OSError where there is none to be had."""
    descriptor: int = _posixshmem.shm_open(name, os.O_CREAT | os.O_EXCL | os.O_RDWR, mode=0o600)
    return descriptor


def unlink(name: str) -> None:
    """Takes an object's name away; it ends with its last mapping."""
    _posixshmem.shm_unlink(name)


def open_named(operation: str, name: Any) -> int:
    """A descriptor of somebody's object, the caller's to close. Raises NOT_FOUND where there is
    none of that name."""
    if not isinstance(name, str) or "\0" in name:
        raise refusal(operation, f"handle is {name!r}: it is the name of a shared memory object")
    try:
        descriptor: int = _posixshmem.shm_open(name, os.O_RDWR, mode=0)
    except FileNotFoundError as error:
        raise HalError(StatusCode.NOT_FOUND, operation, f"{name!r}: {error}") from error
    except OSError as error:
        raise native_error(operation, StatusCode.INVALID_ARGUMENT, f"{name!r}", error) from error
    return descriptor


def native_error(operation: str, code: StatusCode, handle: str, error: Exception) -> HalError:
    """The error of a handle that the system refuses."""
    number = error.errno if isinstance(error, OSError) else None
    return HalError(code, operation, f"handle is {handle}: {error}", native_code=number)


def check_size(operation: str, size: int, there: int) -> None:
    """Raises OUT_OF_RANGE for more bytes than there are."""
    if size > there:
        raise HalError(
            StatusCode.OUT_OF_RANGE, operation, f"size is {size}: the memory has {there} bytes"
        )


class PageMapping:
    """Whole pages of a file in memory, mapped until it is collected.

    Python's own mapping ends with the file; the last page of a file is there to its end.

    Attributes
    ----------
    address, length : of the mapping, in bytes.
    """

    def __init__(self, descriptor: int, length: int) -> None:
        """Raises OSError where it cannot be mapped."""
        self._library = library = ctypes.CDLL(None, use_errno=True)
        library.mmap.restype = ctypes.c_void_p
        size, offset = ctypes.c_size_t, ctypes.c_long
        protection = mmap.PROT_READ | mmap.PROT_WRITE
        library.mmap.argtypes = [ctypes.c_void_p, size, *[ctypes.c_int] * 3, offset]
        library.munmap.argtypes = [ctypes.c_void_p, size]
        address = library.mmap(None, length, protection, mmap.MAP_SHARED, descriptor, 0)
        if address in (None, ctypes.c_void_p(-1).value):
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
        self.address: int = address
        self.length = length

    def __del__(self) -> None:
        if hasattr(self, "address"):
            self._library.munmap(self.address, self.length)
