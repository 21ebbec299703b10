"""Allocators, and memory that is kept, shared or checked, with a bug."""

from __future__ import annotations

import os
import time
from typing import Any

from cts.hal import BufferUsage, HalError, HandleType, StatusCode

from .changes import allocator_class, buffer_class, change, device_class, overlook_usage
from .registry import mutant

WRAP = 1 << 64


# -- sizes ------------------------------------------------------------------------------------


@mutant("MEM-4")
def negative_size_taken_as_none() -> None:
    """A negative size is taken as none."""
    change(
        allocator_class(),
        "allocate",
        lambda good, self, size, **kw: good(self, max(size, 0), **kw),
    )


@mutant("MEM-4")
def size_in_64_bits() -> None:
    """Of a size 64 bits count."""
    change(
        allocator_class(),
        "allocate",
        lambda good, self, size, **kw: good(self, size % WRAP if size >= WRAP else size, **kw),
    )


@mutant("MEM-4")
def absurd_size_is_internal() -> None:
    """A size that no memory holds is INTERNAL."""

    def allocate(good: Any, self: Any, size: int, **kwargs: Any) -> Any:
        try:
            return good(self, size, **kwargs)
        except HalError as error:
            if error.code is StatusCode.RESOURCE_EXHAUSTED:
                error.code = StatusCode.INTERNAL
            raise

    change(allocator_class(), "allocate", allocate)


@mutant("MEM-4")
def allocator_gives_up_after_a_refusal() -> None:
    """An allocator that refused a size refuses every one."""

    def allocate(good: Any, self: Any, size: int, **kwargs: Any) -> Any:
        if vars(self).get("_refused"):
            raise HalError(StatusCode.RESOURCE_EXHAUSTED, "Allocator.allocate", "as before")
        try:
            return good(self, size, **kwargs)
        except HalError:
            self._refused = True
            raise

    change(allocator_class(), "allocate", allocate)


# -- lifetime and threads ---------------------------------------------------------------------


@mutant("MEM-6")
def memory_never_given_back() -> None:
    """Memory is never given back."""
    kept: list[Any] = []

    def keep(good: Any, self: Any) -> None:
        kept.append(vars(self).copy())
        good(self)

    change(buffer_class(), "_free", keep)


@mutant("MEM-6")
def bytes_lost_with_the_group() -> None:
    """A buffer's bytes are gone with the group of its device."""

    def read(good: Any, self: Any, *args: Any) -> Any:
        found = good(self, *args)
        return found if self.device.topology_info else bytes(len(found))

    change(buffer_class(), "read", read)


@mutant("MEM-7")
def writes_share_one_place() -> None:
    """What is written goes through a place that all threads share."""
    staged: dict[str, bytes] = {}

    def stage(good: Any, self: Any, offset: int, data: bytes) -> None:
        staged["data"] = data
        time.sleep(0)  # another thread may come in between
        good(self, offset, staged["data"][: len(data)])

    change(buffer_class(), "write", stage)


# -- sharing ----------------------------------------------------------------------------------


def change_import(changed: Any) -> None:
    """Devices import buffers by `changed`, which gets the handle, its kind and a size."""
    change(device_class("local-task"), "import_buffer", changed)


@mutant("MEM-8", driver="local-task")
def import_is_a_copy() -> None:
    """An import is a copy of what was there."""

    def copy(good: Any, self: Any, handle: object, kind: Any, size: int) -> Any:
        with good(self, handle, kind, size) as shared:
            copied = self.allocator.allocate(size)
            copied.write(0, shared.read())
            return copied

    change_import(copy)


@mutant("MEM-8", driver="local-task")
def import_closes_the_handle() -> None:
    """An import takes the descriptor, which is its owner's."""

    def close(good: Any, self: Any, handle: Any, kind: Any, size: int) -> Any:
        imported = good(self, handle, kind, size)
        if kind is HandleType.OPAQUE_FD:
            os.close(handle)
        return imported

    change_import(close)


@mutant("MEM-8", driver="local-task")
def import_of_more_than_there_is_cut_off() -> None:
    """An import of more bytes than there are gives those that there are."""

    def cut(good: Any, self: Any, handle: Any, kind: Any, size: int) -> Any:
        try:
            return good(self, handle, kind, size)
        except HalError as error:
            if error.code is not StatusCode.OUT_OF_RANGE:
                raise
            return self.allocator.allocate(size)

    change_import(cut)


@mutant("MEM-8", driver="local-task")
def import_ends_with_the_exporter() -> None:
    """An imported buffer reads zeros once the exporter is gone."""
    exporters: dict[Any, Any] = {}
    device = device_class("local-task")

    def export(good: Any, self: Any, buffer: Any, kind: Any) -> Any:
        handle = good(self, buffer, kind)
        exporters[handle] = buffer
        return handle

    def import_buffer(good: Any, self: Any, handle: Any, kind: Any, size: int) -> Any:
        imported = good(self, handle, kind, size)
        imported._exporter = exporters.get(handle)
        return imported

    def read(good: Any, self: Any, *args: Any) -> Any:
        found = good(self, *args)
        exporter = vars(self).get("_exporter")
        return bytes(len(found)) if exporter and not exporter.reference_count else found

    change(device, "export_buffer", export)
    change(device, "import_buffer", import_buffer)
    change(buffer_class("local-task"), "read", read)


@mutant("MEM-8", driver="local-task")
def export_leaves_a_descriptor_open() -> None:
    """Every export leaves a descriptor open."""

    def export(good: Any, self: Any, buffer: Any, kind: Any) -> Any:
        os.dup(2)
        return good(self, buffer, kind)

    change(device_class("local-task"), "export_buffer", export)


@mutant("MEM-8", driver="local-task")
def several_kinds_are_an_invalid_argument() -> None:
    """Memory of several kinds of handle at once is refused, and not as INCOMPATIBLE."""

    def make(good: Any, self: Any, device: Any, wanted: Any) -> Any:
        if wanted.export_types.bit_count() > 1:
            raise HalError(StatusCode.INVALID_ARGUMENT, "Allocator.allocate", "one kind at a time")
        return good(self, device, wanted)

    change(allocator_class("local-task"), "_make", make)


# -- usage ------------------------------------------------------------------------------------


@mutant("MEM-9")
def usage_not_looked_at() -> None:
    """What a buffer was allocated for is not looked at."""
    change(buffer_class(), "check_usage", lambda good, self, operation, needed: None)


@mutant("MEM-9")
def usage_of_transfers_not_looked_at() -> None:
    """Transfers use buffers that were not allocated for them."""
    overlook_usage(BufferUsage.TRANSFER)
