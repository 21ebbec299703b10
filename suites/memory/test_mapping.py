"""Mappings: a range of a buffer as host memory, for the time of a block."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack

import numpy as np
import pytest

from cts.checks import expect_equal, expect_error
from cts.hal import Buffer, Device, Driver, HalError, StatusCode
from cts.work_cases import SIZES, Bytes, expect_bytes, needs_room, noise, submitted
from cts.work_cases.host_ranges import INSIDE, LEAVING, SIZE, Range, describe

LARGE = 4097
"""Bytes of a buffer that is mapped in parts: more than a page, and an odd number."""
ODD = [(1, 3), (3, 64), (7, 255), (255, 1025), (1023, 2049), (2048, 2049), (4095, 2), (4096, 1)]
"""Ranges (offset, length) of it that cross what memory is aligned to."""
USERS: dict[str, Callable[[memoryview], Bytes | memoryview]] = {
    "array": lambda view: np.frombuffer(view, np.uint8),
    "slice": lambda view: view[:],
}
"""What goes on using the memory of a mapping for as long as it exists."""
QUEUES = pytest.mark.needs("create_semaphore", "queue_fill", "queue_copy")

pytestmark = pytest.mark.needs("allocator")


def write_all(buffer: Buffer, data: Bytes) -> None:
    """Writes the whole buffer from the host."""
    buffer.write(0, data.tobytes())


@pytest.mark.spec("MEM-5")
@pytest.mark.parametrize("size", SIZES)
def test_shows_and_takes_every_byte(device: Device, hal_driver: Driver, size: int) -> None:
    """Maps all of a buffer, both sides of powers of two: shows what was written, and is written."""
    needs_room(hal_driver, size)
    before, after = noise(size), noise(size, seed=2)
    with device.allocator.allocate(size) as buffer:
        write_all(buffer, before)
        with buffer.map() as view:
            shown = (view.nbytes, view.itemsize, view.readonly, bytes(view) == before.tobytes())
            view[:] = after.data
        wanted = (size, 1, False, True)
        doing = f"(bytes, bytes of an item, read only, as written before) of {size} mapped"
        expect_equal(shown, wanted, "MEM-5", doing)
        expect_bytes(buffer, after, "MEM-5", f"{size} bytes written through a mapping")


@pytest.mark.spec("MEM-5")
@pytest.mark.parametrize(("offset", "length"), [*INSIDE, *ODD])
def test_a_part_shows_its_range_and_bytes_beside_it_stay(
    device: Device, hal_driver: Driver, offset: int, length: int
) -> None:
    """Maps a part of a buffer: it shows that range, its writes are read, its neighbours stay."""
    needs_room(hal_driver, LARGE)
    size = SIZE if (offset, length) in INSIDE else LARGE
    wanted, data = noise(size), noise(length, seed=2)
    with device.allocator.allocate(size) as buffer:
        write_all(buffer, wanted)
        with buffer.map(offset, length) as view:
            shown = bytes(view)
            view[:] = data.data
        inside = slice(offset, offset + length)
        expect_equal(shown, wanted[inside].tobytes(), "MEM-5", f"map({offset}, {length})")
        wanted[inside] = data
        expect_bytes(buffer, wanted, "MEM-5", f"writing through map({offset}, {length})")


@pytest.mark.spec("MEM-5")
@pytest.mark.parametrize("offset", [0, 1, 37, SIZE - 1, SIZE])
def test_goes_to_the_end_by_default(device: Device, offset: int) -> None:
    """Maps from an offset with no length: shows all bytes from there on."""
    data = noise(SIZE)
    with device.allocator.allocate(SIZE) as buffer:
        write_all(buffer, data)
        with buffer.map(offset) as view:
            shown = bytes(view)
        expect_equal(shown, data[offset:].tobytes(), "MEM-5", f"map({offset}) of {SIZE} bytes")


@pytest.mark.spec("MEM-5")
@QUEUES
@pytest.mark.parametrize(("offset", "length"), [(0, SIZE), (16, 48), (17, 3)])
def test_shows_what_a_queue_wrote(device: Device, offset: int, length: int) -> None:
    """Fills a part of a buffer on the queue, then maps a range: shows the fill and what was."""
    wanted = noise(SIZE)
    with device.allocator.allocate(SIZE) as buffer:
        write_all(buffer, wanted)
        with submitted(device) as signal:
            device.queue_fill(buffer, 20, 40, b"\x5a", signal=signal)
        wanted[20:60] = 0x5A
        with buffer.map(offset, length) as view:
            shown = bytes(view)
        inside = wanted[offset : offset + length].tobytes()
        expect_equal(shown, inside, "MEM-5", f"map({offset}, {length}) after queue_fill(20, 40)")


@pytest.mark.spec("MEM-5")
@QUEUES
@pytest.mark.parametrize(("offset", "length"), [(0, SIZE), (16, 48), (17, 3), (99, 1)])
def test_a_queue_reads_what_was_written_in_it(device: Device, offset: int, length: int) -> None:
    """Writes through a mapping, then copies the buffer on the queue: the copy has all of it."""
    wanted, data = noise(SIZE), noise(length, seed=2)
    with device.allocator.allocate(SIZE) as source, device.allocator.allocate(SIZE) as target:
        write_all(source, wanted)
        write_all(target, np.zeros(SIZE, np.uint8))
        with source.map(offset, length) as view:
            view[:] = data.data
        with submitted(device) as signal:
            device.queue_copy(source, 0, target, 0, SIZE, signal=signal)
        wanted[offset : offset + length] = data
        expect_bytes(target, wanted, "MEM-5", f"a queue's copy after map({offset}, {length})")


@pytest.mark.spec("MEM-5")
@QUEUES
def test_host_mapping_and_queue_in_turn_see_each_other(device: Device) -> None:
    """Writes by host, mapping and queue in turn, eight times: the mapping shows every one."""
    wanted = noise(SIZE)
    with device.allocator.allocate(SIZE) as buffer:
        write_all(buffer, wanted)
        for step in range(8):
            with submitted(device) as signal:
                device.queue_fill(buffer, 8 * step, 8, bytes([step]), signal=signal)
            buffer.write(8 * step + 2, b"host")
            wanted[8 * step : 8 * step + 8] = [step, step, *b"host", step, step]
            with buffer.map() as view:
                shown = bytes(view)
                view[8 * step] = 0xFF
            expect_equal(shown, wanted.tobytes(), "MEM-5", f"map() in step {step}")
            wanted[8 * step] = 0xFF
        expect_bytes(buffer, wanted, "MEM-5", "a buffer that all three wrote to")


@pytest.mark.spec("MEM-5")
def test_host_writes_beside_an_open_mapping_stay(device: Device) -> None:
    """Writes both sides of a mapped range while it is mapped: all three writes are there."""
    wanted, data = noise(SIZE), noise(SIZE, seed=2)
    with device.allocator.allocate(SIZE) as buffer:
        write_all(buffer, wanted)
        with buffer.map(40, 20) as view:
            buffer.write(0, data[:40].tobytes())
            view[:] = data[40:60].data
            buffer.write(60, data[60:].tobytes())
        expect_bytes(buffer, data, "MEM-5", "writes beside and through map(40, 20)")


@pytest.mark.spec("MEM-5")
@pytest.mark.parametrize("ends", ["first-first", "last-first"])
def test_two_ranges_are_mapped_at_once(device: Device, ends: str) -> None:
    """Maps two ranges at once and ends them in either order: each has written its own bytes."""
    wanted, data = noise(SIZE), noise(SIZE, seed=2)
    with device.allocator.allocate(SIZE) as buffer:
        write_all(buffer, wanted)
        with ExitStack() as first, ExitStack() as last:
            low = first.enter_context(buffer.map(10, 30))
            high = last.enter_context(buffer.map(40, 50))
            shown = bytes(low) + bytes(high)
            low[:] = data[10:40].data
            high[:] = data[40:90].data
            (first if ends == "first-first" else last).close()
        expect_equal(shown, wanted[10:90].tobytes(), "MEM-5", "map(10, 30) and map(40, 50)")
        wanted[10:90] = data[10:90]
        expect_bytes(buffer, wanted, "MEM-5", f"both mappings written, and ended {ends}")


@pytest.mark.spec("MEM-5")
def test_an_empty_buffer_is_mapped(device: Device) -> None:
    """Maps a buffer of 0 bytes, with and without saying so: a mapping of no bytes."""
    with device.allocator.allocate(0) as buffer:
        for arguments in ((), (0,), (0, 0)):
            with buffer.map(*arguments) as view:
                shown = view.nbytes
            expect_equal(shown, 0, "MEM-5", f"bytes in map{arguments} of 0 bytes")


@pytest.mark.spec("MEM-3")
@pytest.mark.parametrize("range_", LEAVING, ids=describe)
def test_a_mapping_that_leaves_it_is_refused(device: Device, range_: Range) -> None:
    """Maps past either end: OUT_OF_RANGE, the block is not entered; all of it maps after it."""
    data = noise(SIZE)
    with device.allocator.allocate(SIZE) as buffer:
        write_all(buffer, data)
        doing = f"map{range_} of {SIZE} bytes"
        with expect_error(StatusCode.OUT_OF_RANGE, "MEM-3", doing), buffer.map(*range_) as view:
            view[:] = bytes(view.nbytes)
        with buffer.map(0, SIZE) as view:
            shown = bytes(view)
        expect_equal(shown, data.tobytes(), "MEM-3", f"map(0, {SIZE}) after {doing}")


@pytest.mark.spec("MEM-5")
@pytest.mark.parametrize("kind", USERS)
def test_a_view_in_use_at_the_end_is_refused(device: Device, kind: str) -> None:
    """Ends a block with a view of the memory in use, then without it: refused, and ended."""
    data = noise(SIZE)
    with device.allocator.allocate(SIZE) as buffer:
        write_all(buffer, data)
        doing = f"ending map() with a view ({kind}) in use"
        with expect_error(StatusCode.FAILED_PRECONDITION, "MEM-5", doing), buffer.map() as view:
            used = USERS[kind](view)
        del used
        with buffer.map() as view:
            used = USERS[kind](view)
            shown = bytes(used)
            del used
        expect_equal(shown, data.tobytes(), "MEM-5", f"a view ({kind}) of all that map() shows")


@pytest.mark.spec("MEM-5", subject="objects")
def test_a_mapping_keeps_its_buffer_alive(device: Device) -> None:
    """Drops the buffer's last other reference while it is mapped: it lives until the block ends."""
    data = noise(SIZE)
    buffer = device.allocator.allocate(SIZE)
    write_all(buffer, data)
    with buffer.map(1) as view:
        buffer.release()
        shown = bytes(view)
        view[:] = bytes(SIZE - 1)
        read = buffer.read(0, 1)
    expect_equal(shown, data[1:].tobytes(), "MEM-5", "a mapping after its buffer's release")
    expect_equal(read, data[:1].tobytes(), "MEM-5", "a read in the block after the release")
    expect_equal(buffer.reference_count, 0, "MEM-5", "the buffer's count after the block")


@pytest.mark.spec("MEM-5")
def test_an_error_in_the_block_ends_the_mapping(device: Device) -> None:
    """Raises inside a block: the error comes through, and what was written before it is there."""
    with device.allocator.allocate(SIZE) as buffer:
        write_all(buffer, noise(SIZE))
        with (
            expect_error(StatusCode.ABORTED, "MEM-5", "raising ABORTED inside map(0, 4)"),
            buffer.map(0, 4) as view,
        ):
            view[:] = b"kept"
            raise HalError(StatusCode.ABORTED, "the case")
        expect_equal(buffer.read(0, 4), b"kept", "MEM-5", "what was written before the error")
