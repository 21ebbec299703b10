"""Failure: it travels along semaphores with its code, and what it stops is not done."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from itertools import pairwise

import pytest

from cts.checks import expect, expect_equal, expect_error
from cts.hal import Device, HalError, SemaphoreList, StatusCode
from cts.work_cases import Waiter
from cts.work_cases.concurrency import Apart
from cts.work_cases.operations import Bench, with_each_operation

CODE = StatusCode.DATA_LOSS
CHAIN = 100
SOON = 2.0
"""Seconds in which a failure has come along; there is no work that it could wait for."""
AT_ONCE = 0.2
"""The same where the submission itself told of the failure, so that the driver is done with it."""
BEFORE_AND_AFTER = pytest.mark.parametrize(
    "when", ["before", pytest.param("after", marks=pytest.mark.needs(async_queue=True))]
)
"""Whether a case's semaphore fails before its submissions or after them."""

pytestmark = [
    pytest.mark.spec("QUE-5"),
    pytest.mark.needs("allocator", "create_semaphore"),
]


def submit_failing(code: StatusCode, submit: Callable[[], None]) -> float:
    """Makes a submission behind a failure; a driver may tell at once, with the failure's code.

    Returns the seconds in which its signals have failed.
    """
    try:
        submit()
    except HalError as error:
        expect_equal(error.code, code, "QUE-5", "a submission behind a failed wait")
        return AT_ONCE
    return SOON


def expect_failed(
    code: StatusCode, doing: str, signals: SemaphoreList, within: float = SOON
) -> None:
    """Fails the case unless each of these timepoints ends with that code."""
    __tracebackhide__ = True
    for semaphore, value in signals:
        with expect_error(code, "QUE-5", doing):
            semaphore.wait(value, within)
        with expect_error(code, "QUE-5", f"{doing}, asked for"):  # a wait may run out by itself
            semaphore.query()


def expect_stopped(
    code: StatusCode, doing: str, submit: Callable[..., None], signal: SemaphoreList
) -> None:
    """Makes a submission behind a failure, and checks its signals."""
    __tracebackhide__ = True
    within = submit_failing(code, partial(submit, signal=signal))
    expect_failed(code, doing, signal, within)


@with_each_operation()
def test_stops_each_operation(device: Device, bench: Bench, operation: str) -> None:
    """Submits behind a failed semaphore: both signals fail with its code, nothing is written."""
    with (
        device.create_semaphore() as failed,
        device.create_semaphore() as one,
        device.create_semaphore(3) as other,
        device.create_semaphore() as good,
    ):
        failed.fail(CODE, "on purpose")
        signal = [(one, 1), (other, 4)]
        submit = partial(bench.submit, operation, wait=[(failed, 1)])
        expect_stopped(CODE, f"a signal of {operation} behind a failure", submit, signal)
        bench.expect_nothing_done("QUE-5", f"{operation} behind a failure")
        bench.submit(operation, signal=[(good, 1)])
        good.wait(1)
        bench.expect_done(operation, "QUE-5", f"{operation} after one that failed")


@with_each_operation()
def test_stops_what_was_submitted_before_it(device: Device, bench: Bench, operation: str) -> None:
    """Submits on a thread, then fails what it waits for: its code, and nothing is written."""
    with (
        device.create_semaphore() as failing,
        device.create_semaphore() as signalled,
        device.create_semaphore() as good,
    ):
        wait, signal = [(failing, 1)], [(signalled, 1)]
        submission = Apart(partial(bench.submit, operation, wait=wait, signal=signal))
        failing.fail(CODE, "on purpose")
        told, doing = submission.end(), f"{operation}, whose wait failed later"
        expect(told in (None, CODE), "QUE-5", doing, came_back=told, asks=CODE.name)
        expect_failed(CODE, f"the signal of {doing}", signal, AT_ONCE if told else SOON)
        bench.expect_nothing_done("QUE-5", doing)
        bench.submit(operation, signal=[(good, 1)])
        good.wait(1)


@pytest.mark.needs("queue_fill")
def test_every_code_travels(device: Device, bench: Bench) -> None:
    """Fills behind semaphores that failed with each code: every signal fails with its wait's."""
    with ExitStack() as alive:
        for code in StatusCode:
            failed, signalled = (alive.enter_context(device.create_semaphore()) for _ in range(2))
            failed.fail(code, "on purpose")
            fill = partial(bench.submit, "queue_fill", wait=[(failed, 1)])
            doing = f"the signal of a fill behind fail({code.name})"
            expect_stopped(code, doing, fill, [(signalled, 1)])
        bench.expect_nothing_done("QUE-5", "fills behind semaphores that failed")


@pytest.mark.needs("queue_fill")
def test_one_failed_wait_of_three_is_enough(device: Device, bench: Bench) -> None:
    """Fills behind three waits, of which the first, second or third failed: its code, no fill."""
    with (
        device.create_semaphore(1) as reached,
        device.create_semaphore() as failed,
        ExitStack() as alive,
    ):
        failed.fail(CODE, "on purpose")
        for position in range(3):
            wait = [(failed if place == position else reached, 1) for place in range(3)]
            signal = [(alive.enter_context(device.create_semaphore()), 1)]
            fill = partial(bench.submit, "queue_fill", wait=wait)
            expect_stopped(CODE, f"a fill whose wait {position} of 3 failed", fill, signal)
        bench.expect_nothing_done("QUE-5", "fills with one failed wait of three")


@pytest.mark.needs("queue_fill", async_queue=True)
def test_one_wait_that_fails_later_is_enough(device: Device, bench: Bench) -> None:
    """Fills behind three waits, of which one fails and then two are reached: its code, no fill."""
    with ExitStack() as alive:
        for position in range(3):
            waits = [alive.enter_context(device.create_semaphore()) for _ in range(3)]
            signal = [(alive.enter_context(device.create_semaphore()), 1)]
            bench.submit("queue_fill", wait=[(wait, 1) for wait in waits], signal=signal)
            waits.pop(position).fail(CODE, "on purpose")
            for wait in waits:
                wait.signal(1)
            expect_failed(CODE, f"a fill whose wait {position} of 3 failed later", signal)
        bench.expect_nothing_done("QUE-5", "fills with one wait of three that failed later")


@pytest.mark.needs("queue_fill")
def test_stops_a_wait_for_what_was_reached(device: Device, bench: Bench) -> None:
    """Fills behind 3 of a semaphore that failed at 5: its code; behind 3 of one at 5 it fills."""
    with (
        device.create_semaphore(5) as failed,
        device.create_semaphore(5) as reached,
        device.create_semaphore() as signalled,
        device.create_semaphore() as done,
    ):
        failed.fail(CODE, "on purpose")
        fill, doing = partial(bench.submit, "queue_fill"), "a fill behind 3 of what failed at 5"
        expect_stopped(CODE, doing, partial(fill, wait=[(failed, 3)]), [(signalled, 1)])
        bench.expect_nothing_done("QUE-5", doing)
        fill(wait=[(reached, 3)], signal=[(done, 1)])
        done.wait(1)
        bench.expect_done("queue_fill", "QUE-5", "a fill behind 3 of a semaphore at 5")


@pytest.mark.needs("queue_barrier")
def test_two_failures_give_one_of_their_codes(device: Device) -> None:
    """Submits behind two failed semaphores: the signal fails with either code."""
    codes = (StatusCode.ABORTED, StatusCode.UNAVAILABLE)
    with ExitStack() as alive:
        one, other, signalled = (alive.enter_context(device.create_semaphore()) for _ in range(3))
        for semaphore, code in zip((one, other), codes, strict=True):
            semaphore.fail(code, "on purpose")
        wait, signal = [(one, 1), (other, 1)], [(signalled, 1)]
        told = Apart(partial(device.queue_barrier, wait=wait, signal=signal)).end()
        ended = Waiter(signalled, 1, AT_ONCE if told else SOON).end()
        found = {ended, told or ended}
        expect(found <= {*codes}, "QUE-5", "two failed waits", came_back=found, asks=f"of {codes}")


@pytest.mark.needs("queue_fill")
@BEFORE_AND_AFTER
def test_fans_out(device: Device, when: str) -> None:
    """Fills 16 parts of a buffer behind one failure: 16 signals fail, and nothing is filled."""
    with (
        device.allocator.allocate(16) as buffer,
        device.create_semaphore() as failing,
        ExitStack() as alive,
    ):
        signals = [(alive.enter_context(device.create_semaphore()), 1) for _ in range(16)]
        buffer.write(0, bytes(16))
        if when == "before":
            failing.fail(CODE, "on purpose")
        within = SOON
        for number, signal in enumerate(signals):
            fill = partial(device.queue_fill, buffer, number, 1, b"\x77", wait=[(failing, 1)])
            within = submit_failing(CODE, partial(fill, signal=[signal]))
        if when == "after":
            failing.fail(CODE, "on purpose")
        expect_failed(CODE, "16 fills behind a failure", signals, within)
        expect_equal(buffer.read(), bytes(16), "QUE-5", "16 fills behind a failure: the bytes")


@pytest.mark.needs("queue_barrier", "queue_fill")
@BEFORE_AND_AFTER
def test_travels_along_a_chain(device: Device, bench: Bench, when: str) -> None:
    """Chains a fill and 100 barriers behind a failure: every signal fails, nothing is filled."""
    with ExitStack() as alive:
        line = [alive.enter_context(device.create_semaphore()) for _ in range(CHAIN + 2)]
        if when == "before":
            line[0].fail(CODE, "on purpose")
        for before, after in pairwise(line):
            name = "queue_fill" if before is line[0] else "queue_barrier"
            submit, signal = partial(bench.submit, name, wait=[(before, 1)]), [(after, 1)]
            if when == "before":  # link by link: the next one would wait for what does not come
                expect_stopped(CODE, "a link of a chain behind a failure", submit, signal)
            else:
                submit(signal=signal)
        if when == "after":
            line[0].fail(CODE, "on purpose")
        timepoints = [(semaphore, 1) for semaphore in line]
        expect_failed(CODE, "a chain behind a failure", timepoints)
        bench.expect_nothing_done("QUE-5", "a chain behind a failure")


@pytest.mark.needs("queue_fill", "queue_barrier")
@BEFORE_AND_AFTER
def test_stays_off_what_does_not_wait_for_it(device: Device, bench: Bench, when: str) -> None:
    """Fills beside a chain that fails, behind a semaphore of its own: it is filled."""
    with (
        device.create_semaphore() as failing,
        device.create_semaphore() as failed,
        device.create_semaphore(1) as other,
        device.create_semaphore() as done,
    ):
        if when == "before":
            failing.fail(CODE, "on purpose")
        barrier = partial(device.queue_barrier, wait=[(failing, 1)], signal=[(failed, 1)])
        submit_failing(CODE, barrier)  # what becomes of its signal is for other cases
        bench.submit("queue_fill", wait=[(other, 1)], signal=[(done, 1)])
        if when == "after":
            failing.fail(CODE, "on purpose")
        done.wait(1)
        bench.expect_done("queue_fill", "QUE-5", "a fill beside a failure")
