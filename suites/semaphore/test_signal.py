"""Signals: a payload that starts where it was asked to, and only grows."""

from __future__ import annotations

import pytest

from cts.checks import expect, expect_equal, expect_error, unsupported
from cts.hal import Device, Driver, StatusCode

LEAST_MAXIMUM = 2**31 - 2
PAST_64_BITS = (2**64, 2**64 + 6, 2**100)
"""Payloads that are small ones to who keeps 64 bits of them."""

pytestmark = pytest.mark.needs("create_semaphore")


@pytest.mark.spec("SEM-1")
@pytest.mark.parametrize("initial", [0, 1, 7, 2**16, 2**31 - 3])
def test_starts_with_its_initial_payload(device: Device, initial: int) -> None:
    """Creates a semaphore with a payload: query tells it, and after a signal the next one."""
    with device.create_semaphore(initial) as semaphore:
        expect_equal(semaphore.query(), initial, "SEM-1", f"query after create({initial})")
        semaphore.signal(initial + 1)
        expect_equal(semaphore.query(), initial + 1, "SEM-1", f"query after signal({initial + 1})")


@pytest.mark.spec("SEM-1")
def test_starts_at_nothing_by_default(device: Device) -> None:
    """Creates a semaphore without a payload: it is 0, and 1 is the first signal."""
    with device.create_semaphore() as semaphore:
        expect_equal(semaphore.query(), 0, "SEM-1", "query after create()")
        semaphore.signal(1)
        expect_equal(semaphore.query(), 1, "SEM-1", "query after signal(1)")


@pytest.mark.spec("SEM-1")
@pytest.mark.parametrize("initial", [-1, -(2**31), -(2**63), -(2**64) + 6, *PAST_64_BITS])
def test_an_initial_payload_that_is_none_is_refused(device: Device, initial: int) -> None:
    """Creates semaphores at payloads that there are not: INVALID_ARGUMENT; at 0 it is taken."""
    with expect_error(StatusCode.INVALID_ARGUMENT, "SEM-1", f"create_semaphore({initial})"):
        device.create_semaphore(initial).release()
    device.create_semaphore(0).release()


@pytest.mark.spec("SEM-1")
def test_the_largest_initial_payload_is_the_declared_maximum(
    device: Device, hal_driver: Driver
) -> None:
    """Creates a semaphore at the declared maximum, then one above: taken, and INVALID_ARGUMENT."""
    limit = hal_driver.properties.max_semaphore_value
    with device.create_semaphore(limit) as semaphore:
        expect_equal(semaphore.query(), limit, "SEM-1", f"query after create({limit})")
    with expect_error(StatusCode.INVALID_ARGUMENT, "SEM-1", f"create_semaphore({limit + 1})"):
        device.create_semaphore(limit + 1).release()


@pytest.mark.spec("SEM-1")
def test_a_signal_may_skip_values(device: Device, hal_driver: Driver) -> None:
    """Signals 3, then 40 or as far as it may jump: query tells each."""
    jump = hal_driver.properties.max_semaphore_jump
    with device.create_semaphore(2) as semaphore:
        for value in (3, 3 + min(37, jump or 37)):
            semaphore.signal(value)
            expect_equal(semaphore.query(), value, "SEM-1", f"query after signal({value})")


@pytest.mark.spec("SEM-1")
def test_every_value_is_signalled_in_turn(device: Device) -> None:
    """Signals 1 to 100 in turn, asking twice after each: query tells it both times."""
    with device.create_semaphore() as semaphore:
        for value in range(1, 101):
            semaphore.signal(value)
            told = (semaphore.query(), semaphore.query())
            expect_equal(told, (value, value), "SEM-1", f"two queries after signal({value})")


@pytest.mark.spec("SEM-2")
@pytest.mark.parametrize("value", [5, 4, 0, -1, -(2**63), -(2**64) + 6, *PAST_64_BITS])
def test_a_signal_that_does_not_advance_is_refused(device: Device, value: int) -> None:
    """Signals the payload again, and what is below it or no payload: refused; 6 is taken."""
    with device.create_semaphore(5) as semaphore:
        with expect_error(StatusCode.INVALID_ARGUMENT, "SEM-2", f"signal({value}) after 5"):
            semaphore.signal(value)
        expect_equal(semaphore.query(), 5, "SEM-2", f"query after signal({value})")
        semaphore.signal(6)
        expect_equal(semaphore.query(), 6, "SEM-2", "query after signal(6)")


@pytest.mark.spec("SEM-2")
def test_the_declared_maximum_holds_on_both_sides(device: Device, hal_driver: Driver) -> None:
    """Signals the declared maximum, then more: taken, and refused with nothing changed."""
    limit = hal_driver.properties.max_semaphore_value
    asks = f"at least {LEAST_MAXIMUM}"
    expect(limit >= LEAST_MAXIMUM, "SEM-2", "max_semaphore_value", came_back=limit, asks=asks)
    with device.create_semaphore(limit - 1) as semaphore:
        semaphore.signal(limit)
        for value in (limit + 1, 2 * limit + 2):
            with expect_error(StatusCode.INVALID_ARGUMENT, "SEM-2", f"signal({value})"):
                semaphore.signal(value)
            expect_equal(semaphore.query(), limit, "SEM-2", f"query after signal({value})")


@pytest.mark.spec("SEM-2")
@pytest.mark.parametrize("value", [-1, 2**63, 2**64 - 2, 2**64 - 1, 2**64, 2**64 + 1])
def test_what_no_payload_can_be_is_refused(device: Device, hal_driver: Driver, value: int) -> None:
    """Signals what is negative or hardly fits 64 bits: refused with nothing changed; 1 is taken."""
    limit = hal_driver.properties.max_semaphore_value
    if 0 < value <= limit:
        unsupported(f"max_semaphore_value is {limit}")
    with device.create_semaphore() as semaphore:
        with expect_error(StatusCode.INVALID_ARGUMENT, "SEM-2", f"signal({value})"):
            semaphore.signal(value)
        expect_equal(semaphore.query(), 0, "SEM-2", f"query after signal({value})")
        semaphore.signal(1)


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


@pytest.mark.spec("SEM-2")
def test_without_a_declared_jump_the_maximum_is_one_step_away(
    device: Device, hal_driver: Driver
) -> None:
    """Signals the declared maximum of a fresh semaphore, where no jump is declared: taken."""
    properties = hal_driver.properties
    if properties.max_semaphore_jump is not None:
        unsupported(f"max_semaphore_jump is {properties.max_semaphore_jump}")
    limit = properties.max_semaphore_value
    with device.create_semaphore() as semaphore:
        semaphore.signal(limit)
        expect_equal(semaphore.query(), limit, "SEM-2", f"query after signal({limit})")
