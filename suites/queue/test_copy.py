"""Copies, submitted and recorded: exactly their range, at any alignment."""

from __future__ import annotations

import pytest

from cts.checks import expect_equal
from cts.hal import Device, Driver, StatusCode
from cts.work_cases import FOUR_GIB, expect_bytes, large_buffer, needs_room, submitted
from cts.work_cases.operations import Route, by_each_route
from cts.work_cases.transfers import LARGE, POSITIVE_SIZES, expect_refused, noise_of

OFFSETS = ((0, 5), (3, 0), (1, 2), (4, 4))
"""Of source and target."""
LARGEST_OFFSET = 5

pytestmark = pytest.mark.needs("allocator", "create_semaphore")


@pytest.mark.spec("QUE-3")
@by_each_route("queue_copy")
@pytest.mark.parametrize("size", POSITIVE_SIZES)
def test_is_exact(device: Device, hal_driver: Driver, route: Route, size: int) -> None:
    """Copies that many bytes at four pairs of offsets: they and no byte beside them."""
    room = size + LARGEST_OFFSET + 1
    needs_room(hal_driver, room)
    wanted, data = noise_of(room), noise_of(room, seed=2)
    with (
        device.allocator.allocate(room) as source,
        device.allocator.allocate(room) as target,
        device.create_semaphore() as line,
    ):
        source.write(0, data.tobytes())
        target.write(0, wanted.tobytes())
        for value, (start, to) in enumerate(OFFSETS, 1):
            route("copy", source, start, target, to, size, signal=[(line, value)])
            line.wait(value)
            wanted[to : to + size] = data[start : start + size]
            expect_bytes(target, wanted, "QUE-3", f"copy({start}, {to}, {size})")
        expect_bytes(source, data, "QUE-3", "the source afterwards")


@pytest.mark.spec("QUE-3")
@pytest.mark.needs("queue_copy")
def test_a_large_one_is_exact(device: Device, hal_driver: Driver) -> None:
    """Copies 9 MiB from one odd offset to another: they and no byte beside them."""
    needs_room(hal_driver, LARGE + 8)
    wanted, data = noise_of(LARGE + 8), noise_of(LARGE + 8, seed=2)
    with (
        device.allocator.allocate(data.size) as source,
        device.allocator.allocate(wanted.size) as target,
    ):
        source.write(0, data.tobytes())
        target.write(0, wanted.tobytes())
        with submitted(device) as signal:
            device.queue_copy(source, 1, target, 6, LARGE, signal=signal)
        wanted[6 : 6 + LARGE] = data[1 : 1 + LARGE]
        expect_bytes(target, wanted, "QUE-3", f"copy(1, 6, {LARGE})")


@pytest.mark.spec("QUE-3")
@by_each_route("queue_copy")
@pytest.mark.parametrize("size", POSITIVE_SIZES)
def test_within_a_buffer_is_exact(
    device: Device, hal_driver: Driver, route: Route, size: int
) -> None:
    """Copies to a range that touches the source, before and behind it: both ranges have it."""
    needs_room(hal_driver, 2 * size + 2)
    wanted = noise_of(2 * size + 2)
    with device.allocator.allocate(wanted.size) as buffer, device.create_semaphore() as line:
        buffer.write(0, wanted.tobytes())
        for value, (start, to) in enumerate([(1, 1 + size), (2 + size, 2)], 1):
            route("copy", buffer, start, buffer, to, size, signal=[(line, value)])
            line.wait(value)
            wanted[to : to + size] = wanted[start : start + size].copy()
            expect_bytes(buffer, wanted, "QUE-3", f"copy({start}, {to}, {size}) in a buffer")


@pytest.mark.spec("QUE-3")
@by_each_route("queue_copy")
def test_overlap_is_refused(device: Device, route: Route) -> None:
    """Copies 16 bytes over all, half or one of them: refused, nothing moved; beside them: moved."""
    data = noise_of(64)
    with device.allocator.allocate(64) as buffer, submitted(device) as signal:
        buffer.write(0, data.tobytes())
        for start, to in ((8, 8), (8, 16), (16, 8), (8, 23), (23, 8)):
            copy = "copy", buffer, start, buffer, to, 16
            expect_refused(device, route, StatusCode.INVALID_ARGUMENT, "QUE-3", *copy)
            expect_bytes(buffer, data, "QUE-3", f"the buffer after a copy from {start} to {to}")
        route("copy", buffer, 8, buffer, 24, 16, signal=signal)


@pytest.mark.spec("QUE-3")
@by_each_route("queue_copy")
def test_offsets_past_4_gib(device: Device, hal_driver: Driver, route: Route) -> None:
    """Copies to behind 4 GiB and from there back, where memory allows: at those offsets alone."""
    with large_buffer(device, hal_driver) as buffer, device.create_semaphore() as line:
        far = FOUR_GIB + 64
        for offset, data in ((0, b"near"), (64, b"----"), (128, b"----"), (far, b"----")):
            buffer.write(offset, data)
        route("copy", buffer, 0, buffer, far, 4, signal=[(line, 1)])
        line.wait(1)
        route("copy", buffer, far, buffer, 128, 4, signal=[(line, 2)])
        line.wait(2)
        found = [buffer.read(offset, 4) for offset in (0, 64, 128, far)]
        wanted = [b"near", b"----", b"near", b"near"]
        expect_equal(found, wanted, "QUE-3", f"the bytes at 0, 64, 128 and {far}")
