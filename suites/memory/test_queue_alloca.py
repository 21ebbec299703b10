"""Buffers that a queue allocates: there from the call on, with memory once it is their turn."""

from __future__ import annotations

import pytest

from cts.checks import expect_equal, expect_error
from cts.hal import Device, Driver, StatusCode
from cts.work_cases import SIZES, expect_bytes, needs_room, noise
from cts.work_cases.concurrency import Apart

SIZE = 4099
CHAIN = 32

pytestmark = [
    pytest.mark.spec("MEM-10"),
    pytest.mark.needs("allocator", "create_semaphore", "queue_alloca"),
]


@pytest.mark.parametrize("size", SIZES)
def test_is_memory_like_any_other(device: Device, hal_driver: Driver, size: int) -> None:
    """Allocates both sides of powers of two, writes all of it from the host: it reads the same."""
    needs_room(hal_driver, size)
    data = noise(size)
    with (
        device.create_semaphore() as line,
        device.queue_alloca(size, signal=[(line, 1)]) as buffer,
    ):
        expect_equal(buffer.byte_length, size, "MEM-10", f"byte_length of queue_alloca({size})")
        line.wait(1)
        buffer.write(0, data.tobytes())
        expect_bytes(buffer, data, "MEM-10", f"a queue-allocated buffer of {size} bytes")


@pytest.mark.needs("queue_fill", "queue_copy")
def test_is_used_by_what_was_submitted_right_after(device: Device, hal_driver: Driver) -> None:
    """Submits allocation, fill and a copy from it, one behind the other: the bytes arrive."""
    with (
        device.create_semaphore() as line,
        device.allocator.allocate(SIZE) as target,
    ):
        target.write(0, bytes(SIZE))
        with device.queue_alloca(SIZE, signal=[(line, 1)]) as buffer:
            pattern = b"\x5a"
            device.queue_fill(buffer, 0, SIZE, pattern, wait=[(line, 1)], signal=[(line, 2)])
            copy = buffer, 0, target, 0, SIZE
            device.queue_copy(*copy, wait=[(line, 2)], signal=[(line, 3)])
        line.wait(3)
        doing = "a copy from a queue-allocated buffer, released by then"
        expect_equal(target.read(), pattern * SIZE, "MEM-10", doing)


@pytest.mark.needs("queue_fill")
def test_comes_after_what_it_waits_for(device: Device) -> None:
    """Allocates behind a wait, on a thread: no signal before it, and memory after it."""
    with device.create_semaphore() as go, device.create_semaphore() as line:
        made = []

        def allocate() -> None:
            made.append(device.queue_alloca(SIZE, wait=[(go, 1)], signal=[(line, 1)]))

        submission = Apart(allocate)
        with expect_error(StatusCode.DEADLINE_EXCEEDED, "MEM-10", "the signal before its wait"):
            line.wait(1, 0.01)
        go.signal(1)
        line.wait(1)
        expect_equal(submission.end(), None, "MEM-10", "queue_alloca behind a wait")
        with made[0] as buffer:
            device.queue_fill(buffer, 0, SIZE, b"\x33", signal=[(line, 2)])
            line.wait(2)
            expect_equal(buffer.read(), b"\x33" * SIZE, "MEM-10", "the buffer, filled")


@pytest.mark.needs("queue_dealloca", "queue_fill", "queue_copy")
def test_a_chain_of_them(device: Device) -> None:
    """Allocates, fills, copies out and deallocates 32 times in one chain: every byte arrives."""
    with (
        device.create_semaphore() as line,
        device.allocator.allocate(CHAIN * SIZE) as target,
    ):
        buffers = []
        for number in range(CHAIN):
            mark, at = bytes([number + 1]), 4 * number
            points = [[(line, at + step)] for step in range(5)]
            buffer = device.queue_alloca(SIZE, wait=points[0], signal=points[1])
            buffers.append(buffer)
            device.queue_fill(buffer, 0, SIZE, mark, wait=points[1], signal=points[2])
            copy = buffer, 0, target, number * SIZE, SIZE
            device.queue_copy(*copy, wait=points[2], signal=points[3])
            device.queue_dealloca(buffer, wait=points[3], signal=points[4])
        line.wait(4 * CHAIN)
        for buffer in buffers:
            buffer.release()
        wanted = b"".join(bytes([number + 1]) * SIZE for number in range(CHAIN))
        expect_equal(target.read() == wanted, True, "MEM-10", f"a chain of {CHAIN} allocations")


def test_they_share_no_memory(device: Device) -> None:
    """Has a hundred alive at once, each with bytes of its own: every one keeps them."""
    count = 100
    with device.create_semaphore() as line:
        buffers = []
        for number in range(count):
            buffers.append(device.queue_alloca(SIZE, signal=[(line, number + 1)]))
            line.wait(number + 1)
        for number, buffer in enumerate(buffers):
            buffer.write(0, noise(SIZE, number).tobytes())
        for number, buffer in enumerate(buffers):
            expect_bytes(buffer, noise(SIZE, number), "MEM-10", f"buffer {number} of {count}")
            buffer.release()


@pytest.mark.parametrize(
    ("size", "code"),
    [
        (-1, StatusCode.INVALID_ARGUMENT),
        (-(2**63), StatusCode.INVALID_ARGUMENT),
        (2**62, StatusCode.RESOURCE_EXHAUSTED),
        (2**63 - 1, StatusCode.RESOURCE_EXHAUSTED),
        (2**64 - 1, StatusCode.RESOURCE_EXHAUSTED),
    ],
)
def test_a_size_that_cannot_be_is_refused(device: Device, size: int, code: StatusCode) -> None:
    """Allocates less than nothing, and more than there is: refused; the next one works."""
    with (
        device.create_semaphore() as line,
        expect_error(code, "MEM-10", f"queue_alloca({size})"),
        device.queue_alloca(size, signal=[(line, 1)]),
    ):
        line.wait(1)
    with (
        device.create_semaphore() as line,
        device.queue_alloca(SIZE, signal=[(line, 1)]) as buffer,
    ):
        line.wait(1)
        buffer.write(0, b"x" * SIZE)
        expect_equal(buffer.read(), b"x" * SIZE, "MEM-10", f"a buffer after queue_alloca({size})")
