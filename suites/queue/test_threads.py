"""Submissions from several threads at once: all are carried out, and each has its own effect."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from cts.checks import expect_equal
from cts.hal import Device
from cts.threads import in_threads
from cts.work_cases import expect_bytes
from cts.work_cases.operations import NEEDED_BY_EXECUTE
from cts.work_cases.transfers import noise_of

THREADS = 4
ROUNDS = 50
PART = 48
"""Bytes of a buffer that each thread has."""

pytestmark = [
    pytest.mark.spec("QUE-12"),
    pytest.mark.needs("allocator", "create_semaphore"),
]


@pytest.mark.needs("queue_fill")
def test_each_with_its_own_buffer_and_semaphore(device: Device) -> None:
    """Fills 50 times on each of four threads, in buffers of their own: each fill is there."""

    def work(thread: int) -> None:
        with device.allocator.allocate(PART) as buffer, device.create_semaphore() as line:
            for value in range(1, ROUNDS + 1):
                pattern = bytes([thread * ROUNDS + value])
                device.queue_fill(buffer, 0, PART, pattern, signal=[(line, value)])
                line.wait(value)
                expect_equal(buffer.read(), pattern * PART, "QUE-12", f"fill {value} of {thread}")

    expect_equal(in_threads(work, THREADS), [], "QUE-12", "filling on four threads")


@pytest.mark.needs("queue_update", "queue_copy")
def test_in_parts_of_one_buffer(device: Device) -> None:
    """Updates and copies on four threads at once, in parts of one buffer: each part is right."""
    data = noise_of(THREADS * ROUNDS * PART).reshape(THREADS, ROUNDS, PART)
    with (
        device.allocator.allocate(THREADS * PART) as source,
        device.allocator.allocate(THREADS * PART) as target,
        ExitStack() as alive,
    ):
        lines = [alive.enter_context(device.create_semaphore()) for _ in range(THREADS)]

        def work(thread: int) -> None:
            line, offset = lines[thread], thread * PART
            for turn in range(ROUNDS):
                start, middle, end = ([(line, 2 * turn + step)] for step in range(3))
                update = data[thread, turn].tobytes(), source, offset
                device.queue_update(*update, wait=start, signal=middle)
                device.queue_copy(source, offset, target, offset, PART, wait=middle, signal=end)
                if turn % 10 == 9:
                    line.wait(2 * turn + 2)
                    found = target.read(offset, PART)
                    expect_equal(found, update[0], "QUE-12", f"copy {turn} of thread {thread}")

        expect_equal(in_threads(work, THREADS), [], "QUE-12", "one buffer on four threads")
        expect_bytes(target, data[:, -1].flatten(), "QUE-12", "the buffer of four threads")


@pytest.mark.needs(*NEEDED_BY_EXECUTE)
def test_with_command_buffers_of_their_own(device: Device) -> None:
    """Records and executes on four threads at once, in parts of one buffer: all are there."""
    with device.allocator.allocate(THREADS * PART) as buffer:
        buffer.write(0, bytes(THREADS * PART))

        def work(thread: int) -> None:
            with device.create_semaphore() as line:
                for turn in range(1, 11):
                    with device.create_command_buffer() as commands:
                        commands.begin()
                        commands.fill(buffer, thread * PART, PART, bytes([thread * 20 + turn]))
                        commands.end()
                        device.queue_execute(commands, signal=[(line, turn)])
                        line.wait(turn)

        expect_equal(in_threads(work, THREADS), [], "QUE-12", "recording on four threads")
        wanted = b"".join(bytes([thread * 20 + 10]) * PART for thread in range(THREADS))
        expect_equal(buffer.read(), wanted, "QUE-12", "the buffer of four threads")


@pytest.mark.needs("queue_fill", async_queue=True)
def test_threads_wait_for_each_other(device: Device) -> None:
    """Fills behind one another round four threads, all submitted at once: the last is the last."""
    with device.allocator.allocate(1) as buffer, device.create_semaphore() as line:

        def submit(thread: int) -> None:
            for turn in reversed(range(ROUNDS)):
                value = turn * THREADS + thread
                wait, signal = [(line, value + 1)], [(line, value + 2)]
                device.queue_fill(buffer, 0, 1, bytes([value % 251]), wait=wait, signal=signal)

        errors = in_threads(submit, THREADS)
        expect_equal(errors, [], "QUE-12", "submitting a chain from four threads")
        line.signal(1)
        line.wait(ROUNDS * THREADS + 1)
        last = bytes([(ROUNDS * THREADS - 1) % 251])
        expect_equal(buffer.read(), last, "QUE-12", "the end of a chain from four threads")
