"""Buffers: their length, and what the host reads and writes."""

from __future__ import annotations

import pytest

from cts.checks import expect, expect_equal, expect_error, unsupported
from cts.hal import Device, DeviceGroup, Driver, StatusCode

SIZES = (0, 1, 3, 4, 63, 64, 65, 255, 256, 257, 4095, 4096, 4097, 65536, 65537)
TOO_LARGE = 1 << 62
SIZE = 100
LEAST_MAXIMUM = 4096
LARGEST_TRIED = 1 << 30
"""Bytes that are really allocated at most."""

pytestmark = pytest.mark.needs("allocator")


@pytest.fixture
def device(device_group: DeviceGroup) -> Device:
    """A device of the session's group."""
    return device_group.device_at(0)


@pytest.fixture
def size(request: pytest.FixtureRequest, hal_driver: Driver) -> int:
    """A size to allocate, not above what the driver declares to be its largest."""
    wanted: int = request.param
    limit = hal_driver.properties.max_allocation
    if limit is not None and wanted > limit:
        unsupported(f"needs a buffer of {wanted} bytes: max_allocation is {limit}")
    return wanted


@pytest.mark.spec("MEM-1")
@pytest.mark.parametrize("size", SIZES, indirect=True)
def test_has_the_length_asked_for(device: Device, size: int) -> None:
    """Allocates both sides of powers of two, and nothing at all: exactly that length."""
    with device.allocator.allocate(size) as buffer:
        expect_equal(buffer.byte_length, size, "MEM-1", f"byte_length of allocate({size})")


@pytest.mark.spec("MEM-2")
@pytest.mark.parametrize("size", [size for size in SIZES if size], indirect=True)
def test_reads_back_what_was_written(device: Device, size: int) -> None:
    """Writes every byte of a buffer: all of it reads back."""
    data = bytes(i * 7 % 251 for i in range(size))
    with device.allocator.allocate(size) as buffer:
        buffer.write(0, data)
        expect_equal(buffer.read() == data, True, "MEM-2", f"reading {size} bytes back")
        expect_equal(buffer.read(size - 1, 1), data[-1:], "MEM-2", f"the last of {size} bytes")


@pytest.mark.spec("MEM-2")
@pytest.mark.parametrize(("offset", "length"), [(0, 1), (1, 3), (37, 11), (99, 1), (0, 100)])
def test_bytes_beside_a_write_stay(device: Device, offset: int, length: int) -> None:
    """Writes a range of a buffer: it changes, its neighbours do not."""
    with device.allocator.allocate(SIZE) as buffer:
        buffer.write(0, b"\xaa" * SIZE)
        buffer.write(offset, b"\x55" * length)
        wanted = b"\xaa" * offset + b"\x55" * length + b"\xaa" * (SIZE - offset - length)
        expect_equal(buffer.read(), wanted, "MEM-2", f"write({offset}, {length} bytes)")


@pytest.mark.spec("MEM-2")
def test_no_two_share_memory(device: Device) -> None:
    """Writes eight buffers in turn, then reads them: each has its own bytes."""
    buffers = [device.allocator.allocate(SIZE) for _ in range(8)]
    for value, buffer in enumerate(buffers):
        buffer.write(0, bytes([value]) * SIZE)
    found = [buffer.read(0, 1) + buffer.read(SIZE - 1, 1) for buffer in buffers]
    for buffer in buffers:
        buffer.release()
    expect_equal(found, [bytes([v, v]) for v in range(8)], "MEM-2", "ends of eight buffers")


@pytest.mark.spec("MEM-3")
@pytest.mark.parametrize(
    ("offset", "length"), [(SIZE, 1), (SIZE - 1, 2), (0, SIZE + 1), (1 << 40, 1), (-1, 1), (-1, 2)]
)
def test_a_range_that_leaves_it_is_refused(device: Device, offset: int, length: int) -> None:
    """Reads and writes past either end: refused, nothing written."""
    with device.allocator.allocate(SIZE) as buffer:
        buffer.write(0, b"\xaa" * SIZE)
        doing = f"({offset}, {length} bytes) of a buffer of {SIZE}"
        with expect_error(StatusCode.OUT_OF_RANGE, "MEM-3", f"read{doing}"):
            buffer.read(offset, length)
        with expect_error(StatusCode.OUT_OF_RANGE, "MEM-3", f"write{doing}"):
            buffer.write(offset, b"\x55" * length)
        expect_equal(buffer.read(), b"\xaa" * SIZE, "MEM-3", "the buffer afterwards")


@pytest.mark.spec("MEM-3")
def test_a_negative_length_is_refused(device: Device) -> None:
    """Reads -1 bytes from the middle: refused; none is a length."""
    with device.allocator.allocate(SIZE) as buffer:
        doing = f"read({SIZE // 2}, -1 bytes) of a buffer of {SIZE}"
        with expect_error(StatusCode.OUT_OF_RANGE, "MEM-3", doing):
            buffer.read(SIZE // 2, -1)
        expect_equal(buffer.read(SIZE // 2, 0), b"", "MEM-3", "reading no bytes")


@pytest.mark.spec("MEM-4")
@pytest.mark.parametrize(
    ("size", "code"),
    [(-1, StatusCode.INVALID_ARGUMENT), (TOO_LARGE, StatusCode.RESOURCE_EXHAUSTED)],
    ids=["negative", "too-large"],
)
def test_a_size_that_cannot_be_is_refused(device: Device, size: int, code: StatusCode) -> None:
    """Allocates a negative and an absurd size: refused; a usual one works after it."""
    with expect_error(code, "MEM-4", f"allocate({size})"):
        device.allocator.allocate(size).release()
    device.allocator.allocate(SIZE).release()


@pytest.mark.spec("MEM-4")
def test_the_declared_maximum_holds_on_both_sides(device: Device, hal_driver: Driver) -> None:
    """Allocates as much as is declared to be possible, then one byte more: taken, and refused."""
    limit = hal_driver.properties.max_allocation
    if limit is None:
        unsupported("the driver declares no max_allocation: only memory limits it")
    expect(limit >= LEAST_MAXIMUM, "MEM-4", "max_allocation", came_back=limit, asks="4,096")
    if limit <= LARGEST_TRIED:
        device.allocator.allocate(limit).release()
    with expect_error(StatusCode.RESOURCE_EXHAUSTED, "MEM-4", f"allocate({limit + 1})"):
        device.allocator.allocate(limit + 1).release()
