"""Dispatches in command buffers: recorded once, executed over what the buffers hold then."""

from __future__ import annotations

import pytest

from cts.checks import expect_equal
from cts.hal import Device, Driver, IndirectWorkgroups
from cts.work_cases.concurrency import Gate
from cts.work_cases.dispatch import (
    WORD,
    Kernels,
    bytes_of,
    needs_dispatch_in_commands,
    recording,
    words_of,
)
from cts.work_cases.kernels import ABSOLUTE, CONSTANTS, COUNT

ROOM = 16
TIMES = 5

pytestmark = [pytest.mark.spec("CMD-1"), needs_dispatch_in_commands]


def test_each_execution_dispatches(device: Device, kernels: Kernels) -> None:
    """Records a kernel that counts and executes it five times: each word is 5."""
    with kernels.buffer(ROOM) as target, device.create_semaphore() as line:
        with recording(device) as commands:
            commands.dispatch(*kernels.of(COUNT, (ROOM, 1, 1), target))
        with commands:
            for n in range(TIMES):
                device.queue_execute(commands, wait=[(line, n)], signal=[(line, n + 1)])
            line.wait(TIMES)
        found = words_of(target).tolist()
        expect_equal(found, [TIMES] * ROOM, "CMD-1", f"words after {TIMES} executions")


def test_an_execution_takes_what_the_buffers_hold(device: Device, kernels: Kernels) -> None:
    """Records absolute values and executes it over changing sources: each time those."""
    with (
        kernels.buffer(ROOM) as source,
        kernels.buffer(ROOM) as target,
        device.create_semaphore() as line,
    ):
        with recording(device) as commands:
            commands.dispatch(*kernels.of(ABSOLUTE, (ROOM, 1, 1), source, target))
        with commands:
            for n in range(TIMES):
                source.write(0, bytes_of([-n - 0.5] * ROOM, "f4"))
                device.queue_execute(commands, signal=[(line, n + 1)])
                line.wait(n + 1)
                wanted = bytes_of([n + 0.5] * ROOM, "f4")
                expect_equal(target.read() == wanted, True, "CMD-1", f"execution {n + 1}")


def test_barriers_order_it_among_transfers(device: Device, kernels: Kernels) -> None:
    """Records fill, dispatch, dispatch and copy with barriers between: all of it, in order."""
    with (
        kernels.buffer(ROOM) as work,
        kernels.buffer(ROOM) as result,
        device.create_semaphore() as line,
    ):
        with recording(device) as commands:
            commands.fill(work, 0, WORD * ROOM, bytes_of([40]))
            commands.barrier()
            for _ in range(2):
                commands.dispatch(*kernels.of(COUNT, (ROOM, 1, 1), work))
                commands.barrier()
            commands.copy(work, 0, result, 0, WORD * ROOM)
        with commands:
            device.queue_execute(commands, signal=[(line, 1)])
            line.wait(1)
        expect_equal(words_of(result).tolist(), [42] * ROOM, "CMD-1", "fill, count, count, copy")


def test_counts_are_read_at_each_execution(device: Device, kernels: Kernels) -> None:
    """Records counts that a dispatch before writes, and one that is changed between executions."""
    with (
        kernels.buffer(4) as counts,
        kernels.buffer(ROOM) as target,
        device.create_semaphore() as line,
    ):
        with recording(device) as commands:
            commands.dispatch(*kernels.of(COUNT, IndirectWorkgroups(counts), target))
        with commands:
            for n, many in enumerate((3, 1, 0, 2)):
                counts.write(0, bytes_of([many, 1, 1, 0]))
                device.queue_execute(commands, signal=[(line, n + 1)])
                line.wait(n + 1)
        wanted = [3, 2, 1] + [0] * (ROOM - 3)
        expect_equal(words_of(target).tolist(), wanted, "CMD-1", "recorded indirect counts")


def test_constants_are_those_of_the_recording(device: Device, kernels: Kernels) -> None:
    """Records constants from bytes that change afterwards: the recorded ones are written."""
    constants = bytearray(bytes_of([1, 2, 3, 4]))
    with kernels.buffer(4) as target, device.create_semaphore() as line:
        with recording(device) as commands:
            arguments = kernels.of(CONSTANTS, (1, 1, 1), target, constants=constants)  # type: ignore[arg-type]
            commands.dispatch(*arguments)
        constants[:] = bytes(16)
        with commands:
            device.queue_execute(commands, signal=[(line, 1)])
            line.wait(1)
        expect_equal(words_of(target).tolist(), [1, 2, 3, 4], "CMD-1", "recorded constants")


@pytest.mark.spec("CMD-4")
def test_keeps_what_it_uses(device: Device, hal_driver: Driver, code: bytes) -> None:
    """Releases executable and buffer once they are recorded: two executions are carried out."""
    gate = Gate(device, hal_driver)
    executable = device.create_executable(hal_driver.properties.executable_formats[0], code)
    kernels = Kernels(device, executable)
    target = kernels.buffer(ROOM)
    with kernels.buffer(ROOM) as result, device.create_semaphore() as line:
        with recording(device) as commands:
            commands.dispatch(*kernels.of(COUNT, (ROOM, 1, 1), target))
            commands.barrier()
            commands.copy(target, 0, result, 0, WORD * ROOM)
        executable.release()
        target.release()
        device.queue_execute(commands, wait=gate.wait, signal=[(line, 1)])
        device.queue_execute(commands, wait=[(line, 1)], signal=[(line, 2)])
        commands.release()
        gate.open()
        line.wait(2)
        expect_equal(words_of(result).tolist(), [2] * ROOM, "CMD-4", "words after two executions")
    gate.release()
