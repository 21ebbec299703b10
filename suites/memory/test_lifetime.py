"""Buffers keep their bytes until their last release, and leave nothing behind."""

from __future__ import annotations

import pytest

from cts.checks import expect_equal, unsupported
from cts.hal import Buffer, Device, Driver
from cts.plugin.fixtures import NewDevice, NewGroup
from cts.work_cases import Bytes, expect_bytes, needs_room, noise
from cts.work_cases.growth import LARGE, expect_no_growth

SIZE = 4097

pytestmark = pytest.mark.needs("allocator")


@pytest.fixture
def orphan(
    hal_driver: Driver, new_device: NewDevice, new_group: NewGroup
) -> tuple[Buffer, Bytes, Device]:
    """A buffer whose device and group were given up by all others, its bytes, and its device."""
    if hal_driver.properties.children != "retain":
        unsupported("objects do not outlive the release of their device")
    needs_room(hal_driver, SIZE)
    data = noise(SIZE)
    device = new_device()
    group = new_group(device)
    buffer = device.allocator.allocate(SIZE)
    buffer.write(0, data.tobytes())
    group.release()
    device.release()
    return buffer, data, device


@pytest.mark.spec("MEM-6", subject="objects")
def test_keeps_its_bytes_after_device_and_group(orphan: tuple[Buffer, Bytes, Device]) -> None:
    """Releases group and device before a buffer: it reads as before, and is written and mapped."""
    buffer, data, device = orphan
    with buffer:
        expect_bytes(buffer, data, "MEM-6", "a buffer after its group's and device's release")
        buffer.write(1, b"write")
        with buffer.map(100, 3) as view:
            view[:] = b"map"
        data[1:6], data[100:103] = list(b"write"), list(b"map")
        expect_bytes(buffer, data, "MEM-6", "the buffer, written and mapped")
    expect_equal(device.reference_count, 0, "MEM-6", "the device's count after the last buffer")


@pytest.mark.spec("MEM-6", subject="objects")
def test_keeps_its_bytes_until_the_last_release(device: Device, hal_driver: Driver) -> None:
    """Retains a buffer three times and releases it as often: after each it reads as before."""
    needs_room(hal_driver, SIZE)
    data = noise(SIZE)
    with device.allocator.allocate(SIZE) as buffer:
        buffer.write(0, data.tobytes())
        for _ in range(3):
            buffer.retain()
        for left in (3, 2, 1):
            buffer.release()
            # A new one of that size, which takes the memory if it was given back too early.
            with device.allocator.allocate(SIZE) as other:
                other.write(0, bytes(SIZE))
                expect_bytes(buffer, data, "MEM-6", f"a buffer with {left} references left")


@pytest.mark.spec("MEM-6")
def test_keeps_its_bytes_while_others_come_and_go(device: Device, hal_driver: Driver) -> None:
    """Makes, writes and releases buffers of many sizes around one: that one reads as before."""
    needs_room(hal_driver, SIZE)
    data = noise(SIZE)
    with device.allocator.allocate(SIZE) as buffer:
        buffer.write(0, data.tobytes())
        for size in (1, 64, 100, 4096, SIZE) * 20:
            with device.allocator.allocate(size) as other:
                other.write(0, b"\x55" * size)
        expect_bytes(buffer, data, "MEM-6", "a buffer after a hundred others")


@pytest.mark.spec("MEM-6")
def test_released_buffers_leave_no_memory(device: Device, hal_driver: Driver) -> None:
    """Makes, writes, maps and releases a buffer of 1 MiB 256 times: resident memory stays."""
    needs_room(hal_driver, LARGE)
    data = noise(LARGE).tobytes()

    def use_one() -> None:
        with device.allocator.allocate(LARGE) as buffer:
            buffer.write(0, data)
            with buffer.map() as view:
                view[-1] = view[0]

    expect_no_growth(use_one, "MEM-6", "buffers")
