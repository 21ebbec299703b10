"""Buffers that a queue deallocates: what becomes of them, and of their memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest

from cts.checks import expect, expect_equal, expect_error
from cts.hal import Buffer, Device, Driver, HalError, Semaphore, StatusCode
from cts.work_cases import expect_bytes, needs_room, noise
from cts.work_cases.growth import LARGE, expect_no_growth

SIZE = 4099
REFUSALS = (StatusCode.FAILED_PRECONDITION, StatusCode.INVALID_ARGUMENT)

pytestmark = pytest.mark.needs("allocator", "create_semaphore", "queue_alloca", "queue_dealloca")


@contextmanager
def allocated(device: Device, line: Semaphore, size: int = SIZE) -> Iterator[Buffer]:
    """A buffer with its memory; the line's payload is one more than before."""
    value = line.query() + 1
    with device.queue_alloca(size, signal=[(line, value)]) as buffer:
        line.wait(value)
        yield buffer


def expect_refused(doing: str, use: Callable[[], object]) -> None:
    """Fails the case unless what is tried ends with a refusal."""
    __tracebackhide__ = True
    asks = " or ".join(code.name for code in REFUSALS)
    try:
        answer = use()
    except HalError as error:
        is_refusal = error.code in REFUSALS
        expect(is_refusal, "MEM-11", doing, came_back=error, asks=asks)
        return
    expect(False, "MEM-11", doing, came_back=f"{answer!r}, no error", asks=asks)


@pytest.mark.spec("MEM-11")
@pytest.mark.needs("queue_fill", "queue_copy", dealloca_takes_memory=True)
def test_ends_the_use_of_a_buffer(device: Device) -> None:
    """Uses a deallocated buffer from the host and in the queue: each time a refusal."""
    with (
        device.create_semaphore() as line,
        device.allocator.allocate(SIZE) as other,
        allocated(device, line) as buffer,
    ):
        other.write(0, noise(SIZE).tobytes())
        device.queue_dealloca(buffer, wait=[(line, 1)], signal=[(line, 2)])
        line.wait(2)

        def in_the_queue(slot: str, *args: object) -> None:
            with device.create_semaphore() as signalled:
                getattr(device, slot)(*args, signal=[(signalled, 1)])
                signalled.wait(1)

        expect_refused("read after queue_dealloca", buffer.read)
        expect_refused("write after queue_dealloca", lambda: buffer.write(0, b"x"))
        fill = "queue_fill", buffer, 0, SIZE, b"x"
        expect_refused("queue_fill after queue_dealloca", lambda: in_the_queue(*fill))
        copy = "queue_copy", buffer, 0, other, 0, SIZE
        expect_refused("queue_copy after queue_dealloca", lambda: in_the_queue(*copy))
        expect_bytes(other, noise(SIZE), "MEM-11", "the target of a copy that was refused")
        expect_equal(buffer.byte_length, SIZE, "MEM-11", "byte_length after queue_dealloca")


@pytest.mark.spec("MEM-11")
@pytest.mark.needs("queue_copy")
def test_comes_after_what_it_waits_for(device: Device) -> None:
    """Deallocates behind a copy out of the buffer: the copy has all bytes."""
    data = noise(LARGE)
    with (
        device.create_semaphore() as line,
        device.allocator.allocate(LARGE) as target,
        allocated(device, line, LARGE) as buffer,
    ):
        buffer.write(0, data.tobytes())
        device.queue_copy(buffer, 0, target, 0, LARGE, wait=[(line, 1)], signal=[(line, 2)])
        device.queue_dealloca(buffer, wait=[(line, 2)], signal=[(line, 3)])
        line.wait(3)
        expect_bytes(target, data, "MEM-11", "a copy before the deallocation of its source")


@pytest.mark.spec("MEM-11")
def test_takes_nothing_where_its_wait_fails(device: Device) -> None:
    """Deallocates behind a failure: the buffer reads as before, and is deallocated later."""
    with (
        device.create_semaphore() as line,
        device.create_semaphore() as failed,
        device.create_semaphore() as signalled,
        allocated(device, line) as buffer,
    ):
        buffer.write(0, noise(SIZE).tobytes())
        failed.fail(StatusCode.CANCELLED, "on purpose")
        with expect_error(StatusCode.CANCELLED, "MEM-11", "queue_dealloca behind a failure"):
            device.queue_dealloca(buffer, wait=[(failed, 1)], signal=[(signalled, 1)])
            signalled.wait(1)
        expect_bytes(buffer, noise(SIZE), "MEM-11", "a buffer whose deallocation was stopped")
        device.queue_dealloca(buffer, signal=[(line, 2)])
        line.wait(2)


@pytest.mark.spec("MEM-11")
def test_touches_no_other_buffer(device: Device) -> None:
    """Deallocates every second of a hundred buffers, twice: the others read as before."""
    with device.create_semaphore() as line:
        buffers = []
        for number in range(100):
            buffers.append(device.queue_alloca(SIZE, signal=[(line, number + 1)]))
            line.wait(number + 1)
            buffers[-1].write(0, noise(SIZE, number).tobytes())
        for number in range(0, 100, 2):
            device.queue_dealloca(buffers[number], signal=[(line, 101 + number)])
            line.wait(101 + number)
            with suppress(HalError), device.create_semaphore() as again:
                device.queue_dealloca(buffers[number], signal=[(again, 1)])
                again.wait(1)
        for number in range(1, 100, 2):
            doing = f"buffer {number} after the deallocation of its neighbours"
            expect_bytes(buffers[number], noise(SIZE, number), "MEM-11", doing)
        for buffer in buffers:
            buffer.release()


@pytest.mark.spec("MEM-12")
@pytest.mark.parametrize(
    "way",
    [
        pytest.param("deallocated", marks=pytest.mark.needs(dealloca_takes_memory=True)),
        "released",
    ],
)
def test_the_memory_comes_back(device: Device, hal_driver: Driver, way: str) -> None:
    """Allocates and writes 1 MiB 256 times, deallocated but kept, or released: memory stays."""
    needs_room(hal_driver, LARGE)
    data = noise(LARGE).tobytes()
    kept: list[Buffer] = []
    with device.create_semaphore() as line:

        def use_one() -> None:
            value = line.query()
            buffer = device.queue_alloca(LARGE, signal=[(line, value + 1)])
            line.wait(value + 1)
            buffer.write(0, data)
            if way == "released":
                buffer.release()
                return
            kept.append(buffer)
            device.queue_dealloca(buffer, signal=[(line, value + 2)])
            line.wait(value + 2)

        expect_no_growth(use_one, "MEM-12", f"buffers that a queue allocated, {way},")
        for buffer in kept:
            buffer.release()
