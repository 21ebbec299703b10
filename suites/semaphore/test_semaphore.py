"""Timeline semaphores: monotonic, waited for with a time-out, failed for good."""

from __future__ import annotations

import threading
import time

import pytest

from cts.checks import expect, expect_equal, expect_error, unsupported
from cts.hal import Device, DeviceGroup, Driver, HalError, Semaphore, StatusCode

SHORT = 0.05
"""Seconds that a wait is given which must run out."""
LONG = 10.0
"""Seconds after which a wait counts as lost."""

pytestmark = pytest.mark.needs("create_semaphore")


@pytest.fixture
def device(device_group: DeviceGroup) -> Device:
    """A device of the session's group."""
    return device_group.device_at(0)


class Waiter:
    """A thread that waits for a payload, and tells how that ended."""

    def __init__(self, semaphore: Semaphore, value: int) -> None:
        self._started = threading.Event()
        self._ended: list[StatusCode | str] = []
        self._thread = threading.Thread(target=self._wait, args=(semaphore, value), daemon=True)
        self._thread.start()
        self._started.wait(LONG)
        time.sleep(SHORT)  # so that most of the time it is inside the wait

    def _wait(self, semaphore: Semaphore, value: int) -> None:
        self._started.set()
        try:
            semaphore.wait(value, LONG)
            self._ended.append("reached")
        except HalError as error:
            self._ended.append(error.code)

    @property
    def waiting(self) -> bool:
        """Whether the wait goes on."""
        return not self._ended

    def end(self) -> StatusCode | str:
        """How the wait ended."""
        self._thread.join(LONG)
        return self._ended[0] if self._ended else "still waiting"


def _needs_jump(driver: Driver, step: int) -> None:
    """Ends a case whose signal goes further than the driver declares to be possible."""
    limit = driver.properties.max_semaphore_jump
    if limit is not None and step > limit:
        unsupported(f"needs a signal that jumps by {step}: max_semaphore_jump is {limit}")


@pytest.mark.spec("SEM-1")
@pytest.mark.parametrize("initial", [0, 1, 7, 2**31 - 3])
def test_starts_with_its_initial_payload(device: Device, initial: int) -> None:
    """Creates a semaphore with a payload: query tells it, and after a signal the next one."""
    with device.create_semaphore(initial) as semaphore:
        expect_equal(semaphore.query(), initial, "SEM-1", f"query after create({initial})")
        semaphore.signal(initial + 1)
        expect_equal(semaphore.query(), initial + 1, "SEM-1", f"query after signal({initial + 1})")


@pytest.mark.spec("SEM-1")
def test_a_signal_may_skip_values(device: Device, hal_driver: Driver) -> None:
    """Signals 3, then 40 or as far as it may jump: query tells each."""
    jump = hal_driver.properties.max_semaphore_jump
    with device.create_semaphore(2) as semaphore:
        for value in (3, 3 + min(37, jump or 37)):
            semaphore.signal(value)
            expect_equal(semaphore.query(), value, "SEM-1", f"query after signal({value})")


@pytest.mark.spec("SEM-2")
@pytest.mark.parametrize("value", [0, 4, 5])
def test_a_signal_that_does_not_advance_is_refused(device: Device, value: int) -> None:
    """Signals the payload again, and lower ones: refused, payload as before; 6 is taken."""
    with device.create_semaphore(5) as semaphore:
        with expect_error(StatusCode.INVALID_ARGUMENT, "SEM-2", f"signal({value}) after 5"):
            semaphore.signal(value)
        expect_equal(semaphore.query(), 5, "SEM-2", f"query after signal({value})")
        semaphore.signal(6)


@pytest.mark.spec("SEM-2")
def test_the_declared_maximum_holds_on_both_sides(device: Device, hal_driver: Driver) -> None:
    """Signals the declared maximum, then one more: taken, and refused with nothing changed."""
    properties = hal_driver.properties
    limit, jump = properties.max_semaphore_value, properties.max_semaphore_jump
    expect(limit >= 2**31 - 2, "SEM-2", "max_semaphore_value", came_back=limit, asks="2**31 - 2")
    with device.create_semaphore(limit - min(jump or 1, 1)) as semaphore:
        semaphore.signal(limit)
        with expect_error(StatusCode.INVALID_ARGUMENT, "SEM-2", f"signal({limit + 1})"):
            semaphore.signal(limit + 1)
        expect_equal(semaphore.query(), limit, "SEM-2", f"query after signal({limit + 1})")


@pytest.mark.spec("SEM-2")
def test_the_declared_jump_holds_on_both_sides(device: Device, hal_driver: Driver) -> None:
    """Signals further than is declared to be possible, then as far: refused, and taken."""
    jump = hal_driver.properties.max_semaphore_jump
    if jump is None:
        unsupported("the driver declares no max_semaphore_jump")
    with device.create_semaphore(2) as semaphore:
        with expect_error(StatusCode.INVALID_ARGUMENT, "SEM-2", f"signal({jump + 3}) after 2"):
            semaphore.signal(jump + 3)
        expect_equal(semaphore.query(), 2, "SEM-2", f"query after signal({jump + 3})")
        semaphore.signal(jump + 2)
        expect_equal(semaphore.query(), jump + 2, "SEM-2", f"query after signal({jump + 2})")


@pytest.mark.spec("SEM-3")
@pytest.mark.parametrize("value", [0, 4, 5])
def test_a_wait_for_what_is_reached_returns(device: Device, value: int) -> None:
    """Waits for the payload and for lower ones, with no time to spend: returns."""
    with device.create_semaphore(5) as semaphore:
        semaphore.wait(value, 0.0)
        semaphore.wait(value, LONG)


@pytest.mark.spec("SEM-3")
@pytest.mark.parametrize("timeout", [0.0, SHORT])
def test_a_wait_for_what_is_not_reached_runs_out(device: Device, timeout: float) -> None:
    """Waits for the next payload: DEADLINE_EXCEEDED, and not before the time is over."""
    with device.create_semaphore(5) as semaphore:
        started = time.monotonic()
        with expect_error(StatusCode.DEADLINE_EXCEEDED, "SEM-3", f"wait(6, {timeout}) at 5"):
            semaphore.wait(6, timeout)
        spent = time.monotonic() - started
        early = f"after {spent} s"
        expect(
            spent >= timeout * 0.9, "SEM-3", f"wait(6, {timeout})", came_back=early, asks="later"
        )
        expect_equal(semaphore.query(), 5, "SEM-3", "query afterwards")


@pytest.mark.spec("SEM-3")
@pytest.mark.parametrize("value", [6, 9])
def test_a_signal_wakes_a_waiter(device: Device, hal_driver: Driver, value: int) -> None:
    """Waits for 6 on another thread, signals 6 or more: the wait ends, and not before."""
    _needs_jump(hal_driver, value - 5)
    with device.create_semaphore(4) as semaphore:
        waiter = Waiter(semaphore, 6)
        semaphore.signal(5)
        time.sleep(SHORT)
        expect(
            waiter.waiting,
            "SEM-3",
            "signal(5) with a wait for 6",
            came_back="it ended",
            asks="still waiting",
        )
        semaphore.signal(value)
        expect_equal(waiter.end(), "reached", "SEM-3", f"a wait for 6 after signal({value})")


@pytest.mark.spec("SEM-3")
def test_a_signal_wakes_every_waiter(device: Device, hal_driver: Driver) -> None:
    """Waits for 1 to 8 on eight threads, signals 8: all end."""
    _needs_jump(hal_driver, 8)
    with device.create_semaphore() as semaphore:
        waiters = [Waiter(semaphore, value) for value in range(1, 9)]
        semaphore.signal(8)
        ends = [waiter.end() for waiter in waiters]
        expect_equal(ends, ["reached"] * 8, "SEM-3", "eight waits after signal(8)")


@pytest.mark.spec("SEM-4")
def test_a_failure_reaches_queries_and_waits(device: Device) -> None:
    """Fails a semaphore: query and every wait raise that code, also for payloads once reached."""
    with device.create_semaphore(5) as semaphore:
        semaphore.fail(StatusCode.DATA_LOSS, "on purpose")
        with expect_error(StatusCode.DATA_LOSS, "SEM-4", "query after fail"):
            semaphore.query()
        for value in (6, 5):
            with expect_error(StatusCode.DATA_LOSS, "SEM-4", f"wait({value}) after fail"):
                semaphore.wait(value, LONG)


@pytest.mark.spec("SEM-4")
def test_a_failure_wakes_every_waiter(device: Device) -> None:
    """Fails a semaphore that four threads wait for: each ends with that code."""
    with device.create_semaphore() as semaphore:
        waiters = [Waiter(semaphore, value) for value in (1, 1, 2, 1 << 30)]
        semaphore.fail(StatusCode.ABORTED, "on purpose")
        ends = [waiter.end() for waiter in waiters]
        expect_equal(ends, [StatusCode.ABORTED] * 4, "SEM-4", "four waits after fail(ABORTED)")


@pytest.mark.spec("SEM-4")
def test_the_first_failure_wins(device: Device) -> None:
    """Fails a semaphore twice: the first code stays."""
    with device.create_semaphore() as semaphore:
        semaphore.fail(StatusCode.CANCELLED, "first")
        semaphore.fail(StatusCode.INTERNAL, "second")
        with expect_error(StatusCode.CANCELLED, "SEM-4", "query after two failures"):
            semaphore.query()
