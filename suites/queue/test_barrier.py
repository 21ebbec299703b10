"""Barriers: every wait of one list, then every signal of the other."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from cts.checks import expect_equal
from cts.hal import Device, Driver
from cts.work_cases import needs_jump
from cts.work_cases.concurrency import Gate

pytestmark = [
    pytest.mark.spec("QUE-4"),
    pytest.mark.needs("create_semaphore", "queue_barrier"),
]


def test_signals_all_once_its_waits_are_reached(device: Device, gate: Gate) -> None:
    """Submits a barrier over two waits that are reached and the gate: both signals are."""
    with (
        device.create_semaphore(1) as a,
        device.create_semaphore(5) as b,
        device.create_semaphore() as c,
        device.create_semaphore(7) as d,
    ):
        wait = [(a, 1), *gate.wait, (b, 3)]
        device.queue_barrier(wait=wait, signal=[(c, 1), (d, 8)])
        gate.open()
        c.wait(1)
        d.wait(8)
        expect_equal([c.query(), d.query()], [1, 8], "QUE-4", "signals of a barrier")


def test_needs_no_waits(device: Device) -> None:
    """Submits a barrier with no waits: its signal is reached."""
    with device.create_semaphore() as signalled:
        device.queue_barrier(signal=[(signalled, 1)])
        signalled.wait(1)
        expect_equal(signalled.query(), 1, "QUE-4", "the signal of a barrier with no waits")


def test_needs_no_signals(device: Device, gate: Gate) -> None:
    """Submits barriers with waits alone, and with neither: taken, and no semaphore changes."""
    with device.create_semaphore(3) as other, device.create_semaphore() as done:
        device.queue_barrier(wait=[*gate.wait, (other, 3)])
        device.queue_barrier()
        gate.open()
        device.queue_barrier(wait=gate.wait, signal=[(done, 1)])
        done.wait(1)
        expect_equal(other.query(), 3, "QUE-4", "a semaphore that was waited for alone")


def test_may_raise_one_semaphore_more_than_once(
    device: Device, hal_driver: Driver, gate: Gate
) -> None:
    """Signals rising values of one semaphore in a list: the last is reached."""
    needs_jump(hal_driver, 3)
    with device.create_semaphore() as line, device.create_semaphore() as other:
        signal = [(line, 1), (other, 1), (line, 2), (line, 3)]
        device.queue_barrier(wait=gate.wait, signal=signal)
        gate.open()
        line.wait(3)
        other.wait(1)
        expect_equal([line.query(), other.query()], [3, 1], "QUE-4", "three rising signals")


def test_may_wait_for_one_semaphore_more_than_once(device: Device) -> None:
    """Waits for several values of one semaphore that are reached: the signal is reached."""
    with device.create_semaphore(3) as line, device.create_semaphore() as done:
        device.queue_barrier(wait=[(line, 2), (line, 3), (line, 0), (line, 3)], signal=[(done, 1)])
        done.wait(1)


def test_waits_for_64_semaphores(device: Device, gate: Gate) -> None:
    """Signals 64 semaphores from barriers of their own, and waits for all of them in one more."""
    with ExitStack() as alive:
        lines = [alive.enter_context(device.create_semaphore()) for _ in range(64)]
        done = alive.enter_context(device.create_semaphore())
        for line in lines:
            device.queue_barrier(wait=gate.wait, signal=[(line, 1)])
        device.queue_barrier(wait=[(line, 1) for line in lines], signal=[(done, 1)])
        gate.open()
        done.wait(1)
        expect_equal({line.query() for line in lines}, {1}, "QUE-4", "64 waits behind their signal")


def test_signals_64_semaphores(device: Device, gate: Gate) -> None:
    """Signals 64 semaphores from one barrier: all are reached."""
    with ExitStack() as alive:
        lines = [alive.enter_context(device.create_semaphore()) for _ in range(64)]
        device.queue_barrier(wait=gate.wait, signal=[(line, 1) for line in lines])
        gate.open()
        for line in lines:
            line.wait(1)


def test_a_larger_value_reaches_a_wait(device: Device, hal_driver: Driver) -> None:
    """Waits for 3 of a semaphore that a barrier signals to 7: the signal is reached."""
    needs_jump(hal_driver, 7)
    with device.create_semaphore() as line, device.create_semaphore() as done:
        device.queue_barrier(signal=[(line, 7)])
        device.queue_barrier(wait=[(line, 3)], signal=[(done, 1)])
        done.wait(1)
        expect_equal(line.query(), 7, "QUE-4", "a semaphore signalled to 7")


def test_a_chain_of_a_thousand_ends(device: Device, gate: Gate) -> None:
    """Chains a thousand barriers on one timeline: the last value is reached."""
    with device.create_semaphore() as line:
        device.queue_barrier(wait=gate.wait, signal=[(line, 1)])
        for value in range(1, 1000):
            device.queue_barrier(wait=[(line, value)], signal=[(line, value + 1)])
        gate.open()
        line.wait(1000)
        expect_equal(line.query(), 1000, "QUE-4", "the end of a chain of a thousand")
