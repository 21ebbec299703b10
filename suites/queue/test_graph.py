"""Chains and graphs of operations, held together by semaphores alone: the bytes are numpy's."""

from __future__ import annotations

import random
from contextlib import ExitStack

import pytest

from cts.checks import expect_equal
from cts.hal import Device, Driver, SemaphoreList
from cts.work_cases import expect_bytes
from cts.work_cases.concurrency import Gate
from cts.work_cases.random_program import BUFFERS, SIZE, random_program
from cts.work_cases.transfers import noise_of

pytestmark = [
    pytest.mark.spec("QUE-4"),
    pytest.mark.needs("allocator", "create_semaphore", "queue_fill"),
]


@pytest.mark.needs("queue_copy", "queue_update")
def test_a_chain_happens_in_the_order_of_its_timeline(device: Device, gate: Gate) -> None:
    """Chains fill, copy, update and copy back on one timeline: the last bytes are the chain's."""
    with (
        device.allocator.allocate(16) as a,
        device.allocator.allocate(16) as b,
        device.create_semaphore() as line,
    ):
        for start in range(0, 80, 4):
            t: list[SemaphoreList] = [[(line, start + i)] for i in range(5)]
            wait = t[0] if start else gate.wait
            device.queue_fill(a, 0, 16, bytes([start + 1]), wait=wait, signal=t[1])
            device.queue_copy(a, 0, b, 0, 16, wait=t[1], signal=t[2])
            device.queue_update(b"\xff" * 4, b, 4, wait=t[2], signal=t[3])
            device.queue_copy(b, 0, a, 0, 16, wait=t[3], signal=t[4])
        gate.open()
        line.wait(80)
        wanted = b"\x4d" * 4 + b"\xff" * 4 + b"\x4d" * 8
        expect_equal(a.read(), wanted, "QUE-4", "the end of a chain of 80")


def test_one_semaphore_releases_16(device: Device, gate: Gate) -> None:
    """Fills 16 parts of a buffer behind one semaphore, which a fill signals: all are filled."""
    with (
        device.allocator.allocate(17) as buffer,
        device.create_semaphore() as line,
        ExitStack() as alive,
    ):
        done = [alive.enter_context(device.create_semaphore()) for _ in range(16)]
        buffer.write(0, bytes(17))
        device.queue_fill(buffer, 16, 1, b"\xff", wait=gate.wait, signal=[(line, 1)])
        for n, semaphore in enumerate(done):
            pattern, signal = bytes([n + 1]), [(semaphore, 1)]
            device.queue_fill(buffer, n, 1, pattern, wait=[(line, 1)], signal=signal)
        gate.open()
        for semaphore in done:
            semaphore.wait(1)
        expect_equal(buffer.read(), bytes([*range(1, 17), 255]), "QUE-4", "16 fills behind one")


@pytest.mark.needs("queue_copy", "queue_update")
def test_a_diamond_joins(device: Device, gate: Gate) -> None:
    """Updates, copies to two places at once, joins halves of both: they are what was written."""
    data = noise_of(64)
    with ExitStack() as alive:
        top, left, right, bottom = (
            alive.enter_context(device.allocator.allocate(64)) for _ in range(4)
        )
        line, one, two, done = (alive.enter_context(device.create_semaphore()) for _ in range(4))
        for buffer in (top, left, right, bottom):
            buffer.write(0, bytes(64))
        device.queue_update(data.tobytes(), top, 0, wait=gate.wait, signal=[(line, 1)])
        device.queue_copy(top, 0, left, 0, 64, wait=[(line, 1)], signal=[(one, 1)])
        device.queue_copy(top, 0, right, 0, 64, wait=[(line, 1)], signal=[(two, 1)])
        both = [(one, 1), (two, 1)]
        device.queue_copy(left, 0, bottom, 0, 32, wait=both, signal=[(done, 1)])
        device.queue_copy(right, 32, bottom, 32, 32, wait=[*both, (done, 1)], signal=[(done, 2)])
        gate.open()
        done.wait(2)
        expect_bytes(bottom, data, "QUE-4", "the end of a diamond")


@pytest.mark.needs("queue_copy")
def test_two_timelines_may_cross(device: Device, gate: Gate) -> None:
    """Sends bytes to and fro between two buffers, each with a timeline: each turn adds its own."""
    turns = 12
    with (
        device.allocator.allocate(turns) as a,
        device.allocator.allocate(turns) as b,
        device.create_semaphore() as line_a,
        device.create_semaphore() as line_b,
    ):
        a.write(0, bytes(turns))
        b.write(0, bytes(turns))
        for turn in range(turns):
            mine, there, back = 2 * turn + 1, 2 * turn + 2, turn + 1
            wait = gate.wait if turn == 0 else [(line_b, turn)]
            device.queue_fill(a, turn, 1, bytes([mine]), wait=wait, signal=[(line_a, mine)])
            device.queue_copy(a, 0, b, 0, turns, wait=[(line_a, mine)], signal=[(line_a, there)])
            device.queue_copy(b, 0, a, 0, turns, wait=[(line_a, there)], signal=[(line_b, back)])
        gate.open()
        line_b.wait(turns)
        wanted = bytes(range(1, 2 * turns, 2))
        expect_equal([a.read(), b.read()], [wanted, wanted], "QUE-4", "two timelines that cross")


@pytest.mark.needs("queue_copy", "queue_update")
@pytest.mark.parametrize("seed", range(8))
def test_a_random_graph_equals_numpy(device: Device, hal_driver: Driver, seed: int) -> None:
    """Submits random transfers, each behind those that it depends on: the bytes are numpy's.

    Where the driver takes them in any order they come in a random one.
    """
    steps = random_program(seed)
    arrays = [noise_of(SIZE, seed=n + 1) for n in range(BUFFERS)]
    order = list(range(len(steps)))
    if hal_driver.properties.async_queue:
        random.Random(seed).shuffle(order)
    with ExitStack() as alive:
        buffers = [alive.enter_context(device.allocator.allocate(SIZE)) for _ in arrays]
        lines = [alive.enter_context(device.create_semaphore()) for _ in steps]
        for buffer, array in zip(buffers, arrays, strict=True):
            buffer.write(0, array.tobytes())
        for number in order:
            wait = [(lines[before], 1) for before in steps[number].after]
            steps[number].submit(device, buffers, wait, [(lines[number], 1)])
        for step, line in zip(steps, lines, strict=True):
            step.apply(arrays)
            line.wait(1)
        for number, (buffer, array) in enumerate(zip(buffers, arrays, strict=True)):
            expect_bytes(buffer, array, "QUE-4", f"buffer {number} after program {seed}")
