"""Failures: one ends the timeline for good, for everybody, with its own code."""

from __future__ import annotations

import threading
from contextlib import suppress

import pytest

from cts.checks import expect, expect_equal, expect_error
from cts.hal import Device, HalError, Semaphore, StatusCode
from cts.work_cases import LONG, Waiter

EIGHT = 8
RACES = 3
"""Times that eight threads fail a semaphore at once."""

pytestmark = [pytest.mark.needs("create_semaphore"), pytest.mark.spec("SEM-4")]


def code_of(semaphore: Semaphore) -> StatusCode | int:
    """The code that query raises, or the payload that it gives."""
    try:
        return semaphore.query()
    except HalError as error:
        return error.code


def expect_failed(semaphore: Semaphore, code: StatusCode, doing: str) -> None:
    """Queries, and waits for what was reached and what was not: each raises the code."""
    with expect_error(code, "SEM-4", f"query {doing}"):
        semaphore.query()
    for value in (0, 5, 6):
        for timeout in (0.0, LONG):
            with expect_error(code, "SEM-4", f"wait({value}, {timeout}) {doing}"):
                semaphore.wait(value, timeout)


@pytest.mark.parametrize("code", list(StatusCode), ids=lambda code: str(code.name))
def test_its_code_is_given_to_everybody(device: Device, code: StatusCode) -> None:
    """Fails a semaphore with each code there is: who waits and all that comes later get it."""
    with device.create_semaphore(5) as semaphore:
        waiter = Waiter(semaphore, 6)
        semaphore.fail(code, "on purpose")
        expect_equal(waiter.end(), code, "SEM-4", f"a wait under way at fail({code.name})")
        expect_failed(semaphore, code, f"after fail({code.name})")


def test_it_wakes_every_waiter(device: Device) -> None:
    """Fails a semaphore that eight threads wait for: each ends with its code."""
    with device.create_semaphore() as semaphore:
        waiters = [Waiter(semaphore, value) for value in (1, 1, 1, 2, 3, 2**16, 2**30, 2**31 - 2)]
        semaphore.fail(StatusCode.ABORTED, "on purpose")
        ends = [waiter.end() for waiter in waiters]
        expect_equal(ends, [StatusCode.ABORTED] * EIGHT, "SEM-4", "eight waits at fail(ABORTED)")


def test_no_message_is_needed(device: Device) -> None:
    """Fails a semaphore with a code alone: that code."""
    with device.create_semaphore(5) as semaphore:
        semaphore.fail(StatusCode.DATA_LOSS)
        expect_failed(semaphore, StatusCode.DATA_LOSS, "after fail(DATA_LOSS) without a message")


def test_the_first_one_wins(device: Device) -> None:
    """Fails a semaphore twice: the first code stays."""
    with device.create_semaphore(5) as semaphore:
        semaphore.fail(StatusCode.CANCELLED, "first")
        semaphore.fail(StatusCode.INTERNAL, "second")
        expect_failed(semaphore, StatusCode.CANCELLED, "after fail(CANCELLED), fail(INTERNAL)")


def test_a_signal_is_refused_with_its_code(device: Device) -> None:
    """Fails semaphores with each code there is, then signals them: each signal raises that code."""
    for code in StatusCode:
        with device.create_semaphore(5) as semaphore:
            semaphore.fail(code, "on purpose")
            for value in (6, 5, 7):
                doing = f"signal({value}) at 5, after fail({code.name})"
                with expect_error(code, "SEM-4", doing):
                    semaphore.signal(value)


def test_a_signal_does_not_revive_it(device: Device) -> None:
    """Signals a failed semaphore, whatever comes of that: it stays failed, its waiter too."""
    with device.create_semaphore(5) as semaphore:
        waiter = Waiter(semaphore, 6)
        semaphore.fail(StatusCode.UNAVAILABLE, "on purpose")
        for value in range(6, 12):
            with suppress(HalError):
                semaphore.signal(value)
        expect_equal(waiter.end(), StatusCode.UNAVAILABLE, "SEM-4", "a wait for 6, then fail")
        expect_failed(semaphore, StatusCode.UNAVAILABLE, "after six signals to a failed semaphore")


def test_what_was_reached_before_it_stays_reached_to_who_saw_it(device: Device) -> None:
    """Signals 6, sees a waiter of it end, then fails: that one was reached, the next one fails."""
    with device.create_semaphore(5) as semaphore:
        early, late = Waiter(semaphore, 6), Waiter(semaphore, 7)
        semaphore.signal(6)
        expect_equal(early.end(), "reached", "SEM-4", "a wait for 6 before the failure")
        semaphore.fail(StatusCode.ABORTED, "on purpose")
        expect_equal(late.end(), StatusCode.ABORTED, "SEM-4", "a wait for 7 when it failed")


def test_of_several_threads_one_wins(device: Device) -> None:
    """Fails a semaphore on eight threads at once, each with its own code: one is for everybody."""
    codes = list(StatusCode)[:EIGHT]
    start = threading.Barrier(EIGHT)

    def fail(semaphore: Semaphore, code: StatusCode, seen: list[StatusCode | int]) -> None:
        start.wait(LONG)
        semaphore.fail(code, "on purpose")
        seen.append(code_of(semaphore))

    for _ in range(RACES):
        with device.create_semaphore() as semaphore:
            seen: list[StatusCode | int] = []
            waiter = Waiter(semaphore, 1)
            threads = [
                threading.Thread(target=fail, args=(semaphore, code, seen), daemon=True)
                for code in codes
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(LONG)
            found = [*seen, waiter.end(), code_of(semaphore)]
        expect(
            len(found) == EIGHT + 2 and len(set(found)) == 1 and found[0] in codes,
            "SEM-4",
            "query on each of eight threads that failed it, a wait, and query afterwards",
            came_back=found,
            asks="one code for all",
        )
