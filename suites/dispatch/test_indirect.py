"""Indirect workgroup counts: read from a buffer when the dispatch is carried out."""

from __future__ import annotations

import pytest

from cts.checks import expect_equal
from cts.hal import Device, Driver, IndirectWorkgroups
from cts.work_cases import submitted
from cts.work_cases.concurrency import Gate
from cts.work_cases.dispatch import WORD, Kernels, bytes_of, needs_dispatch, words_of
from cts.work_cases.kernels import CONSTANTS, COUNT

ROOM = 64
"""Words of a target."""
LONG_WORK, FILLS = 64 << 20, 8
"""Bytes of fills that take their time together, and how many they are."""

pytestmark = [pytest.mark.spec("EXE-5"), needs_dispatch]


def counted(workgroups: int) -> list[int]:
    """A target's words after a dispatch of so many workgroups that count."""
    return [1] * workgroups + [0] * (ROOM - workgroups)


@pytest.mark.parametrize("offset", [0, 4, 12, 64, 4084])
def test_counts_are_read_at_their_offset(device: Device, kernels: Kernels, offset: int) -> None:
    """Dispatches by counts among other words: as many workgroups as stand there."""
    with (
        kernels.buffer(1024, 3) as counts,
        kernels.buffer(ROOM) as target,
        submitted(device) as signal,
    ):
        counts.write(offset, bytes_of([7, 2, 1]))
        kernels.dispatch(COUNT, IndirectWorkgroups(counts, offset), target, signal=signal)
        signal[0][0].wait(1)
        expect_equal(words_of(target).tolist(), counted(14), "EXE-5", f"counts at offset {offset}")


@pytest.mark.parametrize("grid", [(0, 1, 1), (1, 0, 1), (1, 1, 0)])
def test_a_count_of_nothing_signals(
    device: Device, kernels: Kernels, grid: tuple[int, int, int]
) -> None:
    """Dispatches by counts with a 0 among them: nothing is written, the signal is reached."""
    with (
        kernels.buffer(3) as counts,
        kernels.buffer(ROOM) as target,
        submitted(device) as signal,
    ):
        counts.write(0, bytes_of(grid))
        kernels.dispatch(COUNT, IndirectWorkgroups(counts), target, signal=signal)
        signal[0][0].wait(1)
        expect_equal(words_of(target).tolist(), counted(0), "EXE-5", f"indirect counts {grid}")


@pytest.mark.needs("queue_fill", "queue_update")
def test_counts_are_read_after_long_work(
    device: Device, hal_driver: Driver, kernels: Kernels
) -> None:
    """Dispatches by counts that are written after a long fill, each waiting for the one before: the
    new counts."""
    size = min(LONG_WORK, hal_driver.properties.max_allocation or LONG_WORK)
    with (
        device.allocator.allocate(size) as long,
        kernels.buffer(3, 1) as counts,
        kernels.buffer(ROOM) as target,
        device.create_semaphore() as line,
    ):
        for value in range(1, FILLS + 1):
            signal = [(line, value)]
            device.queue_fill(long, 0, size, b"\x42", wait=[(line, value - 1)], signal=signal)
        after, written = [(line, FILLS)], [(line, FILLS + 1)]
        device.queue_update(bytes_of([5, 1, 1]), counts, 0, wait=after, signal=written)
        workgroups, signal = IndirectWorkgroups(counts), [(line, FILLS + 2)]
        kernels.dispatch(COUNT, workgroups, target, wait=written, signal=signal)
        line.wait(FILLS + 2)
        expect_equal(words_of(target).tolist(), counted(5), "EXE-5", "counts after long work")


@pytest.mark.needs("queue_update", async_queue=True)
def test_counts_are_read_after_the_wait(
    device: Device, hal_driver: Driver, kernels: Kernels
) -> None:
    """Submits a dispatch behind a gate and changes its counts before that opens: the new ones."""
    gate = Gate(device, hal_driver)
    with (
        kernels.buffer(3, 1) as counts,
        kernels.buffer(ROOM) as target,
        device.create_semaphore() as line,
    ):
        workgroups = IndirectWorkgroups(counts)
        kernels.dispatch(COUNT, workgroups, target, wait=gate.wait, signal=[(line, 1)])
        counts.write(0, bytes_of([5, 1, 1]))
        gate.open()
        line.wait(1)
        expect_equal(
            words_of(target).tolist(), counted(5), "EXE-5", "counts changed after the call"
        )
    gate.release()


@pytest.mark.needs("queue_update", "queue_fill")
@pytest.mark.parametrize("writer", ["queue_update", "queue_fill", "queue_dispatch"])
def test_work_before_it_writes_the_counts(device: Device, kernels: Kernels, writer: str) -> None:
    """Chains an update, fill or dispatch that writes counts, and a dispatch by them."""
    with (
        kernels.buffer(4) as counts,
        kernels.buffer(ROOM) as target,
        device.create_semaphore() as line,
    ):
        signal, grid = [(line, 1)], [3, 3, 3]
        if writer == "queue_update":
            device.queue_update(bytes_of(grid), counts, 0, signal=signal)
        elif writer == "queue_fill":
            device.queue_fill(counts, 0, 4 * WORD, bytes_of([3]), signal=signal)
        else:
            words = bytes_of([*grid, 9])
            kernels.dispatch(CONSTANTS, (1, 1, 1), counts, constants=words, signal=signal)
        workgroups = IndirectWorkgroups(counts)
        kernels.dispatch(COUNT, workgroups, target, wait=[(line, 1)], signal=[(line, 2)])
        line.wait(2)
        doing = f"counts that a {writer} writes before"
        expect_equal(words_of(target).tolist(), counted(27), "EXE-5", doing)
