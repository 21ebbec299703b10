"""Waits: they return once the payload is reached, run out when their time is over, and not before.

A waiter that must not be woken is told by how it ends: the semaphore is failed after what must not
wake it, and one that slept on ends with that failure.
"""

from __future__ import annotations

import inspect
import math
import time

import pytest

from cts.checks import expect, expect_equal, expect_error
from cts.hal import Device, Driver, HalError, StatusCode
from cts.work_cases import LONG, Waiter, needs_jump

TIMEOUTS = (0.0, 0.002, 0.02)
"""Seconds after which waits run out."""
ROUNDING = 0.001
"""Seconds by which the clocks of a driver and of Python may differ over such a time."""
HUGE_TIMEOUTS = (1e9, 2.0**31, 1e10, 2.0**35)
"""Seconds; the last two are more nanoseconds than 64 bits hold."""
SETTLING = 0.002
"""Seconds in which a thread that is about to wait, or to return, nearly always does so."""
EIGHT = 8

pytestmark = pytest.mark.needs("create_semaphore")


@pytest.mark.spec("SEM-3")
@pytest.mark.parametrize("value", [0, 4, 5])
@pytest.mark.parametrize("timeout", [0.0, -1.0, LONG, None], ids=str)
def test_a_wait_for_what_is_reached_returns(
    device: Device, value: int, timeout: float | None
) -> None:
    """Waits for the payload and for lower ones, with time, with none and for ever: returns."""
    with device.create_semaphore(5) as semaphore:
        semaphore.wait(value, timeout)
        expect_equal(semaphore.query(), 5, "SEM-3", f"query after wait({value}, {timeout})")


@pytest.mark.spec("SEM-3")
@pytest.mark.parametrize("timeout", TIMEOUTS)
def test_a_wait_for_what_is_not_reached_runs_out(device: Device, timeout: float) -> None:
    """Waits for the next payload: DEADLINE_EXCEEDED, and not before the time is over."""
    with device.create_semaphore(5) as semaphore:
        doing = f"wait(6, {timeout}) at 5"
        started = time.monotonic()
        with expect_error(StatusCode.DEADLINE_EXCEEDED, "SEM-3", doing):
            semaphore.wait(6, timeout)
        spent = time.monotonic() - started
        early = f"DEADLINE_EXCEEDED after {spent} s"
        expect(spent >= timeout - ROUNDING, "SEM-3", doing, came_back=early, asks="not before")
        expect_equal(semaphore.query(), 5, "SEM-3", f"query after {doing}")


@pytest.mark.spec("SEM-3")
@pytest.mark.parametrize("distance", [1, 2, 1000, 2**20, 2**31 - 2 - 5])
def test_a_wait_for_any_later_payload_runs_out(device: Device, distance: int) -> None:
    """Waits for payloads near and far, with no time to spend: DEADLINE_EXCEEDED."""
    with (
        device.create_semaphore(5) as semaphore,
        expect_error(StatusCode.DEADLINE_EXCEEDED, "SEM-3", f"wait({5 + distance}, 0) at 5"),
    ):
        semaphore.wait(5 + distance, 0.0)


@pytest.mark.spec("SEM-3")
@pytest.mark.parametrize("timeout", [-0.001, -1.0, -1e10])
def test_a_negative_timeout_has_run_out(device: Device, timeout: float) -> None:
    """Waits for the next payload with less than no time: DEADLINE_EXCEEDED, and not for ever."""
    with (
        device.create_semaphore(5) as semaphore,
        expect_error(StatusCode.DEADLINE_EXCEEDED, "SEM-3", f"wait(6, {timeout}) at 5"),
    ):
        semaphore.wait(6, timeout)


@pytest.mark.spec("SEM-3")
@pytest.mark.parametrize("timeout", HUGE_TIMEOUTS)
def test_a_huge_timeout_is_one(device: Device, timeout: float) -> None:
    """Waits for decades and more, for what is reached and what will be: no early end."""
    with device.create_semaphore(5) as semaphore:
        semaphore.wait(5, timeout)
        waiter = Waiter(semaphore, 6, timeout)
        time.sleep(SETTLING)
        semaphore.signal(6)
        expect_equal(waiter.end(), "reached", "SEM-3", f"wait(6, {timeout}) after signal(6)")


@pytest.mark.spec("SEM-3")
def test_a_wait_that_ran_out_is_tried_again(device: Device) -> None:
    """Waits in vain three times, then signals and waits: the last one returns."""
    with device.create_semaphore() as semaphore:
        for _ in range(3):
            with expect_error(StatusCode.DEADLINE_EXCEEDED, "SEM-3", "wait(1, 0.001) at 0"):
                semaphore.wait(1, 0.001)
        semaphore.signal(1)
        semaphore.wait(1, 0.0)


@pytest.mark.spec("SEM-3")
@pytest.mark.parametrize("value", [6, 7, 1000])
def test_a_signal_wakes_who_waits_for_it_or_less(
    device: Device, hal_driver: Driver, value: int
) -> None:
    """Waits for 6 on another thread, signals 6 or more: the wait ends."""
    needs_jump(hal_driver, value - 5)
    with device.create_semaphore(5) as semaphore:
        waiter = Waiter(semaphore, 6)
        semaphore.signal(value)
        expect_equal(waiter.end(), "reached", "SEM-3", f"a wait for 6 after signal({value})")


@pytest.mark.spec("SEM-3")
@pytest.mark.parametrize("value", [5, 6, 9])
def test_a_signal_does_not_wake_who_waits_for_more(
    device: Device, hal_driver: Driver, value: int
) -> None:
    """Signals less than threads wait for, then fails the semaphore: they end with its code."""
    needs_jump(hal_driver, value - 4)
    with device.create_semaphore(4) as semaphore:
        waiters = [Waiter(semaphore, later) for later in (value + 1, value + 2, value + 2**20)]
        witness = Waiter(semaphore, value)
        semaphore.signal(value)
        expect_equal(witness.end(), "reached", "SEM-3", f"a wait for {value}, signalled")
        time.sleep(SETTLING)
        semaphore.fail(StatusCode.ABORTED, "on purpose")
        ends = [waiter.end() for waiter in waiters]
        wanted = [StatusCode.ABORTED] * len(waiters)
        expect_equal(ends, wanted, "SEM-3", f"waits for more than {value}, which was signalled")


@pytest.mark.spec("SEM-3")
def test_a_signal_wakes_every_waiter(device: Device, hal_driver: Driver) -> None:
    """Waits for 1 to 8 on eight threads, signals 8: all end."""
    needs_jump(hal_driver, EIGHT)
    with device.create_semaphore() as semaphore:
        waiters = [Waiter(semaphore, value) for value in range(1, EIGHT + 1)]
        semaphore.signal(EIGHT)
        ends = [waiter.end() for waiter in waiters]
        expect_equal(ends, ["reached"] * EIGHT, "SEM-3", "eight waits after signal(8)")


@pytest.mark.spec("SEM-3")
@pytest.mark.needs("queue_barrier")
def test_a_queues_signal_wakes_every_waiter(device: Device, hal_driver: Driver) -> None:
    """Waits for 1 to 8 on eight threads, has the queue signal 8: all end."""
    needs_jump(hal_driver, EIGHT)
    with device.create_semaphore() as semaphore:
        waiters = [Waiter(semaphore, value) for value in range(1, EIGHT + 1)]
        device.queue_barrier(signal=[(semaphore, EIGHT)])
        ends = [waiter.end() for waiter in waiters]
        expect_equal(ends, ["reached"] * EIGHT, "SEM-3", "eight waits after a queue's signal of 8")


@pytest.mark.spec("SEM-5")
def test_the_default_timeout_is_a_bounded_number(device: Device) -> None:
    """Reads the time-out that `wait` has by default: a number of seconds, not none, not for ever.

    That a wait ends when such a number is over is what SEM-3's cases see with shorter ones.
    """
    with device.create_semaphore() as semaphore:
        parameter = inspect.signature(semaphore.wait).parameters.get("timeout")
    timeout = "no such parameter" if parameter is None else parameter.default
    bounded = isinstance(timeout, int | float) and 0 < timeout < math.inf
    expect(bounded, "SEM-5", "the default time-out of wait", came_back=timeout, asks="a number")


@pytest.mark.spec("SEM-5")
def test_a_timeout_that_is_no_number_of_seconds_ends(device: Device) -> None:
    """Waits for the next payload for NaN seconds: ends with a code, not unbounded."""
    codes = (StatusCode.DEADLINE_EXCEEDED, StatusCode.INVALID_ARGUMENT)
    with device.create_semaphore(5) as semaphore:
        try:
            semaphore.wait(6, math.nan)
            came_back: StatusCode | str = "reached"
        except HalError as error:
            came_back = error.code
    asks = f"{codes[0].name} or {codes[1].name}"
    expect(came_back in codes, "SEM-5", "wait(6, nan) at 5", came_back=came_back, asks=asks)
