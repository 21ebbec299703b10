"""Allocators: buffers of any length, and sizes that are refused."""

from __future__ import annotations

import pytest

from cts.checks import expect, expect_equal, expect_error, unsupported
from cts.hal import Device, Driver, StatusCode
from cts.work_cases import SIZES, expect_bytes, needs_room, noise

SIZE = 100
LEAST_MAXIMUM = 4096
LARGEST_TRIED = 1 << 30
"""Bytes that are really allocated at most."""
TOO_LARGE = (2**62, 2**63 - 1, 2**63, 2**64 - 1, 2**64, 2**64 + SIZE, 2**100)
"""Bytes that no memory holds; the last ones are few to who keeps 64 bits of them."""
NEGATIVE = (-1, -SIZE, -(2**31), -(2**63), -(2**64) + SIZE)

pytestmark = pytest.mark.needs("allocator")


def expect_allocator_works(device: Device, requirement: str, doing: str) -> None:
    """Allocates a buffer as usual, and uses all of it."""
    data = noise(SIZE)
    with device.allocator.allocate(SIZE) as buffer:
        buffer.write(0, data.tobytes())
        expect_bytes(buffer, data, requirement, f"a buffer after {doing}")


@pytest.mark.spec("MEM-1")
@pytest.mark.parametrize("size", SIZES)
def test_has_the_length_asked_for(device: Device, hal_driver: Driver, size: int) -> None:
    """Allocates both sides of powers of two, and nothing at all: exactly that length."""
    needs_room(hal_driver, size)
    with device.allocator.allocate(size) as buffer:
        expect_equal(buffer.byte_length, size, "MEM-1", f"byte_length of allocate({size})")
        expect_equal(len(buffer.read()), size, "MEM-1", f"bytes in all of allocate({size})")


@pytest.mark.spec("MEM-1")
def test_lengths_of_many_alive_at_once_are_their_own(device: Device) -> None:
    """Allocates 0 to 99 bytes, all alive at once: each keeps its length."""
    buffers = [device.allocator.allocate(size) for size in range(SIZE)]
    found = [buffer.byte_length for buffer in buffers]
    for buffer in buffers:
        buffer.release()
    expect_equal(found, list(range(SIZE)), "MEM-1", "byte_length of a hundred buffers")


@pytest.mark.spec("MEM-4")
@pytest.mark.parametrize("size", NEGATIVE)
def test_a_negative_size_is_refused(device: Device, size: int) -> None:
    """Allocates less than nothing: INVALID_ARGUMENT; a usual size works after it."""
    with expect_error(StatusCode.INVALID_ARGUMENT, "MEM-4", f"allocate({size})"):
        device.allocator.allocate(size).release()
    expect_allocator_works(device, "MEM-4", f"allocate({size})")


@pytest.mark.spec("MEM-4")
@pytest.mark.parametrize("size", TOO_LARGE)
def test_a_size_that_no_memory_holds_is_refused(device: Device, size: int) -> None:
    """Allocates an absurd size: RESOURCE_EXHAUSTED; a usual one works after it."""
    with expect_error(StatusCode.RESOURCE_EXHAUSTED, "MEM-4", f"allocate({size})"):
        device.allocator.allocate(size).release()
    expect_allocator_works(device, "MEM-4", f"allocate({size})")


@pytest.mark.spec("MEM-4")
def test_many_refusals_leave_the_allocator_as_it_was(device: Device) -> None:
    """Allocates an absurd size a hundred times beside a living buffer: it keeps its bytes."""
    data = noise(SIZE)
    with device.allocator.allocate(SIZE) as buffer:
        buffer.write(0, data.tobytes())
        for _ in range(100):
            with expect_error(StatusCode.RESOURCE_EXHAUSTED, "MEM-4", "allocate(2**62)"):
                device.allocator.allocate(2**62).release()
        expect_bytes(buffer, data, "MEM-4", "a buffer that lived through a hundred refusals")
    expect_allocator_works(device, "MEM-4", "a hundred refusals")


@pytest.mark.spec("MEM-4")
def test_the_declared_maximum_holds_on_both_sides(device: Device, hal_driver: Driver) -> None:
    """Allocates as much as is declared to be possible, then one byte more: taken, and refused."""
    limit = hal_driver.properties.max_allocation
    if limit is None:
        unsupported("the driver declares no max_allocation: only memory limits it")
    expect(limit >= LEAST_MAXIMUM, "MEM-4", "max_allocation", came_back=limit, asks="4,096")
    if limit <= LARGEST_TRIED:
        device.allocator.allocate(limit).release()
    for size in (limit + 1, 2 * limit):
        with expect_error(StatusCode.RESOURCE_EXHAUSTED, "MEM-4", f"allocate({size})"):
            device.allocator.allocate(size).release()
    expect_allocator_works(device, "MEM-4", f"allocate({limit + 1})")
