"""A submission keeps alive what it uses: its caller may release all of it at once."""

from __future__ import annotations

from itertools import pairwise

import pytest

from cts.checks import expect_equal
from cts.hal import Device
from cts.work_cases.concurrency import Gate
from cts.work_cases.operations import NEEDED_BY_EXECUTE, Bench, slots_of

pytestmark = pytest.mark.needs("allocator", "create_semaphore")


@pytest.mark.spec("QUE-13")
@pytest.mark.needs("queue_copy")
@pytest.mark.parametrize(
    "operation",
    [
        pytest.param(operation, marks=pytest.mark.needs(*slots_of(operation)))
        for operation in Bench.OPERATIONS
        if operation != "queue_barrier"
    ],
)
def test_what_an_operation_uses_may_be_released(
    device: Device, bench: Bench, gate: Gate, operation: str
) -> None:
    """Releases buffers, command buffer and semaphore right after submissions: all are used."""
    between = device.create_semaphore()
    with device.allocator.allocate(Bench.SIZE) as kept, device.create_semaphore() as done:
        bench.submit(operation, wait=gate.wait, signal=[(between, 1)])
        copy = bench.target, 0, kept, 0, Bench.SIZE
        device.queue_copy(*copy, wait=[(between, 1)], signal=[(done, 1)])
        bench.release()
        between.release()
        gate.open()
        done.wait(1)
        wanted = Bench.MARK * Bench.SIZE
        expect_equal(kept.read(), wanted, "QUE-13", f"a copy of what {operation} wrote")


@pytest.mark.spec("QUE-13")
@pytest.mark.needs("queue_fill")
def test_a_signal_may_be_released(device: Device, gate: Gate) -> None:
    """Releases one of a fill's two signals right after it: it is filled, the other is reached."""
    gone = device.create_semaphore()
    with device.allocator.allocate(4) as buffer, device.create_semaphore() as done:
        device.queue_fill(buffer, 0, 4, b"\x77", wait=gate.wait, signal=[(gone, 1), (done, 1)])
        gone.release()
        gate.open()
        done.wait(1)
        expect_equal(buffer.read(), b"\x77" * 4, "QUE-13", "a fill whose signal was released")


@pytest.mark.spec("QUE-13")
@pytest.mark.needs("queue_barrier")
def test_a_wait_that_is_reached_may_be_released(device: Device, gate: Gate) -> None:
    """Releases a semaphore that a submission waits for and has reached, right after it: done."""
    reached = device.create_semaphore(1)
    with device.create_semaphore() as done:
        device.queue_barrier(wait=[(reached, 1), *gate.wait], signal=[(done, 1)])
        reached.release()
        gate.open()
        done.wait(1)


@pytest.mark.spec("QUE-13")
@pytest.mark.needs("queue_barrier")
def test_a_chain_may_be_released(device: Device, gate: Gate) -> None:
    """Releases all semaphores of a chain of 32 but the last, right after it: that is reached."""
    line = [device.create_semaphore() for _ in range(32)]
    device.queue_barrier(wait=gate.wait, signal=[(line[0], 1)])
    for before, after in pairwise(line):
        device.queue_barrier(wait=[(before, 1)], signal=[(after, 1)])
    with line.pop() as last:
        for semaphore in line:
            semaphore.release()
        gate.open()
        last.wait(1)


@pytest.mark.spec("QUE-13")
@pytest.mark.needs("queue_copy", *NEEDED_BY_EXECUTE)
def test_what_was_recorded_may_be_released(device: Device, bench: Bench, gate: Gate) -> None:
    """Releases buffers once they are recorded, the command buffer once submitted: all are used."""
    with device.allocator.allocate(Bench.SIZE) as kept, device.create_semaphore() as done:
        commands = device.create_command_buffer()
        commands.begin()
        commands.copy(bench.source, 0, bench.target, 0, Bench.SIZE)
        commands.barrier()
        commands.copy(bench.target, 0, kept, 0, Bench.SIZE)
        commands.end()
        bench.release()
        device.queue_execute(commands, wait=gate.wait, signal=[(done, 1)])
        commands.release()
        gate.open()
        done.wait(1)
        expect_equal(kept.read(), Bench.MARK * Bench.SIZE, "QUE-13", "a copy of what was released")
