"""Submissions before what they wait for is signalled: in any order, and from any thread."""

from __future__ import annotations

from contextlib import ExitStack
from itertools import pairwise

import pytest

from cts.checks import expect_equal
from cts.hal import Device, Driver
from cts.threads import in_threads
from cts.work_cases import needs_jump
from cts.work_cases.operations import Bench, with_each_operation

THREADS = 4

pytestmark = [
    pytest.mark.spec("QUE-7"),
    pytest.mark.needs("allocator", "create_semaphore", async_queue=True),
]


@with_each_operation()
def test_returns_before_its_wait_is_reached(device: Device, bench: Bench, operation: str) -> None:
    """Submits, then signals what it waits for, on one thread: done after the signal, not before."""
    with device.create_semaphore() as go, device.create_semaphore() as done:
        bench.submit(operation, wait=[(go, 1)], signal=[(done, 1)])
        expect_equal(done.query(), 0, "QUE-7", f"the signal of {operation} before its wait")
        bench.expect_nothing_done("QUE-7", f"{operation} before its wait is reached")
        go.signal(1)
        done.wait(1)
        bench.expect_done(operation, "QUE-7", f"{operation} after its wait is reached")


@pytest.mark.needs("queue_barrier")
def test_a_chain_may_come_last_first(device: Device) -> None:
    """Submits a chain of 256 barriers last first: one signal sets all of it off."""
    with ExitStack() as alive:
        line = [alive.enter_context(device.create_semaphore()) for _ in range(257)]
        for before, after in reversed(list(pairwise(line))):
            device.queue_barrier(wait=[(before, 1)], signal=[(after, 1)])
        expect_equal(line[-1].query(), 0, "QUE-7", "the end of a chain that was not set off")
        line[0].signal(1)
        line[-1].wait(1)
        expect_equal({s.query() for s in line}, {1}, "QUE-7", "a chain submitted last first")


@pytest.mark.needs("queue_barrier")
def test_one_timeline_may_come_last_first(device: Device) -> None:
    """Submits 256 steps of one timeline, the last first: it goes through all of them."""
    with device.create_semaphore() as line:
        for value in range(256, 0, -1):
            device.queue_barrier(wait=[(line, value)], signal=[(line, value + 1)])
        expect_equal(line.query(), 0, "QUE-7", "a timeline that was not set off")
        line.signal(1)
        line.wait(257)


@pytest.mark.needs("queue_barrier")
def test_64_waits_may_be_reached_in_any_order(device: Device) -> None:
    """Signals 64 semaphores that a barrier waits for, in another order: the last lets it go."""
    with ExitStack() as alive:
        lines = [alive.enter_context(device.create_semaphore()) for _ in range(64)]
        done = alive.enter_context(device.create_semaphore())
        device.queue_barrier(wait=[(line, 1) for line in lines], signal=[(done, 1)])
        order = [number * 29 % 64 for number in range(64)]
        for number in order[:-1]:
            lines[number].signal(1)
        expect_equal(done.query(), 0, "QUE-7", "the signal with 63 of 64 waits reached")
        lines[order[-1]].signal(1)
        done.wait(1)


@pytest.mark.needs("queue_barrier")
def test_a_signal_may_go_further_than_the_wait(device: Device, hal_driver: Driver) -> None:
    """Waits for 3 and 5 of a semaphore, which the host signals to 2 and then to 5: both go."""
    needs_jump(hal_driver, 3)
    with (
        device.create_semaphore() as go,
        device.create_semaphore() as three,
        device.create_semaphore() as five,
    ):
        device.queue_barrier(wait=[(go, 3)], signal=[(three, 1)])
        device.queue_barrier(wait=[(go, 5)], signal=[(five, 1)])
        for value in (1, 2):
            go.signal(value)
        expect_equal([three.query(), five.query()], [0, 0], "QUE-7", "signals at 2 of 3 and 5")
        go.signal(5)
        three.wait(1)
        five.wait(1)


@pytest.mark.needs("queue_copy", "queue_fill", "queue_barrier")
def test_a_copy_may_come_before_the_fill_it_reads(device: Device, bench: Bench) -> None:
    """Submits a copy, then the fill of its source that it waits for: it copies what was filled."""
    mark = b"\x3c"
    with device.create_semaphore() as line:
        bench.submit("queue_copy", wait=[(line, 1)], signal=[(line, 2)])
        bench.submit("queue_fill", target=bench.source, pattern=mark, signal=[(line, 1)])
        line.wait(2)
        found = bench.target.read()
        expect_equal(found, mark * bench.SIZE, "QUE-7", "a copy that came before its source's fill")


@pytest.mark.needs("queue_barrier")
def test_may_be_set_off_from_a_thread(device: Device) -> None:
    """Submits behind four semaphores that as many threads signal: it is done after all of them."""
    with ExitStack() as alive:
        lines = [alive.enter_context(device.create_semaphore()) for _ in range(THREADS)]
        done = alive.enter_context(device.create_semaphore())
        device.queue_barrier(wait=[(line, 1) for line in lines], signal=[(done, 1)])
        errors = in_threads(lambda number: lines[number].signal(1), THREADS)
        expect_equal(errors, [], "QUE-7", "signalling from four threads")
        done.wait(1)
