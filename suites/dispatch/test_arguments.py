"""Dispatches that cannot be: refused, with nothing written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from cts.checks import expect_equal, expect_error, unsupported
from cts.hal import Buffer, BufferRange, BufferUsage, Device, Driver, IndirectWorkgroups, StatusCode
from cts.hal.testing.foreign import foreign_buffer
from cts.work_cases import submitted
from cts.work_cases.dispatch import USAGE, WORD, Kernels, bytes_of, needs_dispatch, words_of
from cts.work_cases.kernels import ABSOLUTE, CONSTANTS, COUNT

ROOM = 16
HUGE = 2**64

pytestmark = [pytest.mark.spec("EXE-6"), needs_dispatch]


def expect_refused(
    kernels: Kernels, code: StatusCode, doing: str, submit: Callable[..., None], target: Buffer
) -> None:
    """Fails the case unless a dispatch ends with that code, nothing is written, and another one
    works after it."""
    __tracebackhide__ = True
    before = target.read()
    with kernels.device.create_semaphore() as line, expect_error(code, "EXE-6", doing):
        submit(signal=[(line, 1)])
        line.wait(1)
    expect_equal(target.read() == before, True, "EXE-6", f"whether {doing} wrote nothing")
    with kernels.buffer(1) as other, submitted(kernels.device) as signal:
        kernels.dispatch(COUNT, (1, 1, 1), other, signal=signal)
        signal[0][0].wait(1)
        expect_equal(words_of(other).tolist(), [1], "EXE-6", f"a dispatch after {doing}")


@pytest.mark.parametrize("number", [-1, 5, 6, 2**31, 2**63])
def test_an_entry_point_that_is_not_there(device: Device, kernels: Kernels, number: int) -> None:
    """Dispatches a number that no entry point has: OUT_OF_RANGE."""
    with kernels.buffer(ROOM) as target:

        def submit(**lists: Any) -> None:
            arguments = kernels.executable, number, (1, 1, 1), [BufferRange(target)]
            device.queue_dispatch(*arguments, **lists)

        doing = f"queue_dispatch of entry point {number}"
        expect_refused(kernels, StatusCode.OUT_OF_RANGE, doing, submit, target)


@pytest.mark.parametrize("words", [0, 1, 3, 5, 64])
def test_another_number_of_constants(kernels: Kernels, words: int) -> None:
    """Dispatches a kernel of four constants with more or fewer: INVALID_ARGUMENT."""
    with kernels.buffer(ROOM) as target:

        def submit(**lists: Any) -> None:
            constants = bytes_of([7] * words)
            kernels.dispatch(CONSTANTS, (1, 1, 1), target, constants=constants, **lists)

        doing = f"queue_dispatch with {words} of 4 constants"
        expect_refused(kernels, StatusCode.INVALID_ARGUMENT, doing, submit, target)


def test_constants_that_are_no_words(kernels: Kernels) -> None:
    """Dispatches a kernel of four constants with 15 bytes: INVALID_ARGUMENT."""
    with kernels.buffer(ROOM) as target:

        def submit(**lists: Any) -> None:
            kernels.dispatch(CONSTANTS, (1, 1, 1), target, constants=bytes(15), **lists)

        doing = "queue_dispatch with 15 bytes of constants"
        expect_refused(kernels, StatusCode.INVALID_ARGUMENT, doing, submit, target)


@pytest.mark.parametrize("bindings", [0, 1, 3])
def test_another_number_of_bindings(kernels: Kernels, bindings: int) -> None:
    """Dispatches a kernel of two bindings with more or fewer: INVALID_ARGUMENT."""
    with kernels.buffer(ROOM, 0xBF800000) as target:

        def submit(**lists: Any) -> None:
            kernels.dispatch(ABSOLUTE, (1, 1, 1), *[target] * bindings, **lists)

        doing = f"queue_dispatch with {bindings} of 2 bindings"
        expect_refused(kernels, StatusCode.INVALID_ARGUMENT, doing, submit, target)


@pytest.mark.parametrize(
    ("offset", "length"),
    [
        (0, WORD * ROOM + 1),
        (4, WORD * ROOM),
        (WORD * ROOM + 4, None),
        (WORD * ROOM + 4, 0),
        (WORD * ROOM - 4, 8),
        (16, HUGE - 16),
        (HUGE - 4, 8),
        (-4, 8),
    ],
)
def test_a_range_that_leaves_its_buffer(kernels: Kernels, offset: int, length: int | None) -> None:
    """Dispatches over a range past the end, wrapping 2**64, or negative: OUT_OF_RANGE."""
    with kernels.buffer(ROOM) as target:

        def submit(**lists: Any) -> None:
            kernels.dispatch(COUNT, (1, 1, 1), BufferRange(target, offset, length), **lists)

        doing = f"queue_dispatch over [{offset}, +{length}) of {WORD * ROOM} bytes"
        expect_refused(kernels, StatusCode.OUT_OF_RANGE, doing, submit, target)


def test_a_range_at_an_offset_that_the_driver_does_not_take(
    hal_driver: Driver, kernels: Kernels
) -> None:
    """Dispatches over ranges that start beside multiples of the declared alignment:
    INVALID_ARGUMENT."""
    alignment = hal_driver.properties.binding_alignment
    if alignment <= WORD:
        unsupported("the driver declares no binding_alignment: any word will do")
    with kernels.buffer(alignment) as target:
        for offset in (WORD, alignment // 2, alignment - WORD, alignment + WORD):
            memory = BufferRange(target, offset, WORD)

            def submit(memory: BufferRange = memory, **lists: Any) -> None:
                kernels.dispatch(COUNT, (1, 1, 1), memory, **lists)

            doing = f"queue_dispatch at offset {offset}, no multiple of {alignment}"
            expect_refused(kernels, StatusCode.INVALID_ARGUMENT, doing, submit, target)


@pytest.mark.parametrize("offset", [WORD * ROOM - 8, WORD * ROOM, HUGE - 4, -4])
def test_counts_that_leave_their_buffer(kernels: Kernels, offset: int) -> None:
    """Dispatches by counts past a buffer's end: OUT_OF_RANGE."""
    with kernels.buffer(ROOM) as target, kernels.buffer(ROOM, 1) as counts:

        def submit(**lists: Any) -> None:
            kernels.dispatch(COUNT, IndirectWorkgroups(counts, offset), target, **lists)

        doing = f"queue_dispatch by counts at {offset} of {WORD * ROOM} bytes"
        expect_refused(kernels, StatusCode.OUT_OF_RANGE, doing, submit, target)


@pytest.mark.needs(usage_enforced=True)
def test_a_buffer_for_something_else(device: Device, kernels: Kernels) -> None:
    """Dispatches over a buffer without DISPATCH_STORAGE: PERMISSION_DENIED."""
    usage = USAGE & ~BufferUsage.DISPATCH_STORAGE
    with device.allocator.allocate(WORD * ROOM, usage=usage) as target:
        target.write(0, bytes(WORD * ROOM))

        def submit(**lists: Any) -> None:
            kernels.dispatch(COUNT, (1, 1, 1), target, **lists)

        doing = "queue_dispatch over a buffer without DISPATCH_STORAGE"
        expect_refused(kernels, StatusCode.PERMISSION_DENIED, doing, submit, target)


@pytest.mark.needs(usage_enforced=True)
def test_counts_in_a_buffer_for_something_else(device: Device, kernels: Kernels) -> None:
    """Dispatches by counts in a buffer without DISPATCH_INDIRECT_PARAMETERS: PERMISSION_DENIED."""
    usage = USAGE & ~BufferUsage.DISPATCH_INDIRECT_PARAMETERS
    with (
        kernels.buffer(ROOM) as target,
        device.allocator.allocate(WORD * ROOM, usage=usage) as counts,
    ):
        counts.write(0, bytes_of([1] * ROOM))

        def submit(**lists: Any) -> None:
            kernels.dispatch(COUNT, IndirectWorkgroups(counts), target, **lists)

        doing = "queue_dispatch by counts in a buffer without DISPATCH_INDIRECT_PARAMETERS"
        expect_refused(kernels, StatusCode.PERMISSION_DENIED, doing, submit, target)


def test_a_buffer_of_another_driver(kernels: Kernels) -> None:
    """Dispatches over another driver's buffer: INVALID_ARGUMENT."""
    with kernels.buffer(ROOM) as target, foreign_buffer() as foreign:

        def submit(**lists: Any) -> None:
            kernels.dispatch(ABSOLUTE, (1, 1, 1), foreign, target, **lists)

        doing = "queue_dispatch over another driver's buffer"
        expect_refused(kernels, StatusCode.INVALID_ARGUMENT, doing, submit, target)


def test_what_is_destroyed(device: Device, kernels: Kernels) -> None:
    """Dispatches over a buffer that was released: FAILED_PRECONDITION."""
    gone = kernels.buffer(ROOM)
    gone.release()
    with kernels.buffer(ROOM) as target:

        def submit(**lists: Any) -> None:
            kernels.dispatch(ABSOLUTE, (1, 1, 1), gone, target, **lists)

        doing = "queue_dispatch over a released buffer"
        expect_refused(kernels, StatusCode.FAILED_PRECONDITION, doing, submit, target)
