"""Order: work is done after its waits and before its signals."""

from __future__ import annotations

import threading
import time
from contextlib import ExitStack
from functools import partial

import pytest

from cts.checks import expect_equal, unsupported
from cts.hal import Device, DeviceGroup, Driver
from cts.work_cases import LONG
from cts.work_cases.concurrency import Apart
from cts.work_cases.operations import NEEDED_BY_EXECUTE, Bench
from cts.work_cases.sharing import needs_each_others_semaphores
from cts.work_cases.transfers import noise_of

MOMENT = 0.01
"""Seconds in which a driver may show that it does not wait."""
LARGE = 1 << 21
PART = 1 << 12
"""Bytes at either end of a large copy that are looked at."""
LONG_WORK, FILLS = 64 << 20, 8
"""Bytes of fills that take their time together, and how many they are."""
COPIES = 25
"""Large copies; a signal that comes before its work is not always seen in time."""

pytestmark = [
    pytest.mark.spec("QUE-4"),
    pytest.mark.needs("allocator", "create_semaphore"),
]


@pytest.mark.needs("queue_fill", "queue_update", "queue_copy", "queue_barrier", *NEEDED_BY_EXECUTE)
def test_nothing_is_done_before_its_wait(device: Device) -> None:
    """Submits each operation before the signal that it waits for, on threads: done after it."""
    with ExitStack() as alive, device.create_semaphore() as go:
        benches = {name: Bench(device) for name in Bench.OPERATIONS}
        lines = {name: alive.enter_context(device.create_semaphore()) for name in benches}

        def submit(name: str) -> None:
            benches[name].submit(name, wait=[(go, 1)], signal=[(lines[name], 1)])

        for bench in benches.values():
            alive.callback(bench.release)
        submissions = [Apart(partial(submit, name)) for name in benches]
        time.sleep(MOMENT)
        for name, bench in benches.items():
            expect_equal(lines[name].query(), 0, "QUE-4", f"the signal of {name} before its wait")
            bench.expect_nothing_done("QUE-4", f"{name} before its wait")
        go.signal(1)
        for name, bench in benches.items():
            lines[name].wait(1)
            bench.expect_done(name, "QUE-4", f"{name} after its wait")
        codes = [submission.end() for submission in submissions]
        expect_equal(codes, [None] * len(benches), "QUE-4", "submissions before their wait")


@pytest.mark.needs("queue_fill")
def test_all_waits_are_waited_for(device: Device) -> None:
    """Fills behind three waits, of which the first, second or third comes last: done after it."""
    with (
        device.allocator.allocate(3) as buffer,
        device.create_semaphore(1) as early,
        device.create_semaphore() as late,
        ExitStack() as alive,
    ):
        lines = [alive.enter_context(device.create_semaphore()) for _ in range(3)]

        def fill(number: int) -> None:
            wait = [(late if position == number else early, 1) for position in range(3)]
            signal = [(lines[number], 1)]
            device.queue_fill(buffer, number, 1, b"\x42", wait=wait, signal=signal)

        buffer.write(0, bytes(3))
        submissions = [Apart(partial(fill, number)) for number in range(3)]
        time.sleep(MOMENT)
        before = [line.query() for line in lines], buffer.read()
        expect_equal(before, ([0] * 3, bytes(3)), "QUE-4", "fills with two of three waits reached")
        late.signal(1)
        for line in lines:
            line.wait(1)
        expect_equal(buffer.read(), b"\x42" * 3, "QUE-4", "fills with all waits reached")
        codes = [submission.end() for submission in submissions]
        expect_equal(codes, [None] * 3, "QUE-4", "submissions before their wait")


@pytest.mark.needs("queue_fill")
def test_the_largest_of_several_waits_counts(device: Device) -> None:
    """Fills behind 1, 3 and 2 of one semaphore in every order: nothing at 2, and done at 3."""
    orders = ((1, 2, 3), (1, 3, 2), (3, 2, 1))
    with (
        device.allocator.allocate(len(orders)) as buffer,
        device.create_semaphore(2) as line,
        ExitStack() as alive,
    ):
        done = [alive.enter_context(device.create_semaphore()) for _ in orders]

        def fill(number: int) -> None:
            wait = [(line, value) for value in orders[number]]
            signal = [(done[number], 1)]
            device.queue_fill(buffer, number, 1, b"\x42", wait=wait, signal=signal)

        buffer.write(0, bytes(3))
        submissions = [Apart(partial(fill, number)) for number in range(len(orders))]
        time.sleep(MOMENT)
        expect_equal(buffer.read(), bytes(3), "QUE-4", "fills behind 1, 2 and 3, at 2")
        line.signal(3)
        for semaphore in done:
            semaphore.wait(1)
        expect_equal(buffer.read(), b"\x42" * 3, "QUE-4", "fills behind 1, 2 and 3, at 3")
        codes = [submission.end() for submission in submissions]
        expect_equal(codes, [None] * 3, "QUE-4", "submissions before their wait")


@pytest.mark.needs("queue_fill", "queue_barrier", devices=2)
@pytest.mark.parametrize("submitted", ["after", "before"])
def test_another_devices_signal_is_waited_for(
    device_group: DeviceGroup, hal_driver: Driver, submitted: str
) -> None:
    """Has a device signal after long work, and another one wait for that: its own signal comes
    after. It is submitted after the work, or before it."""
    needs_each_others_semaphores(device_group)
    if submitted == "before" and not hal_driver.properties.async_queue:
        unsupported("it takes no submission before what that waits for is signalled")
    maker, other = device_group.device_at(0), device_group.device_at(1)
    size = min(LONG_WORK, hal_driver.properties.max_allocation or LONG_WORK)
    with (
        maker.allocator.allocate(size) as buffer,
        maker.create_semaphore() as made,
        other.create_semaphore() as seen,
    ):
        work = partial(maker.queue_fill, buffer, 0, size, b"\x42")
        wait = partial(other.queue_barrier, wait=[(made, FILLS)], signal=[(seen, 1)])
        if submitted == "before":
            wait()
        for value in range(1, FILLS + 1):
            work(wait=[(made, value - 1)], signal=[(made, value)])
        if submitted == "after":
            wait()
        seen.wait(1, LONG)
        expect_equal(made.query(), FILLS, "QUE-4", "what another device has waited for")


@pytest.mark.needs("queue_copy")
def test_a_signal_is_seen_after_the_work_alone(device: Device, hal_driver: Driver) -> None:
    """Polls for the signals of large copies on another thread: at once, both ends are there."""
    size = min(LARGE, hal_driver.properties.max_allocation or LARGE)
    data = noise_of(size).tobytes()
    seen: list[bool] = []
    with (
        device.allocator.allocate(size) as source,
        device.allocator.allocate(size) as target,
        device.create_semaphore() as line,
    ):

        def poll(value: int) -> None:
            deadline = time.monotonic() + LONG
            while line.query() < value and time.monotonic() < deadline:
                time.sleep(0)
            ends = target.read(size - PART, PART), target.read(0, PART)
            seen.append(ends == (data[-PART:], data[:PART]))

        source.write(0, data)
        for value in range(1, COPIES + 1):
            target.write(0, bytes(size))
            poller = threading.Thread(target=poll, args=(value,), daemon=True)
            poller.start()
            device.queue_copy(source, 0, target, 0, size, signal=[(line, value)])
            poller.join(2 * LONG)
    early = COPIES - seen.count(True)
    expect_equal(early, 0, "QUE-4", f"how many of {COPIES} copies were not done with their signal")
