"""queue_fill, queue_update and queue_copy: exactly their range, against numpy."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from cts.checks import expect_equal, expect_error, unsupported
from cts.hal import Buffer, Device, DeviceGroup, Driver, HalError, SemaphoreList, StatusCode

SIZE = 260
RANGES = [(0, 4), (4, 8), (64, 128), (0, 256), (252, 8), (128, 0)]
ODD_RANGES = [(1, 3), (7, 249), (255, 5), (3, 257)]
LARGE = 1 << 18
Bytes = npt.NDArray[np.uint8]

pytestmark = pytest.mark.needs("allocator", "create_semaphore")


@pytest.fixture
def device(device_group: DeviceGroup) -> Device:
    """A device of the session's group."""
    return device_group.device_at(0)


def noise(size: int, seed: int = 1) -> Bytes:
    """Bytes that look like nothing else."""
    return np.random.default_rng(seed).integers(0, 256, size, np.uint8)


@contextmanager
def submitted(device: Device) -> Iterator[SemaphoreList]:
    """A signal for one submission in the block; the end of the block waits for it."""
    with device.create_semaphore() as semaphore:
        yield [(semaphore, 1)]
        semaphore.wait(1)


def expect_bytes(buffer: Buffer, wanted: Bytes, requirement: str, doing: str) -> None:
    """Compares all of a buffer with what numpy gives; the first difference is told."""
    found = np.frombuffer(buffer.read(), np.uint8)
    different = np.flatnonzero(found != wanted)
    first = [(int(i), int(found[i]), int(wanted[i])) for i in different[:3]]
    expect_equal(first, [], requirement, f"{doing}: (offset, byte, byte that numpy has)")


@pytest.mark.spec("QUE-1")
@pytest.mark.needs("queue_fill")
@pytest.mark.parametrize("pattern", [b"\x5a", b"\x5a\xa5", b"\x01\x02\x03\x04"], ids=len)
@pytest.mark.parametrize(("offset", "length"), [*RANGES, *ODD_RANGES])
def test_fill_is_exact(device: Device, pattern: bytes, offset: int, length: int) -> None:
    """Fills a range with a pattern of each width: that range and no byte beside it."""
    if offset % len(pattern) or length % len(pattern):
        offset, length = (
            offset // len(pattern) * len(pattern),
            length // len(pattern) * len(pattern),
        )
    before = noise(SIZE)
    wanted = before.copy()
    repeats = length // len(pattern)
    wanted[offset : offset + length] = np.tile(np.frombuffer(pattern, np.uint8), repeats)
    with device.allocator.allocate(SIZE) as buffer:
        buffer.write(0, before.tobytes())
        with submitted(device) as signal:
            device.queue_fill(buffer, offset, length, pattern, signal=signal)
        expect_bytes(buffer, wanted, "QUE-1", f"fill({offset}, {length}, {pattern!r})")


@pytest.mark.spec("QUE-1")
@pytest.mark.needs("queue_fill")
@pytest.mark.parametrize("width", [0, 3, 5, 8])
def test_a_pattern_of_another_width_is_refused(device: Device, width: int) -> None:
    """Fills with a pattern of no, 3, 5 and 8 bytes: refused; with 4 it works."""
    with device.allocator.allocate(120) as buffer, device.create_semaphore() as semaphore:
        with expect_error(StatusCode.INVALID_ARGUMENT, "QUE-1", f"a pattern of {width} bytes"):
            device.queue_fill(buffer, 0, 120, bytes(width), signal=[(semaphore, 1)])
        with submitted(device) as signal:
            device.queue_fill(buffer, 0, 120, bytes(4), signal=signal)


@pytest.mark.spec("QUE-2")
@pytest.mark.needs("queue_update")
@pytest.mark.parametrize(("offset", "length"), [*RANGES, *ODD_RANGES])
def test_update_is_exact(device: Device, offset: int, length: int) -> None:
    """Updates a range: those bytes and no byte beside it."""
    before, data = noise(SIZE), noise(length, 2)
    wanted = before.copy()
    wanted[offset : offset + length] = data
    with device.allocator.allocate(SIZE) as buffer:
        buffer.write(0, before.tobytes())
        with submitted(device) as signal:
            device.queue_update(data.tobytes(), buffer, offset, signal=signal)
        expect_bytes(buffer, wanted, "QUE-2", f"update({offset}, {length} bytes)")


@pytest.mark.spec("QUE-2")
@pytest.mark.needs("queue_update", async_queue=True)
def test_update_captures_its_source_at_the_call(device: Device) -> None:
    """Changes the source after the call and before the wait is reached: the old bytes arrive."""
    source = bytearray(b"before")
    with (
        device.allocator.allocate(6) as buffer,
        device.create_semaphore() as go,
        submitted(device) as signal,
    ):
        device.queue_update(source, buffer, 0, wait=[(go, 1)], signal=signal)  # type: ignore[arg-type]
        source[:] = b"after!"
        go.signal(1)
        for semaphore, value in signal:
            semaphore.wait(value)
        expect_equal(buffer.read(), b"before", "QUE-2", "an update whose source changes later")


@pytest.mark.spec("QUE-3")
@pytest.mark.needs("queue_copy")
@pytest.mark.parametrize(
    ("source_offset", "target_offset", "length"),
    [(0, 0, 260), (0, 4, 4), (4, 0, 128), (1, 2, 3), (3, 0, 257), (0, 3, 257), (259, 0, 1)],
)
def test_copy_is_exact(device: Device, source_offset: int, target_offset: int, length: int) -> None:
    """Copies a range at any alignment: those bytes and no byte beside it; the source stays."""
    before, data = noise(SIZE), noise(SIZE, 2)
    wanted = before.copy()
    wanted[target_offset : target_offset + length] = data[source_offset : source_offset + length]
    with device.allocator.allocate(SIZE) as source, device.allocator.allocate(SIZE) as target:
        source.write(0, data.tobytes())
        target.write(0, before.tobytes())
        with submitted(device) as signal:
            device.queue_copy(source, source_offset, target, target_offset, length, signal=signal)
        doing = f"copy({source_offset}, {target_offset}, {length})"
        expect_bytes(target, wanted, "QUE-3", doing)
        expect_bytes(source, data, "QUE-3", f"{doing}, the source")


@pytest.mark.spec("QUE-3")
@pytest.mark.needs("queue_copy")
@pytest.mark.parametrize("length", [LARGE - 1, LARGE, LARGE + 1])
def test_a_large_copy_is_exact(device: Device, hal_driver: Driver, length: int) -> None:
    """Copies around 256 KiB from an odd offset: every byte."""
    limit = hal_driver.properties.max_allocation
    if limit is not None and length >= limit:
        unsupported(f"needs a buffer of {length + 1} bytes: max_allocation is {limit}")
    data = noise(length + 1)
    with (
        device.allocator.allocate(length + 1) as source,
        device.allocator.allocate(length) as target,
    ):
        source.write(0, data.tobytes())
        target.write(0, bytes(length))
        with submitted(device) as signal:
            device.queue_copy(source, 1, target, 0, length, signal=signal)
        expect_bytes(target, data[1:], "QUE-3", f"a copy of {length} bytes")


@pytest.mark.spec("QUE-3")
@pytest.mark.needs("queue_copy")
@pytest.mark.parametrize(("source", "target"), [(0, 8), (8, 0), (0, 0)])
def test_an_overlapping_copy_is_refused(device: Device, source: int, target: int) -> None:
    """Copies between overlapping ranges of one buffer: refused, nothing moved; apart it works."""
    data = noise(64)
    with device.allocator.allocate(64) as buffer, device.create_semaphore() as semaphore:
        buffer.write(0, data.tobytes())
        with expect_error(StatusCode.INVALID_ARGUMENT, "QUE-3", f"copy({source}, {target}, 16)"):
            device.queue_copy(buffer, source, buffer, target, 16, signal=[(semaphore, 1)])
        expect_bytes(buffer, data, "QUE-3", "the buffer after a refused copy")
        with submitted(device) as signal:
            device.queue_copy(buffer, 0, buffer, 16, 16, signal=signal)


SUBMIT_PAST_THE_END: dict[str, Callable[[Device, Buffer, Buffer, SemaphoreList], Any]] = {
    "queue_fill": lambda d, b, other, signal: d.queue_fill(b, 60, 8, b"\x11", signal=signal),
    "queue_update": lambda d, b, other, signal: d.queue_update(b"\x11" * 8, b, 60, signal=signal),
    "queue_copy": lambda d, b, other, signal: d.queue_copy(other, 0, b, 60, 8, signal=signal),
}


@pytest.mark.spec("QUE-6")
@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=pytest.mark.needs(n)) for n in SUBMIT_PAST_THE_END]
)
def test_a_range_past_the_end_is_reported_where_declared(
    device: Device, hal_driver: Driver, name: str
) -> None:
    """Submits a range that leaves its buffer: OUT_OF_RANGE where declared, nothing written."""
    data = noise(64)
    declared = hal_driver.properties.out_of_range
    with (
        device.allocator.allocate(64) as buffer,
        device.allocator.allocate(64) as other,
        device.create_semaphore() as semaphore,
    ):
        buffer.write(0, data.tobytes())
        point = "submission"
        try:
            SUBMIT_PAST_THE_END[name](device, buffer, other, [(semaphore, 1)])
            point = "later"
            semaphore.wait(1)
        except HalError as error:
            expect_equal(error.code, StatusCode.OUT_OF_RANGE, "QUE-6", f"{name} past the end")
        else:
            expect_equal("no error", StatusCode.OUT_OF_RANGE, "QUE-6", f"{name} past the end")
        expect_bytes(buffer, data, "QUE-6", f"the buffer after {name} past its end")
        if declared == "later":
            expect_equal(point, "later", "QUE-6", f"when {name} past the end was reported")
        else:  # a queue operation is recorded and submitted in one
            expect_equal(point, "submission", "QUE-6", f"when {name} past the end was reported")
