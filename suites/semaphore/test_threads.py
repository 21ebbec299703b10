"""Semaphores from many threads: one signal of a value counts, payloads grow, wake-ups arrive."""

from __future__ import annotations

import threading
import time

import pytest

from cts.checks import expect, expect_equal
from cts.hal import Device, Driver, HalError, Semaphore, StatusCode
from cts.threads import in_threads
from cts.work_cases import LONG, Waiter, needs_jump

THREADS = 8
RACES = 25
"""Values that all threads signal at once."""
FAILURES = 5
"""Times that a signal and a failure meet."""
ROUNDS = 1000
"""Times that two threads wake each other at most."""
ENOUGH = 1.0
"""Seconds after which they stop all the same: a driver may be slow."""
LAST = 400
"""Payload up to which writers race."""
PATIENT = 2 * LONG
"""Seconds of a wait: more than its thread is given to end, or the last look of a wait whose time is
over would find what no wake-up told it."""

pytestmark = [pytest.mark.needs("create_semaphore"), pytest.mark.spec("SEM-6")]


def signal(semaphore: Semaphore, value: int) -> StatusCode | None:
    """The code that a signal is refused with, none where it is taken."""
    try:
        semaphore.signal(value)
    except HalError as error:
        return error.code
    return None


def test_of_many_signals_of_one_value_one_succeeds(device: Device) -> None:
    """Signals each of 25 values on eight threads at once: one is taken, seven are refused."""
    at_once = threading.Barrier(THREADS)
    came_back: dict[int, list[StatusCode | None]] = {value: [] for value in range(1, RACES + 1)}
    with device.create_semaphore() as semaphore:

        def race(number: int) -> None:
            for value, codes in came_back.items():
                at_once.wait(LONG)
                codes.append(signal(semaphore, value))

        doing = "signalling on eight threads"
        expect_equal(in_threads(race, THREADS), [], "SEM-6", doing)
        expect_equal(semaphore.query(), RACES, "SEM-6", f"query after {doing}")
    wanted = {None: 1, StatusCode.INVALID_ARGUMENT: THREADS - 1}
    for value, codes in came_back.items():
        counts = {code: codes.count(code) for code in codes}
        expect_equal(counts, wanted, "SEM-6", f"how often signal({value}) came back with what")


def test_no_reader_sees_the_payload_go_back(device: Device, hal_driver: Driver) -> None:
    """Queries on four threads while four others signal as fast as they can: it only grows."""
    needs_jump(hal_driver, LAST)
    writers = list(range(1, THREADS, 2))
    back: list[tuple[int, int]] = []
    with device.create_semaphore() as semaphore:

        def write(number: int) -> None:
            for value in range(number, LAST + 1):
                signal(semaphore, value)
            writers.remove(number)

        def read(number: int) -> None:
            before = 0
            while writers:
                payload = semaphore.query()
                if payload < before:
                    back.append((before, payload))
                before = payload

        doing = "signalling and querying on eight threads"
        errors = in_threads(lambda n: write(n) if n % 2 else read(n), THREADS)
        expect_equal(errors, [], "SEM-6", doing)
        expect_equal(semaphore.query(), LAST, "SEM-6", f"query after {doing}")
    expect_equal(back[:3], [], "SEM-6", "(payload, lower payload that the same thread read next)")


def test_no_reader_sees_less_than_it_waited_for(device: Device) -> None:
    """Waits for each of 200 values on three threads while a fourth signals them: query agrees."""
    less: list[tuple[int, int]] = []
    with device.create_semaphore() as semaphore:

        def work(number: int) -> None:
            for value in range(1, 201):
                if number == 0:
                    semaphore.signal(value)
                else:
                    semaphore.wait(value, PATIENT)
                    payload = semaphore.query()
                    if payload < value:
                        less.append((value, payload))

        expect_equal(in_threads(work, 4), [], "SEM-6", "signalling and waiting on four threads")
    expect_equal(less[:3], [], "SEM-6", "(value waited for, lower payload that query told then)")


def test_two_threads_wake_each_other(device: Device) -> None:
    """Hands a turn back and forth over two semaphores, up to 1,000 times: no wake-up is lost."""
    last = [ROUNDS]
    enough = time.monotonic() + ENOUGH
    with device.create_semaphore() as ping, device.create_semaphore() as pong:

        def lead() -> None:
            for turn in range(1, ROUNDS + 1):
                if time.monotonic() > enough:
                    last[0] = turn
                ping.signal(turn)
                pong.wait(turn, PATIENT)
                if turn == last[0]:
                    return

        def follow() -> None:
            turn = 0
            while turn < last[0]:
                turn += 1
                ping.wait(turn, PATIENT)
                pong.signal(turn)

        errors = in_threads(lambda number: follow() if number else lead(), 2)
        expect_equal(errors, [], "SEM-6", "two threads that wake each other in turn")
        ends = (ping.query(), pong.query())
        expect_equal(ends, (last[0], last[0]), "SEM-6", f"both payloads after {last[0]} turns")


def test_rising_values_wake_their_waiters_one_by_one(device: Device) -> None:
    """Waits for 1 to 16 on sixteen threads and signals one by one: each wakes its own waiter."""
    values = range(1, 17)
    with device.create_semaphore() as semaphore:
        waiters = [Waiter(semaphore, value) for value in reversed(values)][::-1]
        for value, waiter in zip(values, waiters, strict=True):
            semaphore.signal(value)
            expect_equal(waiter.end(), "reached", "SEM-6", f"the wait for {value} of 1 to 16")
            later = [v for v, other in enumerate(waiters, 1) if v > value and not other.waiting]
            expect_equal(later, [], "SEM-6", f"waits for more that ended at signal({value})")


def test_a_signal_from_any_thread_wakes(device: Device) -> None:
    """Signals 1 to 8 in turn, each on a thread of its own: the wait for 8 here ends."""
    with device.create_semaphore() as semaphore:

        def work(number: int) -> None:
            semaphore.wait(number, PATIENT)
            semaphore.signal(number + 1)

        waiter = Waiter(semaphore, THREADS)
        expect_equal(in_threads(work, THREADS), [], "SEM-6", "a chain of eight threads")
        expect_equal(waiter.end(), "reached", "SEM-6", "the wait for the last thread's signal")


def test_a_wait_that_runs_out_takes_no_wake_up_along(device: Device) -> None:
    """Lets three of six waits for one value run out, then signals it: the others end as reached."""
    with device.create_semaphore() as semaphore:
        brief = [Waiter(semaphore, 1, timeout=0.005) for _ in range(3)]
        patient = [Waiter(semaphore, 1) for _ in range(3)]
        over = [waiter.end() for waiter in brief]
        semaphore.signal(1)
        ends = [waiter.end() for waiter in patient]
    expect_equal(over, [StatusCode.DEADLINE_EXCEEDED] * 3, "SEM-6", "three waits for 0.005 s")
    expect_equal(ends, ["reached"] * 3, "SEM-6", "three other waits for what was then signalled")


def test_a_signal_and_a_failure_at_once_agree(device: Device) -> None:
    """Signals and fails at once on two threads: a wait is reached only if the signal is taken."""
    for _ in range(FAILURES):
        with device.create_semaphore() as semaphore:
            waiters = [Waiter(semaphore, 1) for _ in range(2)]
            refused, errors = signal_and_fail(semaphore)
            expect_equal(errors, [], "SEM-6", "a signal and a failure at once")
            ends = {waiter.end() for waiter in waiters}
        allowed = {StatusCode.ABORTED} | ({"reached"} if refused is None else set())
        doing = f"two waits, with the signal {'taken' if refused is None else 'refused'}"
        expect(ends <= allowed, "SEM-6", doing, came_back=ends, asks=f"of {allowed}")


def signal_and_fail(semaphore: Semaphore) -> tuple[StatusCode | None, list[BaseException]]:
    """How the signal came back, and what went wrong besides."""
    came_back: list[StatusCode | None] = []

    def work(number: int) -> None:
        if number:
            came_back.append(signal(semaphore, 1))
        else:
            semaphore.fail(StatusCode.ABORTED, "on purpose")

    errors = in_threads(work, 2)
    return came_back[0], errors
