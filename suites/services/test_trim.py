"""Giving cached memory back, while objects are in use and work is pending."""

from __future__ import annotations

import pytest

from cts.hal import Device, Driver
from cts.work_cases import expect_bytes, noise
from cts.work_cases.concurrency import Gate

SIZE = 4099

pytestmark = [
    pytest.mark.spec("DEV-2"),
    pytest.mark.needs("allocator", "create_semaphore", "queue_copy", "trim"),
]


def test_leaves_what_is_in_use(device: Device, hal_driver: Driver) -> None:
    """Trims between allocation, a pending copy and its end: every byte is there."""
    data = noise(SIZE)
    gate = Gate(device, hal_driver)
    with (
        device.allocator.allocate(SIZE) as source,
        device.allocator.allocate(SIZE) as target,
        device.create_semaphore(5) as line,
    ):
        device.trim()
        source.write(0, data.tobytes())
        device.trim()
        device.queue_copy(source, 0, target, 0, SIZE, wait=gate.wait, signal=[(line, 6)])
        device.trim()
        gate.open()
        line.wait(6)
        device.trim()
        for buffer, name in ((source, "source"), (target, "target")):
            expect_bytes(buffer, data, "DEV-2", f"the {name} of a copy, trimmed before and after")
    gate.release()


def test_leaves_room_for_more(device: Device) -> None:
    """Releases a hundred buffers and trims, twice over: the next ones are good."""
    data = noise(SIZE)
    for _ in range(2):
        for buffer in [device.allocator.allocate(SIZE) for _ in range(100)]:
            buffer.release()
        device.trim()
        with device.allocator.allocate(SIZE) as buffer:
            buffer.write(0, data.tobytes())
            expect_bytes(buffer, data, "DEV-2", "a buffer after trim")
