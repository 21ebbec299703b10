"""Ten semaphores: what happens to one is nothing to the others."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from cts.checks import expect_equal
from cts.hal import Device, HalError, Semaphore, StatusCode
from cts.work_cases import Waiter

COUNT = 10
CHOSEN = 4
"""The one that something happens to."""
SETTLING = 0.002
"""Seconds in which a thread that was woken nearly always returns."""

EVENTS: dict[str, Callable[[Semaphore], None]] = {
    "signal": lambda semaphore: semaphore.signal(semaphore.query() + 2),
    "failure": lambda semaphore: semaphore.fail(StatusCode.DATA_LOSS, "on purpose"),
    "release": lambda semaphore: semaphore.release(),
}

pytestmark = [pytest.mark.needs("create_semaphore"), pytest.mark.spec("SEM-7")]


def release_all(semaphores: list[Semaphore]) -> None:
    """Drops the case's references."""
    for semaphore in semaphores:
        if semaphore.reference_count:
            semaphore.release()


@pytest.mark.parametrize("event", EVENTS)
def test_the_others_payloads_stay(device: Device, event: str) -> None:
    """Signals, fails or releases one of ten semaphores: nine have their payloads, and go on."""
    semaphores = [device.create_semaphore(10 * n) for n in range(COUNT)]
    EVENTS[event](semaphores[CHOSEN])
    others = {n: semaphore for n, semaphore in enumerate(semaphores) if n != CHOSEN}
    found = {n: semaphore.query() for n, semaphore in others.items()}
    expect_equal(found, {n: 10 * n for n in others}, "SEM-7", f"nine payloads after a {event}")
    for n, semaphore in others.items():
        semaphore.signal(10 * n + 1)
    found = {n: semaphore.query() for n, semaphore in others.items()}
    expect_equal(found, {n: 10 * n + 1 for n in others}, "SEM-7", "nine payloads, signalled")
    release_all(semaphores)


@pytest.mark.parametrize("event", EVENTS)
def test_the_others_waiters_sleep_on(device: Device, event: str) -> None:
    """Waits on nine of ten semaphores while something happens to the tenth: nobody is woken.

    Each of the nine is failed afterwards with a code of its own, with which its waiter ends.
    """
    semaphores = [device.create_semaphore() for _ in range(COUNT)]
    others = [semaphore for n, semaphore in enumerate(semaphores) if n != CHOSEN]
    waiters = [Waiter(semaphore, 1) for semaphore in others]
    EVENTS[event](semaphores[CHOSEN])
    time.sleep(SETTLING)
    codes = list(StatusCode)[: len(others)]
    for semaphore, code in zip(others, codes, strict=True):
        semaphore.fail(code, "on purpose")
    ends = [waiter.end() for waiter in waiters]
    expect_equal(ends, codes, "SEM-7", f"how nine waits ended that a {event} was nothing to")
    release_all(semaphores)


def test_each_wakes_its_own_waiter(device: Device) -> None:
    """Waits on ten semaphores and signals them one by one, last first: each its own waiter."""
    semaphores = [device.create_semaphore() for _ in range(COUNT)]
    waiters = [Waiter(semaphore, 1) for semaphore in semaphores]
    for n in reversed(range(COUNT)):
        semaphores[n].signal(1)
        expect_equal(waiters[n].end(), "reached", "SEM-7", f"the wait for semaphore {n}")
        early = [other for other in range(n) if not waiters[other].waiting]
        expect_equal(early, [], "SEM-7", f"other waits that ended with semaphore {n}'s")
    release_all(semaphores)


def test_a_new_one_has_nothing_of_one_that_is_gone(device: Device) -> None:
    """Fails and releases a semaphore twenty times and makes a new one: payload 0, and it works."""
    for turn in range(20):
        with device.create_semaphore(turn) as old:
            old.fail(StatusCode.DATA_LOSS, "on purpose")
        with device.create_semaphore() as new:
            expect_equal(new.query(), 0, "SEM-7", f"query of a new semaphore in turn {turn}")
            new.signal(1)
            new.wait(1, 0.0)


def test_failures_of_several_are_their_own(device: Device) -> None:
    """Fails ten semaphores with ten codes: each gives its own."""
    codes = list(StatusCode)[:COUNT]
    semaphores = [device.create_semaphore() for _ in codes]
    for semaphore, code in zip(semaphores, codes, strict=True):
        semaphore.fail(code, "on purpose")
    found = []
    for semaphore in semaphores:
        try:
            found.append(semaphore.query())
        except HalError as error:
            found.append(error.code)
    expect_equal(found, codes, "SEM-7", "what ten queries raised")
    release_all(semaphores)
