"""Breaks of memory, each too small for a slot's own check to see."""

from __future__ import annotations

from cts.hal import Buffer, StatusCode

from .local_sync import buffer_class, driver_class, swallow
from .registry import breaks

LARGE = 100
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
    with driver_class()().create_device() as device:
        allocator = type(device.allocator)
    allocate = allocator.allocate
    allocator.allocate = lambda self, size, **kwargs: allocate(self, max(size, 0), **kwargs)
