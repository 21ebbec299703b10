"""Ranges at the edges of their buffers: what leaves one is refused, and nothing is no mistake."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from cts.checks import expect, expect_error
from cts.hal import Buffer, Device, Driver, StatusCode
from cts.work_cases import expect_bytes, submitted
from cts.work_cases.operations import POINTS, Route, by_each_route
from cts.work_cases.transfers import noise_of

MARK = b"\x11"
SIZE = 64
ROOM = 2 * SIZE
"""Bytes of a copy's other buffer: it is left by none of the ranges that a buffer can have."""

PAST_THE_END = [
    *((SIZE, 1), (SIZE - 1, 2), (SIZE - 4, 8), (0, SIZE + 1), (1, SIZE)),
    *((2**31, 1), (2**32, 1), (2**32 + 4, 4), (2**63 - 1, 1), (2**63, 4)),
]
"""Offset and length of ranges that no arithmetic in 64 bits brings back into the buffer."""
WRAPPING = [
    *((2**64 - 4, 4), (2**64 - 4, 8), (2**64 - SIZE, 2 * SIZE)),
    *((4, 2**64 - 4), (SIZE - 4, 2**64 - 8), (2**63, 2**63), (0, 2**63), (0, 2**64 - 8)),
]
"""Those that are inside once their sum has wrapped around, or a length is taken for negative."""
HARD_TO_SAY = [
    *((-4, 4), (-4, 8), (-(2**63), 1), (4, -4), (SIZE, -SIZE), (0, -1)),
    *((2**64, 4), (2**64 + 4, 4), (0, 2**64), (4, 2**64 + 4), (2**64 - 1, 1), (0, 2**64 - 1)),
]
"""Those that do not fit into 64 bits, or stand there for all that there is: a driver may have no
way to say them to what is underneath, and refuse them before the declared point."""
LEAVING = {"past-the-end": PAST_THE_END, "wrapping": WRAPPING, "hard-to-say": HARD_TO_SAY}

SUBJECTS = {
    "fill": "queue_fill",
    "update": "queue_update",
    "copy-source": "queue_copy",
    "copy-target": "queue_copy",
}
"""The ranges that a transfer has, each with the slot of its transfer."""

pytestmark = pytest.mark.needs("allocator", "create_semaphore")

with_each_range = pytest.mark.parametrize(
    "subject",
    [pytest.param(name, marks=pytest.mark.needs(slot)) for name, slot in SUBJECTS.items()],
)


def transfer_at(
    subject: str, buffer: Buffer, other: Buffer, offset: int, length: int
) -> tuple[Any, ...]:
    """The transfer, with its arguments, in which `subject` is that range of `buffer`."""
    if subject == "fill":
        return "fill", buffer, offset, length, MARK
    if subject == "update":
        return "update", MARK * length, buffer, offset
    if subject == "copy-source":
        return "copy", buffer, offset, other, beside(offset), length
    return "copy", other, beside(offset), buffer, offset, length


def beside(offset: int) -> int:
    """The offset in a copy's other buffer: the same where that is inside, so that it wraps too."""
    return offset if 0 <= offset < SIZE else 0


class Buffers:
    """A small and a larger buffer with noise in them.

    Attributes
    ----------
    small, large : of `SIZE` and of `ROOM` bytes.
    """

    def __init__(self, device: Device) -> None:
        self._contents = noise_of(SIZE), noise_of(ROOM, seed=2)
        self.small, self.large = (device.allocator.allocate(c.size) for c in self._contents)
        for buffer, contents in zip((self.small, self.large), self._contents, strict=True):
            buffer.write(0, contents.tobytes())

    def expect_unchanged(self, requirement: str, doing: str) -> None:
        """Checks that nothing was written in either."""
        for buffer, contents in zip((self.small, self.large), self._contents, strict=True):
            expect_bytes(buffer, contents, requirement, f"{doing}: the buffer of {contents.size}")

    def expect_moved(self, subject: str, offset: int, length: int, doing: str) -> None:
        """Checks that the transfer of that range was carried out, in the one that it writes."""
        small, large = self._contents
        target, start, data = small, offset, np.frombuffer(MARK * length, np.uint8)
        if subject == "copy-source":
            target, start, data = large, beside(offset), small[offset : offset + length]
        elif subject == "copy-target":
            data = large[beside(offset) :][:length]
        wanted = target.copy()
        wanted[start : start + length] = data
        expect_bytes(self.large if target is large else self.small, wanted, "QUE-6", doing)

    def release(self) -> None:
        """Gives both up."""
        self.small.release()
        self.large.release()


@pytest.fixture
def buffers(device: Device) -> Iterator[Buffers]:
    """A small and a larger buffer."""
    made = Buffers(device)
    yield made
    made.release()


@pytest.mark.spec("QUE-6")
@by_each_route()
@with_each_range
@pytest.mark.parametrize("kind", LEAVING)
def test_leaving_the_buffer_is_refused_where_declared(
    device: Device, hal_driver: Driver, route: Route, buffers: Buffers, subject: str, kind: str
) -> None:
    """Submits ranges that leave a buffer: OUT_OF_RANGE where declared, nothing written."""
    declared = route.out_of_range(hal_driver.properties)
    for offset, length in LEAVING[kind]:
        if subject == "update" and not 0 <= length <= ROOM:
            continue  # there is no such data
        doing = f"{subject} range ({offset}, {length}) of {SIZE}"
        transfer = transfer_at(subject, buffers.small, buffers.large, offset, length)
        with (
            device.create_semaphore() as semaphore,
            expect_error(StatusCode.OUT_OF_RANGE, "QUE-6", doing),
        ):
            route(*transfer, signal=[(semaphore, 1)])
            semaphore.wait(1)
        earlier = POINTS.index(route.point) < POINTS.index(declared)
        in_time = route.point == declared or (earlier and kind == "hard-to-say")
        expect(in_time, "QUE-6", f"when {doing} was refused", came_back=route.point, asks=declared)
        buffers.expect_unchanged("QUE-6", doing)


@pytest.mark.spec("QUE-6")
@by_each_route()
@with_each_range
@pytest.mark.parametrize(("offset", "length"), [(0, SIZE), (SIZE - 1, 1), (1, SIZE - 1)])
def test_reaching_the_end_is_no_leaving(
    device: Device, route: Route, buffers: Buffers, subject: str, offset: int, length: int
) -> None:
    """Submits the largest ranges that fit, at three offsets: carried out."""
    with submitted(device) as signal:
        transfer = transfer_at(subject, buffers.small, buffers.large, offset, length)
        route(*transfer, signal=signal)
    buffers.expect_moved(subject, offset, length, f"{subject} range ({offset}, {length}) of {SIZE}")


@pytest.mark.spec("QUE-9")
@by_each_route()
@with_each_range
def test_a_length_of_0_moves_nothing(
    device: Device, route: Route, buffers: Buffers, subject: str
) -> None:
    """Submits no bytes at start, middle and end of a buffer, and of an empty one: all signalled."""
    with device.allocator.allocate(0) as empty, device.create_semaphore() as line:
        places = [(buffers.small, offset) for offset in (0, 1, SIZE // 2, SIZE)] + [(empty, 0)]
        for value, (buffer, offset) in enumerate(places, 1):
            doing = f"{subject} range ({offset}, 0) of {buffer.byte_length}"
            transfer = transfer_at(subject, buffer, buffers.large, offset, 0)
            route(*transfer, signal=[(line, value)])
            line.wait(value)
            buffers.expect_unchanged("QUE-9", doing)


@pytest.mark.spec("QUE-9")
@by_each_route("queue_copy")
def test_a_copy_of_0_bytes_overlaps_nothing(device: Device, route: Route, buffers: Buffers) -> None:
    """Copies no bytes of a buffer to where they are, and to its end: signalled, nothing moved."""
    buffer = buffers.small
    with device.create_semaphore() as line:
        for value, (start, to) in enumerate([(0, 0), (8, 8), (8, SIZE), (SIZE, SIZE)], 1):
            route("copy", buffer, start, buffer, to, 0, signal=[(line, value)])
            line.wait(value)
            buffers.expect_unchanged("QUE-9", f"copy({start}, {to}, 0) in a buffer")


@pytest.mark.spec("QUE-9")
@by_each_route("queue_fill")
@pytest.mark.parametrize("width", [2, 4])
def test_a_fill_of_0_bytes_takes_any_pattern(
    device: Device, route: Route, buffers: Buffers, width: int
) -> None:
    """Fills no bytes at start and end of a buffer with wider patterns: signalled, none written."""
    with device.create_semaphore() as line:
        for value, offset in enumerate((0, SIZE), 1):
            route("fill", buffers.small, offset, 0, MARK * width, signal=[(line, value)])
            line.wait(value)
            buffers.expect_unchanged("QUE-9", f"fill({offset}, 0, {width} bytes)")
