"""Breaks of memory, each too small for a slot's own check to see."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from cts.hal import Buffer, StatusCode

from .driver_classes import allocator_class, buffer_class, device_class, swallow
from .registry import breaks

LARGE = 5000
"""Bytes from which on a write is wrong."""


@breaks("MEM-1", "a buffer's length is rounded up")
def _() -> None:
    Buffer.byte_length = property(  # type: ignore[method-assign,assignment]
        lambda self: -(-self._byte_length // 64) * 64
    )


@breaks("MEM-2", "the last byte of a large write is lost")
def _() -> None:
    buffer = buffer_class()
    write = buffer.write
    buffer.write = lambda self, offset, data: write(
        self, offset, data[:-1] if len(data) >= LARGE else data
    )


@breaks("MEM-3", "a read past the end gives nothing")
def _() -> None:
    swallow(buffer_class(), "read", StatusCode.OUT_OF_RANGE, b"")


@breaks("MEM-4", "a negative size is taken as none")
def _() -> None:
    allocator = allocator_class()
    allocate = allocator.allocate
    allocator.allocate = lambda self, size, **kwargs: allocate(self, max(size, 0), **kwargs)


@breaks("MEM-5", "a mapping puts the bytes beside it back as well")
def _() -> None:
    buffer = buffer_class()
    map_range = buffer.map

    @contextmanager
    def map_all(self: Any, offset: int = 0, length: int | None = None) -> Iterator[memoryview]:
        before = self.read()
        with map_range(self, offset, length) as view:
            yield view
            written = bytes(view)
        end = offset + len(written)
        self.write(0, before[:offset] + written + before[end:])

    buffer.map = map_all


@breaks("MEM-6", "memory is never given back")
def _() -> None:
    buffer = buffer_class()
    free = buffer._free
    kept: list[Any] = []

    def keep(self: Any) -> None:
        kept.append(vars(self).copy())
        free(self)

    buffer._free = keep


@breaks("MEM-7", "what is written goes through a place that all threads share")
def _() -> None:
    buffer = buffer_class()
    write = buffer.write
    staged: dict[str, bytes] = {}

    def stage(self: Any, offset: int, data: bytes) -> None:
        staged["data"] = data
        time.sleep(0)  # another thread may come in between
        write(self, offset, staged["data"][: len(data)])

    buffer.write = stage


@breaks("MEM-8", "an import is a copy of what was there", driver="local-task")
def _() -> None:
    device = device_class("local-task")
    import_buffer = device.import_buffer

    def copy(self: Any, handle: object, handle_type: Any, size: int) -> Any:
        with import_buffer(self, handle, handle_type, size) as shared:
            copied = self.allocator.allocate(size)
            copied.write(0, shared.read())
            return copied

    device.import_buffer = copy


@breaks("MEM-9", "what a buffer was allocated for is not looked at")
def _() -> None:
    buffer_class().check_usage = lambda self, operation, needed: None
