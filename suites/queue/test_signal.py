"""Signals that cannot advance their semaphore: refused at the call, or it fails."""

from __future__ import annotations

import pytest

from cts.checks import expect, expect_equal, unsupported
from cts.hal import Device, Driver, HalError, Semaphore, SemaphoreList, StatusCode
from cts.work_cases import Waiter, needs_jump
from cts.work_cases.operations import Bench, with_each_operation

INVALID = StatusCode.INVALID_ARGUMENT
SOON = 2.0
"""Seconds in which a semaphore has failed that was signalled what it cannot be."""

pytestmark = [
    pytest.mark.spec("QUE-11"),
    pytest.mark.needs("allocator", "create_semaphore"),
]


def payload(semaphore: Semaphore) -> int | StatusCode:
    """The payload of a semaphore, or its failure."""
    try:
        return semaphore.query()
    except HalError as error:
        return error.code


def code_at_the_call(bench: Bench, operation: str, signal: SemaphoreList) -> StatusCode | None:
    """Submits; the code that it is refused with, if it is."""
    try:
        bench.submit(operation, signal=signal)
    except HalError as error:
        return error.code
    return None


def expect_not_passed_over(
    bench: Bench, operation: str, other: Semaphore, semaphore: Semaphore, values: list[int]
) -> None:
    """Signals `other` to 1 and `semaphore` to values of which the last cannot be."""
    before = semaphore.query()
    doing = f"{operation} that signals {values} at {before}"
    code = code_at_the_call(bench, operation, [(other, 1), *((semaphore, v) for v in values)])
    if code is not None:
        expect_equal(code, INVALID, "QUE-11", doing)
        if payload(semaphore) == before:
            expect_equal(payload(other), 0, "QUE-11", f"{doing}, refused: another signal of it")
            bench.expect_nothing_done("QUE-11", f"{doing}, refused")
            return
    ended = Waiter(semaphore, max(before, *values) + 1, SOON).end()
    asks = "a refusal with nothing changed, or that failure of the semaphore"
    expect(
        ended is INVALID, "QUE-11", doing, came_back=(code, ended), asks=f"{INVALID.name}: {asks}"
    )


@with_each_operation()
def test_no_operation_passes_one_over(device: Device, bench: Bench, operation: str) -> None:
    """Signals the payload again: refused, or a failure; one more than the payload is reached."""
    with (
        device.create_semaphore(5) as line,
        device.create_semaphore(5) as good,
        device.create_semaphore() as other,
    ):
        expect_not_passed_over(bench, operation, other, line, [5])
        bench.submit(operation, signal=[(good, 6)])
        good.wait(6)


@pytest.mark.needs("queue_fill")
@pytest.mark.parametrize("value", [4, 1, 0, -1])
def test_a_value_below_the_payload(device: Device, bench: Bench, value: int) -> None:
    """Signals less than the payload of 5: refused, or a failure; 6 is reached."""
    with (
        device.create_semaphore(5) as line,
        device.create_semaphore(5) as good,
        device.create_semaphore() as other,
    ):
        expect_not_passed_over(bench, "queue_fill", other, line, [value])
        bench.submit("queue_fill", signal=[(good, 6)])
        good.wait(6)


@pytest.mark.needs("queue_fill")
def test_a_value_above_the_declared_maximum(
    device: Device, hal_driver: Driver, bench: Bench
) -> None:
    """Signals one more than the declared maximum: refused, or a failure; the maximum is reached."""
    limit = hal_driver.properties.max_semaphore_value
    with (
        device.create_semaphore(limit - 1) as line,
        device.create_semaphore(limit - 1) as good,
        device.create_semaphore() as other,
    ):
        expect_not_passed_over(bench, "queue_fill", other, line, [limit + 1])
        bench.submit("queue_fill", signal=[(good, limit)])
        good.wait(limit)


@pytest.mark.needs("queue_fill")
def test_a_value_that_is_too_far(device: Device, hal_driver: Driver, bench: Bench) -> None:
    """Signals further than is declared to be possible: refused, or a failure; as far is reached."""
    jump = hal_driver.properties.max_semaphore_jump
    if jump is None:
        unsupported("the driver declares no max_semaphore_jump")
    with (
        device.create_semaphore(2) as line,
        device.create_semaphore(2) as good,
        device.create_semaphore() as other,
    ):
        expect_not_passed_over(bench, "queue_fill", other, line, [jump + 3])
        bench.submit("queue_fill", signal=[(good, jump + 2)])
        good.wait(jump + 2)


@pytest.mark.needs("queue_fill")
@pytest.mark.parametrize("values", [(2, 1), (1, 1)], ids=["falling", "the-same"])
def test_two_values_that_do_not_rise(
    device: Device, hal_driver: Driver, bench: Bench, values: tuple[int, int]
) -> None:
    """Signals one semaphore twice, not rising: refused, or a failure; rising values are reached."""
    needs_jump(hal_driver, 2)
    with (
        device.create_semaphore() as line,
        device.create_semaphore() as good,
        device.create_semaphore() as other,
    ):
        expect_not_passed_over(bench, "queue_fill", other, line, list(values))
        bench.submit("queue_fill", signal=[(good, 1), (good, 2)])
        good.wait(2)


@with_each_operation()
def test_a_failed_semaphore_is_not_passed_over(
    device: Device, bench: Bench, operation: str
) -> None:
    """Signals a semaphore that has failed, and another: its code at the call, or both end."""
    failure = StatusCode.DATA_LOSS
    with (
        device.create_semaphore() as failed,
        device.create_semaphore() as other,
        device.create_semaphore() as good,
    ):
        failed.fail(failure, "on purpose")
        doing = f"{operation} that signals a failed semaphore"
        code = code_at_the_call(bench, operation, [(other, 1), (failed, 1)])
        expect(code in (None, failure), "QUE-11", doing, came_back=code, asks=failure.name)
        if payload(other) == 0 and code is not None:
            bench.expect_nothing_done("QUE-11", f"{doing}, refused")
        else:
            ended = Waiter(other, 1, SOON).end()
            asks = f"its value reached, or {failure.name}"
            fine = ended in ("reached", failure)
            expect(fine, "QUE-11", f"another signal of {doing}", came_back=ended, asks=asks)
        expect_equal(payload(failed), failure, "QUE-11", f"the failed semaphore after {doing}")
        bench.submit(operation, signal=[(good, 1)])
        good.wait(1)
