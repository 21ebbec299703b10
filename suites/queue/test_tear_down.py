"""Tear-down with submissions pending: they end by themselves, and leave nothing behind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest

from cts.checks import expect, expect_equal
from cts.hal import Driver, Resource, StatusCode, live_counts
from cts.plugin.fixtures import NewDevice, NewGroup
from cts.work_cases import LONG, Waiter, needs_room
from cts.work_cases.alive import left_after
from cts.work_cases.concurrency import Apart
from cts.work_cases.operations import NEEDED_BY_EXECUTE

SOON = 1.0
"""Seconds in which what nobody can let go on has ended; there is no work that it could wait for."""
AT_WORK = 8 << 20
"""Bytes of a fill that is still at work when the call has returned."""
ROUNDS = 10
LIMIT = 5
"""Seconds for a case: a driver may hang here, and more of them do not help it."""

pytestmark = [
    pytest.mark.needs("allocator", "create_semaphore", async_queue=True),
    pytest.mark.needs("queue_fill", "queue_copy", "queue_barrier", *NEEDED_BY_EXECUTE),
    pytest.mark.timeout(LIMIT),
]


class Pending:
    """A chain of operations of each kind behind a signal that nobody gives, and a fill beside it.

    They are on a device of their own.

    Attributes
    ----------
    go : what all of it waits for.
    last : the signal of the chain's end.
    made : all that was made, in that order.
    """

    def __init__(self, new_device: NewDevice, new_group: NewGroup) -> None:
        self.device = device = new_device()
        new_device.forget(device)  # it is the case that releases it
        self.group = new_group(device)
        buffer, other = (device.allocator.allocate(16) for _ in range(2))
        self.go, *line = (device.create_semaphore() for _ in range(5))
        commands = device.create_command_buffer()
        commands.begin()
        commands.fill(buffer, 0, 16, b"\x11")
        commands.end()
        wait, signal = [[(s, 1)] for s in (self.go, *line[:3])], [[(s, 1)] for s in line]
        device.queue_fill(buffer, 0, 16, b"\x22", wait=wait[0])
        device.queue_fill(buffer, 0, 16, b"\x33", wait=wait[0], signal=signal[0])
        device.queue_copy(buffer, 0, other, 0, 16, wait=wait[1], signal=signal[1])
        device.queue_execute(commands, wait=wait[2], signal=signal[2])
        device.queue_barrier(wait=wait[3], signal=signal[3])
        self.last = line[-1]
        self.made: list[Resource] = [
            *(device, self.group, buffer, other, commands, self.go),
            *line,
        ]


ON_A_THREAD = "on-a-thread"
Order = Callable[[Pending], list[Resource]]

ORDERS: dict[str, Order] = {
    "as-made": lambda pending: pending.made,
    "last-made-first": lambda pending: pending.made[::-1],
    "signal-first": lambda pending: sorted(pending.made, key=lambda r: r is not pending.go),
    "signal-last": lambda pending: sorted(pending.made, key=lambda r: r is pending.go),
    ON_A_THREAD: lambda pending: pending.made[::-1],
}


def release_all(resources: list[Resource], order: str = "") -> None:
    """Releases each in this order, if it has not gone with its device."""
    if order == ON_A_THREAD:
        expect_equal(Apart(lambda: release_all(resources)).end(), None, "QUE-14", "the releases")
        return
    for resource in resources:
        if resource.reference_count:
            resource.release()


def expect_ended(waiter: Waiter) -> None:
    """Fails the case unless the wait has ended with an error, and not by its time-out."""
    ended = waiter.end()
    by_itself = ended not in ("reached", "still waiting", StatusCode.DEADLINE_EXCEEDED)
    doing, asks = "a wait for what nobody can signal any more", "a failure, by itself"
    expect(by_itself, "QUE-14", doing, came_back=ended, asks=asks)


@pytest.mark.spec("QUE-14", subject="objects")
def test_a_signal_that_somebody_can_give_is_waited_for(
    new_device: NewDevice, new_group: NewGroup
) -> None:
    """Releases what a chain uses, then signals what it waits for: its last signal is reached."""
    pending = Pending(new_device, new_group)
    kept = [pending.go, pending.last, pending.group, pending.device]
    release_all([resource for resource in pending.made if resource not in kept])
    expect_equal(pending.last.query(), 0, "QUE-14", "the end of a chain that was not set off")
    pending.go.signal(1)
    pending.last.wait(1)
    release_all(kept)


@pytest.mark.spec("QUE-14", subject="objects")
@pytest.mark.parametrize("order", ORDERS)
def test_nothing_stays_alive(new_device: NewDevice, new_group: NewGroup, order: str) -> None:
    """Releases all that was made, in several orders, while a thread waits: nothing is alive."""
    before = Counter(live_counts())
    pending = Pending(new_device, new_group)
    waiter = Waiter(pending.last, 1, SOON)
    release_all(ORDERS[order](pending), order)
    expect_ended(waiter)
    left = left_after(before, SOON)
    expect_equal(pending.device.reference_count, 0, "QUE-14", "the device's count afterwards")
    expect_equal(left, {}, "QUE-14", "what is alive afterwards")


@pytest.mark.spec("LIF-12", "QUE-13", subject="objects")
@pytest.mark.timeout(LONG * 2)
def test_the_last_references_may_go_with_the_work(
    new_device: NewDevice, new_group: NewGroup, hal_driver: Driver
) -> None:
    """Releases everything while a fill is at work, so that the queue itself drops the last
    references, on whichever thread it works: all is destroyed, each time."""
    needs_room(hal_driver, AT_WORK)
    before = Counter(live_counts())
    for _ in range(ROUNDS):
        device = new_device()
        new_device.forget(device)
        group = new_group(device)
        buffer, line = device.allocator.allocate(AT_WORK), device.create_semaphore()
        device.queue_fill(buffer, 0, AT_WORK, b"\x11", signal=[(line, 1)])
        release_all([buffer, line, group, device])
        expect_equal(left_after(before, LONG), {}, "LIF-12", "what is alive afterwards")
