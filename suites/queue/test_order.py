"""Order and failure: both travel along semaphores, and by nothing else."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest

from cts.checks import expect_equal, expect_error
from cts.hal import Device, DeviceGroup, HalError, Semaphore, StatusCode

SHORT = 0.05

pytestmark = pytest.mark.needs("allocator", "create_semaphore")


@pytest.fixture
def device(device_group: DeviceGroup) -> Device:
    """A device of the session's group."""
    return device_group.device_at(0)


@pytest.mark.spec("QUE-4")
@pytest.mark.needs("queue_barrier")
def test_a_barrier_signals_once_its_waits_are_reached(device: Device) -> None:
    """Submits a barrier over two waits that are reached: both signals are."""
    with (
        device.create_semaphore(1) as a,
        device.create_semaphore(5) as b,
        device.create_semaphore() as c,
        device.create_semaphore(7) as d,
    ):
        device.queue_barrier(wait=[(a, 1), (b, 3)], signal=[(c, 1), (d, 8)])
        c.wait(1)
        d.wait(8)
        expect_equal([c.query(), d.query()], [1, 8], "QUE-4", "signals of a barrier")


@pytest.mark.spec("QUE-4")
@pytest.mark.needs("queue_fill", "queue_copy", "queue_update")
def test_a_chain_happens_in_the_order_of_its_semaphore(device: Device) -> None:
    """Chains fill, copy, update and copy back on one timeline: the last bytes are the chain's."""
    with (
        device.allocator.allocate(16) as a,
        device.allocator.allocate(16) as b,
        device.create_semaphore() as line,
    ):
        for start in range(0, 80, 4):
            t = [[(line, start + i)] for i in range(5)]
            value = bytes([start + 1])
            device.queue_fill(a, 0, 16, value, wait=t[0], signal=t[1])
            device.queue_copy(a, 0, b, 0, 16, wait=t[1], signal=t[2])
            device.queue_update(b"\xff" * 4, b, 4, wait=t[2], signal=t[3])
            device.queue_copy(b, 0, a, 0, 16, wait=t[3], signal=t[4])
        line.wait(80)
        value = bytes([77])
        wanted = value * 4 + b"\xff" * 4 + value * 8
        expect_equal(a.read(), wanted, "QUE-4", "the end of a chain of 80")


@pytest.mark.spec("QUE-5")
@pytest.mark.needs("queue_fill")
@pytest.mark.parametrize("code", [StatusCode.CANCELLED, StatusCode.DATA_LOSS], ids=lambda c: c.name)
def test_a_failed_wait_fails_the_signals_and_not_the_bytes(
    device: Device, code: StatusCode
) -> None:
    """Fills behind a failed semaphore: the signal fails with its code, nothing is filled."""
    with (
        device.allocator.allocate(16) as buffer,
        device.create_semaphore() as failed,
        device.create_semaphore() as signalled,
    ):
        buffer.write(0, bytes(16))
        failed.fail(code, "on purpose")
        submit_failing(device, buffer_fill=buffer, wait=failed, signal=signalled, code=code)
        with expect_error(code, "QUE-5", f"waiting for a signal behind fail({code.name})"):
            signalled.wait(1)
        expect_equal(buffer.read(), bytes(16), "QUE-5", "the buffer of a fill that failed")


def submit_failing(
    device: Device, *, buffer_fill: object, wait: Semaphore, signal: Semaphore, code: StatusCode
) -> None:
    """Submits a fill behind a failed wait; a driver may tell at once, with the same code."""
    try:
        device.queue_fill(
            buffer_fill,  # type: ignore[arg-type]
            0,
            16,
            b"\x77",
            wait=[(wait, 1)],
            signal=[(signal, 1)],
        )
    except HalError as error:
        expect_equal(error.code, code, "QUE-5", "a submission behind a failed wait")


@pytest.mark.spec("QUE-5")
@pytest.mark.needs("queue_barrier")
def test_a_failure_travels_along_a_chain(device: Device) -> None:
    """Chains three barriers behind a failed semaphore: the last signal has its code."""
    line = [device.create_semaphore() for _ in range(4)]
    line[0].fail(StatusCode.ABORTED, "on purpose")
    for before, after in pairwise(line):
        try:
            device.queue_barrier(wait=[(before, 1)], signal=[(after, 1)])
        except HalError as error:
            expect_equal(error.code, StatusCode.ABORTED, "QUE-5", "a barrier behind a failure")
    with expect_error(StatusCode.ABORTED, "QUE-5", "the end of a chain behind a failure"):
        line[-1].wait(1)
    for semaphore in line:
        semaphore.release()


@pytest.mark.spec("QUE-7", "QUE-4")
@pytest.mark.needs("queue_fill", async_queue=True)
def test_a_submission_may_come_before_its_signal(device: Device) -> None:
    """Submits a fill, then signals what it waits for: done after the signal, not before."""
    with (
        device.allocator.allocate(16) as buffer,
        device.create_semaphore() as go,
        device.create_semaphore() as done,
    ):
        buffer.write(0, bytes(16))
        device.queue_fill(buffer, 0, 16, b"\x42", wait=[(go, 1)], signal=[(done, 1)])
        time.sleep(SHORT)
        expect_equal(done.query(), 0, "QUE-4", "the signal before the wait is reached")
        expect_equal(buffer.read(), bytes(16), "QUE-4", "the bytes before the wait is reached")
        go.signal(1)
        done.wait(1)
        expect_equal(buffer.read(), b"\x42" * 16, "QUE-7", "the bytes afterwards")


@pytest.mark.spec("QUE-4", "QUE-7")
@pytest.mark.needs("queue_fill", async_queue=True)
@pytest.mark.parametrize("last", [0, 1], ids=["first-last", "second-last"])
def test_all_waits_are_waited_for(device: Device, last: int) -> None:
    """Submits a fill with two waits, signals one and then the other: done after both."""
    with (
        device.allocator.allocate(16) as buffer,
        device.create_semaphore() as first,
        device.create_semaphore() as second,
        device.create_semaphore() as done,
    ):
        waits = [first, second]
        buffer.write(0, bytes(16))
        pairs = [(wait, 1) for wait in waits]
        device.queue_fill(buffer, 0, 16, b"\x42", wait=pairs, signal=[(done, 1)])
        waits[1 - last].signal(1)
        time.sleep(SHORT)
        expect_equal(done.query(), 0, "QUE-4", "the signal with one of two waits reached")
        expect_equal(buffer.read(), bytes(16), "QUE-4", "the bytes with one of two waits reached")
        waits[last].signal(1)
        done.wait(1)
        expect_equal(buffer.read(), b"\x42" * 16, "QUE-4", "the bytes with both waits reached")


@pytest.mark.spec("QUE-7")
@pytest.mark.needs("queue_barrier", async_queue=True)
def test_submissions_may_come_in_any_order(device: Device) -> None:
    """Submits a chain of barriers last first: one signal sets all of it off."""
    line = [device.create_semaphore() for _ in range(9)]
    for before, after in reversed(list(pairwise(line))):
        device.queue_barrier(wait=[(before, 1)], signal=[(after, 1)])
    line[0].signal(1)
    line[-1].wait(1)
    expect_equal([s.query() for s in line], [1] * 9, "QUE-7", "a chain submitted last first")
    for semaphore in line:
        semaphore.release()
