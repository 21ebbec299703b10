"""Memory that other devices and processes can have: memfd and POSIX shared memory.

A buffer is allocated for the kinds of handle that it is to be exported by:

* OPAQUE_FD: the memory is a memfd, sealed against growing and shrinking, and a handle is a
  descriptor of it, the caller's to close;
* SHM, with or without OPAQUE_FD: it is a POSIX shared memory object, and a handle is its name. The
  exporting buffer unlinks it at its end; of a process that is killed it stays behind in /dev/shm;
* NATIVE: a handle is the buffer itself.

Whoever imports maps the memory, which from then on outlives the exporting buffer.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import stat
from typing import Any

import numpy as np

from cts.hal import Buffer, BufferUsage, HandleType, StatusCode

from .._common import shared_memory
from .._common.arguments import as_int, as_object, refusal
from .._common.memory import AllocationRequest, as_exported, as_import
from .._common.shared_memory import check_size, native_error
from .._host import HostAllocator, HostBuffer, HostDevice
from .._host.memory import Bytes

HANDLE_TYPES = HandleType(0)
"""The kinds of handle that this platform has, beside NATIVE."""
if hasattr(os, "memfd_create"):
    HANDLE_TYPES |= HandleType.OPAQUE_FD
if shared_memory.IS_THERE:
    HANDLE_TYPES |= HandleType.SHM


class SharedBuffer(HostBuffer):
    """A buffer whose memory is a file in memory, which others can map.

    Attributes
    ----------
    descriptor : of the file; the buffer's own.
    name : of the POSIX shared memory object; none for a memfd.
    """

    def __init__(
        self,
        device: HostDevice,
        size: int,
        usage: BufferUsage,
        export_types: HandleType,
    ) -> None:
        self.name = shared_memory.new_name() if export_types & HandleType.SHM else None
        self.descriptor = _create(self.name)
        try:
            os.ftruncate(self.descriptor, size)
            if self.name is None:
                _seal(self.descriptor)
            super().__init__(device, _map(self.descriptor, size), usage, export_types)
        except BaseException:
            self._close()
            raise

    def _free(self) -> None:
        super()._free()
        self._close()

    def _close(self) -> None:
        os.close(self.descriptor)
        if self.name is not None:
            shared_memory.unlink(self.name)


class SharingAllocator(HostAllocator):
    """Takes memory from numpy, or a file in memory where it is to be shared."""

    def _take(self, device: HostDevice, wanted: AllocationRequest) -> HostBuffer:
        if not wanted.export_types & HANDLE_TYPES:
            return super()._take(device, wanted)
        try:
            return SharedBuffer(device, wanted.size, wanted.usage, wanted.export_types)
        except OSError as error:  # no descriptor is free, or there is no such size
            raise MemoryError(str(error)) from error


def export_buffer(device: HostDevice, buffer: Buffer, handle_type: HandleType) -> object:
    """What `Device.export_buffer` gives."""
    operation = "Device.export_buffer"
    owned, kind = as_exported(operation, device, buffer, handle_type, HostBuffer)
    if not isinstance(owned, SharedBuffer) or kind is HandleType.NATIVE:
        return owned
    return owned.name if kind is HandleType.SHM else os.dup(owned.descriptor)


def import_buffer(
    device: HostDevice, handle: Any, handle_type: HandleType, size: int
) -> HostBuffer:
    """What `Device.import_buffer` gives."""
    operation = "Device.import_buffer"
    kind, size = as_import(operation, device, handle_type, size)
    if kind is HandleType.NATIVE:
        source = as_object(operation, "handle", handle, HostBuffer, device.domain)
        check_size(operation, size, source.byte_length)
        return HostBuffer(device, source.contents[:size])
    if kind is HandleType.OPAQUE_FD:
        return HostBuffer(
            device, _map_checked(operation, as_int(operation, "handle", handle), size)
        )
    descriptor = shared_memory.open_named(operation, handle)
    try:
        return HostBuffer(device, _map_checked(operation, descriptor, size))
    finally:
        os.close(descriptor)


# -- the system's side ----------------------------------------------------------------------


def _create(name: str | None) -> int:
    """The descriptor of a new file in memory, empty."""
    if name is None:
        return os.memfd_create("hal-cts", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    return shared_memory.create(name)


def _seal(descriptor: int) -> None:
    """Keeps the size for good: an importer cannot be cut off from what it has mapped."""
    fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW)


def _map_checked(operation: str, descriptor: int, size: int) -> Bytes:
    """A mapping of memory that came from elsewhere."""
    try:
        status = os.fstat(descriptor)
    except (OSError, OverflowError) as error:
        raise native_error(
            operation, StatusCode.INVALID_ARGUMENT, f"{descriptor}", error
        ) from error
    if not stat.S_ISREG(status.st_mode):
        raise refusal(operation, f"handle is {descriptor}: it is the descriptor of no memory")
    check_size(operation, size, status.st_size)
    try:
        return _map(descriptor, size)
    except OSError as error:
        raise native_error(
            operation, StatusCode.PERMISSION_DENIED, f"{descriptor}", error
        ) from error


def _map(descriptor: int, size: int) -> Bytes:
    """The first `size` bytes of a file, uint8[size]; the mapping ends with the array."""
    if size == 0:  # which cannot be mapped
        return np.empty(0, np.uint8)
    return np.frombuffer(mmap.mmap(descriptor, size), np.uint8)
