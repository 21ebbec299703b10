"""DeviceGroupBuilder.add_device: what it takes, what it refuses, and that it holds nothing."""

from __future__ import annotations

import pytest

from cts.checks import expect_equal, expect_error
from cts.hal import DeviceGroupBuilder, StatusCode
from cts.plugin.fixtures import NewDevice


@pytest.mark.spec("GRP-2")
@pytest.mark.needs(devices=3)
@pytest.mark.parametrize("capacity", [1, 2])
def test_beyond_capacity_is_refused(new_device: NewDevice, capacity: int) -> None:
    """Adds one device more than fits: refused; those already in make a group."""
    devices = new_device.many(capacity + 1)
    builder = DeviceGroupBuilder(capacity=capacity)
    for device in devices[:-1]:
        builder.add_device(device)
    doing = f"adding device {capacity + 1} of capacity {capacity}"
    with expect_error(StatusCode.RESOURCE_EXHAUSTED, "GRP-2", doing):
        builder.add_device(devices[-1])
    with builder.finalize() as group:
        expect_equal(group.device_count, capacity, "GRP-2", "devices after a refused one")
        expect_equal(devices[-1].topology_info, None, "GRP-2", "topology_info of the refused one")


@pytest.mark.spec("GRP-2")
@pytest.mark.needs(devices=33, max_devices=None)
def test_capacity_is_more_than_a_32_bit_map(new_device: NewDevice) -> None:
    """Forms a group of 33 devices with the default capacity: every bitmap has 32 peers."""
    builder = DeviceGroupBuilder()
    devices = new_device.many(33)
    for device in devices:
        builder.add_device(device)
    with builder.finalize() as group:
        expect_equal(group.device_count, 33, "GRP-2", "devices of a group of 33")
        last = devices[32].topology_info
        assert last is not None
        expect_equal(last.can_wait_from >> 32, 0, "GRP-2", "own bit 32 of the last device")


@pytest.mark.spec("GRP-3")
@pytest.mark.needs(devices=2)
def test_the_same_device_twice_is_refused(new_device: NewDevice) -> None:
    """Adds a device twice: refused, and the builder goes on as if it had not happened."""
    first, second = new_device.many(2)
    builder = DeviceGroupBuilder()
    builder.add_device(first)
    for _ in range(2):
        with expect_error(StatusCode.ALREADY_EXISTS, "GRP-3", "adding the same device again"):
            builder.add_device(first)
    builder.add_device(second)
    with builder.finalize() as group:
        found = [group.device_at(index) for index in range(group.device_count)]
        expect_equal(found, [first, second], "GRP-3", "the devices after a refused duplicate")


@pytest.mark.spec("GRP-4")
@pytest.mark.parametrize("thing", [None, "device", 0, object], ids=["none", "str", "int", "type"])
def test_what_is_no_device_is_refused(new_device: NewDevice, thing: object) -> None:
    """Adds none, or something that is no device: refused; a device is taken after it."""
    builder = DeviceGroupBuilder()
    with expect_error(StatusCode.INVALID_ARGUMENT, "GRP-4", f"adding {thing!r}"):
        builder.add_device(thing)  # type: ignore[arg-type]
    builder.add_device(new_device())
    with builder.finalize() as group:
        expect_equal(group.device_count, 1, "GRP-4", "devices after a refused one")


@pytest.mark.spec("GRP-5")
def test_the_builder_does_not_retain(new_device: NewDevice) -> None:
    """Adds a device: its count stays; without finalize, dropping the builder changes nothing."""
    device = new_device()
    before = device.reference_count
    builder = DeviceGroupBuilder()
    builder.add_device(device)
    expect_equal(device.reference_count, before, "GRP-5", "the count after add_device")
    del builder
    expect_equal(device.reference_count, before, "GRP-5", "the count after the builder is gone")
    device.query_capabilities()
