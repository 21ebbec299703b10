"""What a buffer was allocated for, on drivers that declare that they hold to it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from cts.checks import expect_equal, expect_error
from cts.hal import Buffer, BufferUsage, Device, StatusCode
from cts.work_cases import submitted

SIZE = 16
DENIED = StatusCode.PERMISSION_DENIED

pytestmark = [
    pytest.mark.spec("MEM-9"),
    pytest.mark.needs("allocator", usage_enforced=True),
]


def map_all(buffer: Buffer) -> None:
    """Maps a buffer and writes in it."""
    with buffer.map() as view:
        view[:] = b"\x55" * SIZE


HOST: dict[str, Callable[[Buffer], Any]] = {
    "read": lambda buffer: buffer.read(),
    "write": lambda buffer: buffer.write(0, b"\x55" * SIZE),
    "map": map_all,
}


@pytest.mark.parametrize("access", HOST)
def test_the_host_needs_mapping(device: Device, access: str) -> None:
    """Reads, writes and maps a buffer without MAPPING usage: refused; with it, taken."""
    with (
        device.allocator.allocate(SIZE, usage=BufferUsage.TRANSFER) as buffer,
        expect_error(DENIED, "MEM-9", f"{access} without MAPPING usage"),
    ):
        HOST[access](buffer)
    with device.allocator.allocate(SIZE, usage=BufferUsage.MAPPING) as buffer:
        HOST[access](buffer)


TRANSFERS: dict[str, tuple[str, Callable[[Buffer, Buffer], tuple[Any, ...]]]] = {
    "fill": ("queue_fill", lambda buffer, other: (buffer, 0, SIZE, b"\x55")),
    "update": ("queue_update", lambda buffer, other: (b"\x55" * SIZE, buffer, 0)),
    "copy-source": ("queue_copy", lambda buffer, other: (buffer, 0, other, 0, SIZE)),
    "copy-target": ("queue_copy", lambda buffer, other: (other, 0, buffer, 0, SIZE)),
}
"""The slot, and its arguments, of a transfer between two buffers."""


@pytest.mark.needs("create_semaphore")
@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=pytest.mark.needs(slot)) for n, (slot, _) in TRANSFERS.items()]
)
def test_a_transfer_needs_transfer(device: Device, name: str) -> None:
    """Fills, updates and copies a buffer without TRANSFER usage: refused; with it, carried out."""
    slot, arguments = TRANSFERS[name]
    submit = getattr(device, slot)
    both = BufferUsage.MAPPING | BufferUsage.TRANSFER
    with (
        device.allocator.allocate(SIZE, usage=BufferUsage.MAPPING) as denied,
        device.allocator.allocate(SIZE, usage=both) as allowed,
        device.allocator.allocate(SIZE, usage=both) as other,
    ):
        for buffer, byte in ((denied, b"\xaa"), (allowed, b"\xaa"), (other, b"\xbb")):
            buffer.write(0, byte * SIZE)
        with (
            device.create_semaphore() as semaphore,
            expect_error(DENIED, "MEM-9", f"{name} without TRANSFER usage"),
        ):
            submit(*arguments(denied, other), signal=[(semaphore, 1)])
            semaphore.wait(1)
        expect_equal(denied.read(), b"\xaa" * SIZE, "MEM-9", f"the buffer after the {name}")
        expect_equal(other.read(), b"\xbb" * SIZE, "MEM-9", f"the other one after the {name}")
        with submitted(device) as signal:
            submit(*arguments(allowed, other), signal=signal)
