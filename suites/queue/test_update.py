"""Updates, submitted and recorded: exactly their bytes, as they were at the call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from cts.checks import expect_equal
from cts.hal import Device, Driver
from cts.work_cases import expect_bytes, needs_room, submitted
from cts.work_cases.concurrency import Gate
from cts.work_cases.operations import NEEDED_BY_EXECUTE, Recorded, Route, Submitted, by_each_route
from cts.work_cases.transfers import LARGE, POSITIVE_SIZES, noise_of

OFFSETS = (5, 0, 1)
MOST_RECORDED = 1 << 16
"""Bytes; a command buffer may refuse more in one update (the Vulkan specification,
vkCmdUpdateBuffer)."""

pytestmark = pytest.mark.needs("allocator", "create_semaphore")


def expect_exact(device: Device, hal_driver: Driver, route: Route, size: int) -> None:
    """Updates a buffer at each of the offsets, and compares all of it each time."""
    needs_room(hal_driver, size + max(OFFSETS) + 1)
    wanted = noise_of(size + max(OFFSETS) + 1)
    source = noise_of(size + len(OFFSETS), seed=2)
    with device.allocator.allocate(wanted.size) as buffer, device.create_semaphore() as line:
        buffer.write(0, wanted.tobytes())
        for value, offset in enumerate(OFFSETS, 1):
            data = source[value : value + size]
            route("update", data.tobytes(), buffer, offset, signal=[(line, value)])
            line.wait(value)
            wanted[offset : offset + size] = data
            expect_bytes(buffer, wanted, "QUE-2", f"update({size} bytes, {offset})")


@pytest.mark.spec("QUE-2")
@pytest.mark.needs("queue_update")
@pytest.mark.parametrize("size", POSITIVE_SIZES)
def test_is_exact(device: Device, hal_driver: Driver, size: int) -> None:
    """Updates that many bytes at three offsets in turn: they and no byte beside them."""
    expect_exact(device, hal_driver, Submitted(device), size)


@pytest.mark.spec("QUE-2")
@pytest.mark.needs(*NEEDED_BY_EXECUTE)
@pytest.mark.parametrize("route", [Recorded], indirect=True, ids=[Recorded.id])
@pytest.mark.parametrize("size", [s for s in POSITIVE_SIZES if s <= MOST_RECORDED])
def test_a_recorded_one_is_exact(
    device: Device, hal_driver: Driver, route: Route, size: int
) -> None:
    """Records as many bytes as any command buffer takes, at three offsets in turn: the same."""
    expect_exact(device, hal_driver, route, size)


@pytest.mark.spec("QUE-2")
@pytest.mark.needs("queue_update")
def test_a_large_one_is_exact(device: Device, hal_driver: Driver) -> None:
    """Updates 9 MiB from an odd offset on: they and no byte beside them."""
    needs_room(hal_driver, LARGE + 8)
    wanted, data = noise_of(LARGE + 8), noise_of(LARGE, seed=2)
    with device.allocator.allocate(wanted.size) as buffer:
        buffer.write(0, wanted.tobytes())
        with submitted(device) as signal:
            device.queue_update(data.tobytes(), buffer, 3, signal=signal)
        wanted[3 : 3 + LARGE] = data
        expect_bytes(buffer, wanted, "QUE-2", f"update({LARGE} bytes, 3)")


BEFORE, AFTER = b"before", b"after!"


def _view(data: bytearray) -> memoryview:
    return memoryview(data)


def _array(data: bytearray) -> Any:
    return np.frombuffer(data, np.uint8)


CHANGING: dict[str, Callable[[bytearray], Any]] = {
    "bytearray": lambda data: data,
    "memoryview": _view,
    "numpy": _array,
}
"""Ways to pass bytes that change when a bytearray does."""


@pytest.mark.spec("QUE-2")
@pytest.mark.needs("queue_update")
@pytest.mark.parametrize("kind", CHANGING)
def test_captures_its_source_at_the_call(device: Device, gate: Gate, kind: str) -> None:
    """Changes the source after the call, before the wait is reached: the old bytes arrive."""
    data = bytearray(BEFORE)
    source = CHANGING[kind](data)
    with device.allocator.allocate(len(BEFORE)) as buffer, device.create_semaphore() as done:
        device.queue_update(source, buffer, 0, wait=gate.wait, signal=[(done, 1)])
        data[:] = AFTER
        gate.open()
        done.wait(1)
        expect_equal(buffer.read(), BEFORE, "QUE-2", f"an update whose {kind} changes later")


@pytest.mark.spec("QUE-2")
@pytest.mark.needs(*NEEDED_BY_EXECUTE)
@pytest.mark.parametrize("kind", CHANGING)
def test_captures_its_source_when_it_is_recorded(device: Device, kind: str) -> None:
    """Changes the source between recording and execution: the old bytes arrive."""
    data = bytearray(BEFORE)
    source = CHANGING[kind](data)
    with (
        device.allocator.allocate(len(BEFORE)) as buffer,
        device.create_semaphore() as done,
        device.create_command_buffer() as commands,
    ):
        commands.begin()
        commands.update(source, buffer, 0)
        data[:] = AFTER
        commands.end()
        device.queue_execute(commands, signal=[(done, 1)])
        done.wait(1)
        expect_equal(buffer.read(), BEFORE, "QUE-2", f"an update whose {kind} changes later")


@pytest.mark.spec("QUE-2")
@by_each_route("queue_update")
def test_takes_a_part_of_what_cannot_be_written(device: Device, route: Route) -> None:
    """Updates from bytes, and from the middle of a read-only view of them: those very bytes."""
    data = noise_of(64).tobytes()
    sources = {"bytes": data[3:35], "a read-only view": memoryview(data)[3:35]}
    for name, source in sources.items():
        with device.allocator.allocate(32) as buffer, device.create_semaphore() as done:
            buffer.write(0, bytes(32))
            route("update", source, buffer, 0, signal=[(done, 1)])
            done.wait(1)
            expect_equal(buffer.read(), data[3:35], "QUE-2", f"an update from {name}")
