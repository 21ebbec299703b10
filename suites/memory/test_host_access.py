"""The host reads and writes buffers: any range of theirs, and none that leaves them."""

from __future__ import annotations

import numpy as np
import pytest

from cts.checks import expect_equal, expect_error
from cts.hal import Device, Driver, StatusCode
from cts.work_cases import FOUR_GIB, SIZES, expect_bytes, large_buffer, needs_room, noise
from cts.work_cases.host_ranges import INSIDE, LEAVING, SIZE, Range, describe

LARGE = 4097
"""Bytes of a buffer that is accessed at random: more than a page, and an odd number."""
ODD = [(1, 1), (1, 3), (3, 64), (7, 255), (63, 2), (255, 1025), (1023, 2049), (4095, 2), (4096, 1)]
"""Ranges (offset, length) of it that cross what memory is aligned to."""
SHORT_ENOUGH = [range_ for range_ in LEAVING if 0 <= range_.length <= 2 * SIZE]
"""Those whose data can be made."""

pytestmark = pytest.mark.needs("allocator")


@pytest.mark.spec("MEM-2")
@pytest.mark.parametrize("size", SIZES)
def test_reads_back_what_was_written(device: Device, hal_driver: Driver, size: int) -> None:
    """Writes every byte of a buffer, both sides of powers of two: all of it reads back."""
    needs_room(hal_driver, size)
    data = noise(size)
    with device.allocator.allocate(size) as buffer:
        buffer.write(0, data.tobytes())
        expect_bytes(buffer, data, "MEM-2", f"reading {size} bytes back")


@pytest.mark.spec("MEM-2")
@pytest.mark.parametrize(("offset", "length"), [*INSIDE, *ODD])
def test_bytes_beside_a_write_stay(
    device: Device, hal_driver: Driver, offset: int, length: int
) -> None:
    """Writes a range of a buffer that is full of noise: it changes, its neighbours do not."""
    needs_room(hal_driver, LARGE)
    size = SIZE if (offset, length) in INSIDE else LARGE
    wanted, data = noise(size), noise(length, seed=2)
    with device.allocator.allocate(size) as buffer:
        buffer.write(0, wanted.tobytes())
        buffer.write(offset, data.tobytes())
        wanted[offset : offset + length] = data
        expect_bytes(buffer, wanted, "MEM-2", f"write({offset}, {length} bytes) of {size}")


@pytest.mark.spec("MEM-2")
@pytest.mark.parametrize(("offset", "length"), [*INSIDE, *ODD])
def test_reads_the_range_asked_for(
    device: Device, hal_driver: Driver, offset: int, length: int
) -> None:
    """Reads a range of a buffer, and from its offset to the end: what numpy slices."""
    needs_room(hal_driver, LARGE)
    size = SIZE if (offset, length) in INSIDE else LARGE
    data = noise(size).tobytes()
    with device.allocator.allocate(size) as buffer:
        buffer.write(0, data)
        found = buffer.read(offset, length)
        expect_equal(found, data[offset : offset + length], "MEM-2", f"read({offset}, {length})")
        expect_equal(buffer.read(offset), data[offset:], "MEM-2", f"read({offset}) to the end")


@pytest.mark.spec("MEM-2")
@pytest.mark.parametrize("seed", range(4))
def test_many_writes_leave_what_numpy_has(device: Device, hal_driver: Driver, seed: int) -> None:
    """Writes a hundred random ranges over each other, reading some: always what numpy has."""
    needs_room(hal_driver, LARGE)
    random = np.random.default_rng(seed)
    wanted = noise(LARGE)
    with device.allocator.allocate(LARGE) as buffer:
        buffer.write(0, wanted.tobytes())
        for step in range(100):
            start, end = sorted(int(bound) for bound in random.integers(0, LARGE + 1, 2))
            if step % 3:
                wanted[start:end] = noise(end - start, seed=step)
                buffer.write(start, wanted[start:end].tobytes())
            else:
                doing = f"step {step} of seed {seed}: read({start}, {end - start})"
                found = buffer.read(start, end - start) == wanted[start:end].tobytes()
                expect_equal(found, True, "MEM-2", f"{doing} is what numpy has")
        expect_bytes(buffer, wanted, "MEM-2", f"a hundred steps of seed {seed}")


@pytest.mark.spec("MEM-2")
@pytest.mark.parametrize("size", [1, 63, 64, 100, 4096, 4097])
def test_no_two_share_memory(device: Device, hal_driver: Driver, size: int) -> None:
    """Writes sixteen buffers in turn, releases each second, makes new ones: all have their own."""
    needs_room(hal_driver, size)
    buffers = [device.allocator.allocate(size) for _ in range(16)]
    for value, buffer in enumerate(buffers):
        buffer.write(0, bytes([value]) * size)
    for value in range(0, 16, 2):
        buffers[value].release()
        buffers[value] = device.allocator.allocate(size)
        buffers[value].write(0, bytes([value + 100]) * size)
    found = [set(buffer.read()) for buffer in buffers]
    for buffer in buffers:
        buffer.release()
    wanted = [{value if value % 2 else value + 100} for value in range(16)]
    expect_equal(found, wanted, "MEM-2", f"values in sixteen buffers of {size} bytes")


@pytest.mark.spec("MEM-3")
@pytest.mark.parametrize("range_", LEAVING, ids=describe)
def test_a_read_that_leaves_it_is_refused(device: Device, range_: Range) -> None:
    """Reads past either end: OUT_OF_RANGE; a range inside reads as before."""
    data = noise(SIZE).tobytes()
    with device.allocator.allocate(SIZE) as buffer:
        buffer.write(0, data)
        with expect_error(StatusCode.OUT_OF_RANGE, "MEM-3", f"read{range_} of {SIZE} bytes"):
            buffer.read(*range_)
        expect_equal(buffer.read(0, SIZE), data, "MEM-3", "a read inside after it")


@pytest.mark.spec("MEM-3")
@pytest.mark.parametrize("range_", SHORT_ENOUGH, ids=describe)
def test_a_write_that_leaves_it_is_refused(device: Device, range_: Range) -> None:
    """Writes past either end: OUT_OF_RANGE, and nothing written, not the part that is inside."""
    wanted = noise(SIZE)
    with device.allocator.allocate(SIZE) as buffer:
        buffer.write(0, wanted.tobytes())
        with expect_error(StatusCode.OUT_OF_RANGE, "MEM-3", f"write{range_} of {SIZE} bytes"):
            buffer.write(range_.offset, noise(range_.length, seed=2).tobytes())
        expect_bytes(buffer, wanted, "MEM-3", f"the buffer after write{range_}")


@pytest.mark.spec("MEM-3")
@pytest.mark.parametrize("offset", [SIZE + 1, 2 * SIZE, 2**32, 2**63, 2**64 - 1, 2**64, -1])
def test_a_read_to_the_end_from_outside_is_refused(device: Device, offset: int) -> None:
    """Reads to the end from an offset that is not in the buffer: OUT_OF_RANGE; its end is."""
    with device.allocator.allocate(SIZE) as buffer:
        with expect_error(StatusCode.OUT_OF_RANGE, "MEM-3", f"read({offset}) of {SIZE} bytes"):
            buffer.read(offset)
        expect_equal(buffer.read(SIZE), b"", "MEM-3", f"read({SIZE}) of {SIZE} bytes")


@pytest.mark.spec("MEM-3")
def test_nothing_is_all_that_an_empty_buffer_has(device: Device) -> None:
    """Reads and writes 0 bytes of a buffer of 0, then 1 byte: taken, and OUT_OF_RANGE."""
    with device.allocator.allocate(0) as buffer:
        buffer.write(0, b"")
        expect_equal(buffer.read(0, 0), b"", "MEM-3", "read(0, 0) of 0 bytes")
        with expect_error(StatusCode.OUT_OF_RANGE, "MEM-3", "read(0, 1) of 0 bytes"):
            buffer.read(0, 1)
        with expect_error(StatusCode.OUT_OF_RANGE, "MEM-3", "write(0, 1 byte) of 0 bytes"):
            buffer.write(0, b"\x55")


@pytest.mark.spec("MEM-2")
def test_offsets_past_4_gib(device: Device, hal_driver: Driver) -> None:
    """Writes on both sides of 4 GiB, where memory allows, and at the start: each keeps its own."""
    with large_buffer(device, hal_driver) as buffer:
        places = {0: b"start", FOUR_GIB - 2: b"across", FOUR_GIB + 7: b"behind"}
        for offset, data in places.items():
            buffer.write(offset, data)
        for offset, data in places.items():
            found = buffer.read(offset, len(data))
            expect_equal(found, data, "MEM-2", f"what was written at {offset}")
