"""Binding tables: a command buffer over other buffers at each execution."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from cts.checks import expect, expect_equal
from cts.hal import (
    BindingSlot,
    BufferRange,
    Device,
    Driver,
    HalError,
    IndirectWorkgroups,
    StatusCode,
)
from cts.work_cases.commands import code_of_execution
from cts.work_cases.concurrency import Gate
from cts.work_cases.dispatch import (
    WORD,
    Kernels,
    bytes_of,
    needs_dispatch_in_commands,
    recording,
    step_of,
    words_of,
)
from cts.work_cases.kernels import ABSOLUTE, COUNT

ROOM = 16
MARK = 0xABABABAB
FIRST, SECOND, THIRD = map(BindingSlot, range(3))
REFUSALS = (StatusCode.INVALID_ARGUMENT, StatusCode.OUT_OF_RANGE)

pytestmark = [
    pytest.mark.spec("CMD-2"),
    pytest.mark.needs(binding_tables=True),
    needs_dispatch_in_commands,
]


def test_each_execution_has_its_own_buffers(device: Device, kernels: Kernels) -> None:
    """Executes one recording over eight pairs of buffers: each has its own bytes."""
    pairs = 8
    with ExitStack() as alive, device.create_semaphore() as line:
        sources = [alive.enter_context(kernels.buffer(ROOM)) for _ in range(pairs)]
        targets = [alive.enter_context(kernels.buffer(ROOM, MARK)) for _ in range(pairs)]
        with recording(device, 2) as commands:
            slots = BufferRange(FIRST), BufferRange(SECOND)
            commands.dispatch(*kernels.of(ABSOLUTE, (ROOM, 1, 1), *slots))
        with commands:
            for n, (source, target) in enumerate(zip(sources, targets, strict=True)):
                source.write(0, bytes_of([-n - 1.5] * ROOM, "f4"))
                table = [BufferRange(source), BufferRange(target)]
                device.queue_execute(commands, table, wait=[(line, n)], signal=[(line, n + 1)])
            line.wait(pairs)
        for n, target in enumerate(targets):
            wanted = bytes_of([n + 1.5] * ROOM, "f4")
            expect_equal(target.read() == wanted, True, "CMD-2", f"the target of execution {n}")


def test_transfers_and_counts_take_slots(device: Device, kernels: Kernels) -> None:
    """Records fill, update, copy and an indirect dispatch over slots: as for buffers."""
    with (
        kernels.buffer(ROOM) as counts,
        kernels.buffer(ROOM, MARK) as target,
        kernels.buffer(ROOM) as result,
        device.create_semaphore() as line,
    ):
        with recording(device, 3) as commands:
            commands.fill(SECOND, 0, WORD * ROOM, bytes_of([7]))
            commands.update(bytes_of([5, 1, 1]), FIRST, 8)
            commands.barrier()
            workgroups = IndirectWorkgroups(FIRST, 8)
            commands.dispatch(*kernels.of(COUNT, workgroups, BufferRange(SECOND)))
            commands.barrier()
            commands.copy(SECOND, 4, THIRD, 8, WORD * (ROOM - 2))
        table = [BufferRange(counts), BufferRange(target), BufferRange(result)]
        with commands:
            device.queue_execute(commands, table, signal=[(line, 1)])
            line.wait(1)
        wanted = [8] * 5 + [7] * (ROOM - 5)
        expect_equal(words_of(target).tolist(), wanted, "CMD-2", "fill and count over a slot")
        copied = [0, 0, *wanted[1 : ROOM - 1]]
        expect_equal(words_of(result).tolist(), copied, "CMD-2", "a copy from slot to slot")


def test_offsets_are_from_the_ranges_start(
    device: Device, hal_driver: Driver, kernels: Kernels
) -> None:
    """Executes over parts of one buffer: what is beside them stays."""
    step = step_of(hal_driver)
    part, words = 4 * step, 64 * step // WORD
    with kernels.buffer(words, MARK) as buffer, device.create_semaphore() as line:
        with recording(device, 2) as commands:
            commands.fill(FIRST, step, 16, bytes_of([3]))
            commands.barrier()
            inner = BufferRange(FIRST, step, 16)
            commands.dispatch(*kernels.of(COUNT, (4, 1, 1), inner))
            commands.barrier()
            commands.copy(FIRST, step, SECOND, 2 * step, 16)
        starts = 8 * step, 32 * step
        table = [BufferRange(buffer, start, part) for start in starts]
        with commands:
            device.queue_execute(commands, table, signal=[(line, 1)])
            line.wait(1)
        wanted = [MARK] * words
        for start in ((starts[0] + step) // WORD, (starts[1] + 2 * step) // WORD):
            wanted[start : start + 4] = [4] * 4
        same = words_of(buffer).tolist() == wanted
        expect_equal(same, True, "CMD-2", "whether all is where the ranges are, and nothing else")


def test_a_range_without_a_length_goes_on_to_the_end(device: Device, kernels: Kernels) -> None:
    """Executes over what a buffer has from an offset on: up to its last byte."""
    offset, words = 256, 128
    with kernels.buffer(words, MARK) as buffer, device.create_semaphore() as line:
        with recording(device, 1) as commands:
            commands.fill(FIRST, 0, WORD * words - offset, bytes_of([3]))
            commands.barrier()
            inner = BufferRange(FIRST, 0, 16)
            commands.dispatch(*kernels.of(COUNT, (4, 1, 1), inner))
        with commands:
            device.queue_execute(commands, [BufferRange(buffer, offset)], signal=[(line, 1)])
            line.wait(1)
        before = offset // WORD
        wanted = [MARK] * before + [4] * 4 + [3] * (words - before - 4)
        same = words_of(buffer).tolist() == wanted
        expect_equal(same, True, "CMD-2", "whether a fill and a dispatch reach what they should")


def test_slots_and_buffers_mix(device: Device, kernels: Kernels) -> None:
    """Records a buffer and a slot in one dispatch: the one stays, the other changes."""
    with (
        kernels.buffer(ROOM) as fixed,
        kernels.buffer(ROOM) as one,
        kernels.buffer(ROOM) as other,
        device.create_semaphore() as line,
    ):
        fixed.write(0, bytes_of([-2.5] * ROOM, "f4"))
        with recording(device, 1) as commands:
            bindings = fixed, BufferRange(FIRST)
            commands.dispatch(*kernels.of(ABSOLUTE, (ROOM, 1, 1), *bindings))
        with commands:
            for n, target in enumerate((one, other)):
                table = [BufferRange(target)]
                device.queue_execute(commands, table, wait=[(line, n)], signal=[(line, n + 1)])
            line.wait(2)
        for target in (one, other):
            wanted = bytes_of([2.5] * ROOM, "f4")
            expect_equal(target.read() == wanted, True, "CMD-2", "from a buffer to a slot")


@pytest.mark.spec("CMD-3")
@pytest.mark.parametrize("number", [2, 3, -1, 2**31, 2**32])
def test_a_slot_beyond_the_capacity_is_refused(
    device: Device, kernels: Kernels, number: int
) -> None:
    """Records a slot that no table can have: refused at once, and recording goes on."""
    commands = device.create_command_buffer(2)
    with commands:
        commands.begin()
        code: StatusCode | None = None
        try:
            commands.fill(BindingSlot(number), 0, 4, b"x")
        except HalError as error:
            code = error.code
        expect(
            code in REFUSALS,
            "CMD-3",
            f"a fill of slot {number} of 2",
            came_back=code,
            asks=" or ".join(refusal.name for refusal in REFUSALS),
        )
        commands.fill(SECOND, 0, 4, b"x")
        commands.end()


@pytest.mark.spec("CMD-3")
@pytest.mark.parametrize("given", [0, 1])
def test_a_table_that_lacks_a_slot_is_refused(device: Device, kernels: Kernels, given: int) -> None:
    """Executes with fewer ranges than slots: refused, nothing written; with all of them: done."""
    with kernels.buffer(ROOM) as target, device.create_semaphore() as line:
        with recording(device, 2) as commands:
            commands.fill(FIRST, 0, 4, b"x")
            commands.barrier()
            commands.fill(SECOND, 4, 4, b"y")
        ranges = [BufferRange(target)] * 2
        with commands:
            code = code_of_execution(device, commands, ranges[:given])
            expect(
                code in REFUSALS,
                "CMD-3",
                f"an execution with {given} of 2 ranges",
                came_back=code,
                asks=" or ".join(refusal.name for refusal in REFUSALS),
            )
            expect_equal(target.read(), bytes(WORD * ROOM), "CMD-3", "bytes after a refusal")
            device.queue_execute(commands, ranges, signal=[(line, 1)])
            line.wait(1)
        expect_equal(target.read(0, 8), b"xxxxyyyy", "CMD-3", "bytes after a whole table")


@pytest.mark.spec("CMD-3")
@pytest.mark.parametrize(("offset", "length"), [(16, 4), (12, 8), (0, 17), (2**64 - 4, 8)])
def test_what_leaves_the_tables_range_is_refused(
    device: Device, kernels: Kernels, offset: int, length: int
) -> None:
    """Fills past the end of a table's range, inside its buffer: OUT_OF_RANGE, nothing written."""
    with kernels.buffer(ROOM) as target:
        with recording(device, 1) as commands:
            commands.fill(FIRST, offset, length, b"x")
        table = [BufferRange(target, 16, 16)]
        with commands:
            code = code_of_execution(device, commands, table)
        doing = f"a fill of [{offset}, +{length}) in a range of 16 bytes"
        expect_equal(code, StatusCode.OUT_OF_RANGE, "CMD-3", doing)
        expect_equal(target.read(), bytes(WORD * ROOM), "CMD-3", f"bytes after {doing}")


@pytest.mark.spec("CMD-4")
def test_pending_tables_keep_their_buffers(
    device: Device, hal_driver: Driver, kernels: Kernels
) -> None:
    """Submits three executions over buffers that are released right after: all is carried out."""
    gate = Gate(device, hal_driver)
    with kernels.buffer(3 * ROOM) as result, device.create_semaphore() as line:
        with recording(device, 2) as commands:
            commands.dispatch(*kernels.of(COUNT, (ROOM, 1, 1), BufferRange(FIRST)))
            commands.barrier()
            commands.copy(FIRST, 0, SECOND, 0, WORD * ROOM)
        for n in range(3):
            target = kernels.buffer(ROOM, n)
            part = BufferRange(result, n * WORD * ROOM, WORD * ROOM)
            wait = gate.wait if n == 0 else [(line, n)]
            table = [BufferRange(target), part]
            device.queue_execute(commands, table, wait=wait, signal=[(line, n + 1)])
            target.release()
        commands.release()
        gate.open()
        line.wait(3)
        wanted = [1] * ROOM + [2] * ROOM + [3] * ROOM
        expect_equal(words_of(result).tolist(), wanted, "CMD-4", "three executions' results")
    gate.release()
