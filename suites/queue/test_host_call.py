"""Host calls: a function of the host, called in the order of the queue."""

from __future__ import annotations

import gc
import threading
import weakref
from functools import partial

import pytest

from cts.checks import expect, expect_equal, expect_error
from cts.hal import Device, HalError, SemaphoreList, StatusCode
from cts.work_cases import LONG
from cts.work_cases.concurrency import Apart

CALLS = 200

pytestmark = [
    pytest.mark.spec("QUE-15"),
    pytest.mark.needs("create_semaphore", "queue_host_call"),
]


def code_of(submit: partial[None], signal: SemaphoreList) -> StatusCode | None:
    """The code with which a submission's signals end; a driver may also tell at the call."""
    told: StatusCode | None = None
    try:
        submit(signal=signal)
    except HalError as error:
        told = error.code
    for semaphore, value in signal:
        try:
            semaphore.wait(value)
        except HalError as error:
            expect(
                told in (None, error.code),
                "QUE-15",
                "the code at the call of a host call that fails",
                came_back=told,
                asks=f"{error.code}, which its signals have",
            )
            return error.code
    return None


def test_is_made_once_each(device: Device) -> None:
    """Submits 200 calls in a chain: each is made once, in that order, before its signal."""
    made: list[int] = []
    seen: list[int] = []
    with device.create_semaphore() as line:
        for number in range(CALLS):
            wait, signal = [(line, number)], [(line, number + 1)]
            device.queue_host_call(partial(made.append, number), wait=wait, signal=signal)
            line.wait(number + 1)
            seen.append(len(made))
    expect_equal(made, list(range(CALLS)), "QUE-15", f"{CALLS} host calls in a chain")
    expect_equal(seen, list(range(1, CALLS + 1)), "QUE-15", "calls made at each signal")


def test_is_made_between_its_waits_and_its_signals(device: Device) -> None:
    """Submits a call behind two waits, on a thread: not made at one, and made at both."""
    made: list[tuple[int, int]] = []
    with (
        device.create_semaphore() as one,
        device.create_semaphore() as other,
        device.create_semaphore() as line,
    ):

        def look() -> None:
            made.append((one.query(), other.query()))

        wait, signal = [(one, 1), (other, 2)], [(line, 1)]
        submission = Apart(partial(device.queue_host_call, look, wait=wait, signal=signal))
        one.signal(1)
        with expect_error(StatusCode.DEADLINE_EXCEEDED, "QUE-15", "the signal at one of two waits"):
            line.wait(1, 0.01)
        expect_equal(made, [], "QUE-15", "calls made at one of two waits")
        other.signal(2)
        line.wait(1)
        expect_equal(submission.end(), None, "QUE-15", "queue_host_call behind two waits")
        expect_equal(made, [(1, 2)], "QUE-15", "the payloads that the call has seen")


@pytest.mark.parametrize("code", list(StatusCode))
def test_its_error_is_that_of_its_signals(device: Device, code: StatusCode) -> None:
    """Submits a call that raises a HalError: both signals fail with its code."""

    def fail() -> None:
        raise HalError(code, "a host call", "on purpose")

    with device.create_semaphore() as one, device.create_semaphore() as other:
        submit = partial(device.queue_host_call, fail)
        found = code_of(submit, [(one, 1), (other, 1)])
        expect_equal(found, code, "QUE-15", f"the signal of a call that raises {code.name}")
        with expect_error(code, "QUE-15", "the other signal"):
            other.wait(1)


@pytest.mark.parametrize("kind", [ValueError, ZeroDivisionError, SystemExit, StopIteration])
def test_any_other_exception_is_unknown(device: Device, kind: type[BaseException]) -> None:
    """Submits a call that raises something else: UNKNOWN; the queue goes on."""

    def fail() -> None:
        raise kind("on purpose")

    made: list[None] = []
    with device.create_semaphore() as line, device.create_semaphore() as good:
        found = code_of(partial(device.queue_host_call, fail), [(line, 1)])
        doing = f"the signal of a call that raises {kind.__name__}"
        expect_equal(found, StatusCode.UNKNOWN, "QUE-15", doing)
        device.queue_host_call(lambda: made.append(None), signal=[(good, 1)])
        good.wait(1)
    expect_equal(len(made), 1, "QUE-15", "the next call")


def test_is_not_made_behind_a_failure(device: Device) -> None:
    """Submits a call behind a failed semaphore: its code, and no call."""
    made: list[None] = []
    with device.create_semaphore() as failed, device.create_semaphore() as line:
        failed.fail(StatusCode.DATA_LOSS, "on purpose")
        submit = partial(device.queue_host_call, lambda: made.append(None), wait=[(failed, 1)])
        found = code_of(submit, [(line, 1)])
        expect_equal(found, StatusCode.DATA_LOSS, "QUE-15", "the signal of a call behind a failure")
    expect_equal(made, [], "QUE-15", "calls behind a failure")


def test_lets_its_function_go(device: Device) -> None:
    """Submits a function that nobody else holds: it is gone once its signal is reached."""

    class Function:
        def __call__(self) -> None:
            pass

    function = Function()
    seen = weakref.ref(function)
    with device.create_semaphore() as line:
        device.queue_host_call(function, signal=[(line, 1)])
        del function
        line.wait(1)
        device.queue_host_call(lambda: None, signal=[(line, 2)])
        line.wait(2)
    gc.collect()
    expect_equal(seen(), None, "QUE-15", "the function after its call")


def test_what_cannot_be_called_is_refused(device: Device) -> None:
    """Submits what is no function: INVALID_ARGUMENT, and the signal stays as it was."""
    with device.create_semaphore() as line:
        for thing in (None, 7, "print"):
            with expect_error(StatusCode.INVALID_ARGUMENT, "QUE-15", f"queue_host_call({thing!r})"):
                device.queue_host_call(thing, signal=[(line, 1)])  # type: ignore[arg-type]
        expect_equal(line.query(), 0, "QUE-15", "the payload after refusals")


@pytest.mark.spec("QUE-16")
@pytest.mark.needs("allocator", "queue_fill")
def test_may_signal_and_submit(device: Device) -> None:
    """A call that signals a semaphore and submits a fill and another call: all is done."""
    made = threading.Event()
    with (
        device.allocator.allocate(64) as buffer,
        device.create_semaphore() as line,
        device.create_semaphore() as host,
        device.create_semaphore() as work,
        device.create_semaphore() as later,
    ):

        def go_on() -> None:
            host.signal(7)
            device.queue_fill(buffer, 0, 64, b"\x19", signal=[(work, 1)])
            device.queue_host_call(made.set, wait=[(work, 1)], signal=[(later, 1)])

        device.queue_host_call(go_on, signal=[(line, 1)])
        for semaphore, value in ((line, 1), (host, 7), (work, 1), (later, 1)):
            semaphore.wait(value, LONG)
        expect_equal(buffer.read(), b"\x19" * 64, "QUE-16", "a fill that a host call submits")
        expect(
            made.is_set(), "QUE-16", "a call that a host call submits", came_back="none", asks="it"
        )
