"""Fills, submitted and recorded: exactly their range, with patterns of each width."""

from __future__ import annotations

import numpy as np
import pytest

from cts.hal import Device, Driver, StatusCode
from cts.work_cases import expect_bytes, needs_room, submitted
from cts.work_cases.operations import Route, by_each_route
from cts.work_cases.transfers import LARGE, POSITIVE_SIZES, expect_refused, noise_of

PATTERNS = (b"\x5a", b"\xc3\x3c", b"\x01\x80\xfe\x7f")
"""One of each width."""
LARGEST_OFFSET = 3 * len(PATTERNS[-1])

pytestmark = pytest.mark.needs("allocator", "create_semaphore")


@pytest.mark.spec("QUE-1")
@by_each_route("queue_fill")
@pytest.mark.parametrize("size", POSITIVE_SIZES)
def test_is_exact(device: Device, hal_driver: Driver, route: Route, size: int) -> None:
    """Fills that many bytes with each width of pattern, at three offsets: they and none beside."""
    needs_room(hal_driver, size + LARGEST_OFFSET + 1)
    wanted = noise_of(size + LARGEST_OFFSET + 1)
    with device.allocator.allocate(wanted.size) as buffer, device.create_semaphore() as line:
        buffer.write(0, wanted.tobytes())
        ranges = [(p, n * len(p)) for n in (3, 0, 1) for p in PATTERNS if size >= len(p)]
        for value, (pattern, offset) in enumerate(ranges, 1):
            repeats = size // len(pattern)
            length = repeats * len(pattern)
            route("fill", buffer, offset, length, pattern, signal=[(line, value)])
            line.wait(value)
            wanted[offset : offset + length] = np.tile(np.frombuffer(pattern, np.uint8), repeats)
            expect_bytes(buffer, wanted, "QUE-1", f"fill({offset}, {length}, {pattern!r})")


@pytest.mark.spec("QUE-1")
@pytest.mark.needs("queue_fill")
def test_a_large_one_is_exact(device: Device, hal_driver: Driver) -> None:
    """Fills 9 MiB, whole words from the second one on: they and no byte beside them."""
    needs_room(hal_driver, LARGE + 8)
    wanted, pattern = noise_of(LARGE + 8), PATTERNS[-1]
    with device.allocator.allocate(wanted.size) as buffer:
        buffer.write(0, wanted.tobytes())
        with submitted(device) as signal:
            device.queue_fill(buffer, 4, LARGE, pattern, signal=signal)
        wanted[4 : 4 + LARGE] = np.tile(np.frombuffer(pattern, np.uint8), LARGE // 4)
        expect_bytes(buffer, wanted, "QUE-1", f"fill(4, {LARGE}, {pattern!r})")


OTHER_WIDTHS = {
    0: [b""],
    3: [bytes(3)],
    5: [bytes(5), b"abcd\x01"],
    8: [bytes(8), b"abcd\x04\0\0\0"],
}
"""Patterns; also such as tell a width, where it is kept behind four bytes for the pattern."""


@pytest.mark.spec("QUE-1")
@by_each_route("queue_fill")
@pytest.mark.parametrize("width", OTHER_WIDTHS)
def test_a_pattern_of_another_width_is_refused(device: Device, route: Route, width: int) -> None:
    """Fills with a pattern of no, 3, 5 and 8 bytes: refused, nothing written; with 4 it works."""
    before = noise_of(120)
    with device.allocator.allocate(120) as buffer, submitted(device) as signal:
        buffer.write(0, before.tobytes())
        fill = "fill", buffer, 0, 120
        for pattern in OTHER_WIDTHS[width]:
            expect_refused(device, route, StatusCode.INVALID_ARGUMENT, "QUE-1", *fill, pattern)
            expect_bytes(buffer, before, "QUE-1", f"the buffer after the pattern {pattern!r}")
        route(*fill, bytes(4), signal=signal)


@pytest.mark.spec("QUE-1")
@by_each_route("queue_fill")
@pytest.mark.parametrize("width", [2, 4])
def test_a_part_of_a_pattern_is_refused(device: Device, route: Route, width: int) -> None:
    """Fills from or to the middle of a pattern: refused, nothing written; whole ones are filled."""
    before = noise_of(64)
    parts = [(part, 16) for part in range(1, width)] + [(16, 16 + p) for p in range(1, width)]
    with device.allocator.allocate(64) as buffer, submitted(device) as signal:
        buffer.write(0, before.tobytes())
        for part in parts:
            fill = "fill", buffer, *part, bytes(width)
            expect_refused(device, route, StatusCode.INVALID_ARGUMENT, "QUE-1", *fill)
            expect_bytes(buffer, before, "QUE-1", f"the buffer after a fill of {part}")
        route("fill", buffer, width, 16, bytes(width), signal=signal)
