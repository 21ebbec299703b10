"""The last reference to a semaphore: who waits for it is not left waiting."""

from __future__ import annotations

import time

import pytest

from cts.checks import expect, expect_equal
from cts.hal import Device, StatusCode
from cts.work_cases import Waiter

ENDS = {StatusCode.CANCELLED, StatusCode.FAILED_PRECONDITION}
SETTLING = 0.002
"""Seconds in which a thread that is about to wait nearly always does so."""

pytestmark = [
    pytest.mark.needs("create_semaphore"),
    pytest.mark.spec("SEM-8", subject="objects"),
]


@pytest.mark.parametrize("count", [1, 8])
def test_waits_end_with_the_last_reference(device: Device, count: int) -> None:
    """Drops the last reference while threads wait: each wait ends long before its time is over."""
    semaphore = device.create_semaphore()
    waiters = [Waiter(semaphore, value) for value in range(1, count + 1)]
    time.sleep(SETTLING)
    semaphore.release()
    ends = {waiter.end() for waiter in waiters}
    asks = "CANCELLED or FAILED_PRECONDITION"
    doing = f"{count} waits for a semaphore whose last reference was dropped"
    expect(ends <= ENDS, "SEM-8", doing, came_back=ends, asks=asks)


def test_waits_go_on_with_a_reference_left(device: Device) -> None:
    """Drops one of two references while a thread waits: it waits on, and a signal wakes it."""
    with device.create_semaphore() as semaphore:
        semaphore.retain()
        waiter = Waiter(semaphore, 1)
        time.sleep(SETTLING)
        semaphore.release()
        semaphore.signal(1)
        expect_equal(waiter.end(), "reached", "SEM-8", "a wait with one of two references left")


def test_waits_end_beside_another_semaphores(device: Device) -> None:
    """Drops one semaphore's last reference with waiters on two: the other's waits on."""
    semaphore = device.create_semaphore()
    with device.create_semaphore() as other:
        gone, left = Waiter(semaphore, 1), Waiter(other, 1)
        time.sleep(SETTLING)
        semaphore.release()
        end = gone.end()
        other.signal(1)
        expect_equal(left.end(), "reached", "SEM-8", "the wait for the other semaphore")
    asks = "CANCELLED or FAILED_PRECONDITION"
    expect(end in ENDS, "SEM-8", "a wait for what is gone", came_back=end, asks=asks)
