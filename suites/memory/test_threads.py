"""Buffers from several threads at once: each keeps its own bytes."""

from __future__ import annotations

import queue

import numpy as np
import pytest

from cts.checks import expect_equal
from cts.hal import Buffer, Device, Driver
from cts.threads import in_threads
from cts.work_cases import LONG, expect_bytes, needs_room, noise

THREADS = 8
ROUNDS = 20
LARGEST = 4097
PART = 256
"""Bytes that one thread writes of a buffer: no memory is shared in larger pieces."""

pytestmark = [pytest.mark.needs("allocator"), pytest.mark.spec("MEM-7")]


def test_each_thread_has_buffers_of_its_own(device: Device, hal_driver: Driver) -> None:
    """Makes, writes, reads and releases buffers of many sizes on eight threads: none differs."""
    needs_room(hal_driver, LARGEST)
    wrong: list[tuple[int, int]] = []

    def work(number: int) -> None:
        random = np.random.default_rng(number)
        kept: list[tuple[Buffer, bytes]] = []
        for turn in range(ROUNDS):
            data = random.bytes(int(random.integers(1, LARGEST + 1)))
            buffer = device.allocator.allocate(len(data))
            if turn % 2:
                buffer.write(0, data)
            else:
                with buffer.map() as view:
                    view[:] = data
            kept.append((buffer, data))
            if len(kept) == 4 or turn == ROUNDS - 1:  # the others' buffers come and go meanwhile
                wrong.extend((number, turn) for buffer, data in kept if buffer.read() != data)
                for buffer, _ in kept:
                    buffer.release()
                kept.clear()

    expect_equal(in_threads(work, THREADS), [], "MEM-7", "using buffers on eight threads")
    expect_equal(wrong[:3], [], "MEM-7", "(thread, turn) in which a buffer had other bytes")


def test_threads_share_a_buffer(device: Device, hal_driver: Driver) -> None:
    """Writes a part of one buffer on each of eight threads, many times: each part is its own."""
    needs_room(hal_driver, THREADS * PART)
    with device.allocator.allocate(THREADS * PART) as buffer:

        def work(number: int) -> None:
            for turn in range(ROUNDS):
                buffer.write(number * PART, noise(PART, seed=number * ROUNDS + turn).tobytes())

        expect_equal(in_threads(work, THREADS), [], "MEM-7", "writing a buffer on eight threads")
        last = [noise(PART, seed=number * ROUNDS + ROUNDS - 1) for number in range(THREADS)]
        expect_bytes(buffer, np.concatenate(last), "MEM-7", "a buffer that eight threads wrote")


def test_a_buffer_goes_from_thread_to_thread(device: Device, hal_driver: Driver) -> None:
    """Makes buffers on four threads; four others read and release them: the bytes written."""
    needs_room(hal_driver, LARGEST)
    handed: queue.Queue[tuple[Buffer, bytes]] = queue.Queue()
    found: list[bool] = []

    def work(number: int) -> None:
        for turn in range(ROUNDS):
            if number % 2:
                data = noise(LARGEST, seed=number * ROUNDS + turn).tobytes()
                buffer = device.allocator.allocate(LARGEST)
                buffer.write(0, data)
                handed.put((buffer, data))
            else:
                buffer, data = handed.get(timeout=LONG)
                with buffer:
                    found.append(buffer.read() == data)

    expect_equal(in_threads(work, THREADS), [], "MEM-7", "handing buffers from thread to thread")
    wanted = [True] * (THREADS // 2 * ROUNDS)
    expect_equal(found, wanted, "MEM-7", "whether each buffer read as it was written")
