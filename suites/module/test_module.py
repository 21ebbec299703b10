"""Modules: they hold a group, and give its devices."""

from __future__ import annotations

import pytest

from cts.checks import expect, expect_equal, expect_error
from cts.hal import Module, StatusCode
from cts.plugin.fixtures import NewDevice, NewGroup

ONE_AND_SEVERAL = [
    pytest.param(1, marks=pytest.mark.needs(devices=1)),
    pytest.param(2, marks=pytest.mark.needs(devices=2)),
]


@pytest.mark.spec("MOD-1", "MOD-3")
@pytest.mark.parametrize("count", ONE_AND_SEVERAL)
def test_retains_the_group_and_gives_its_devices(
    new_device: NewDevice, new_group: NewGroup, count: int
) -> None:
    """Creates a module over one device and over two: count, devices and errors are the group's."""
    devices = new_device.many(count)
    group = new_group(*devices)
    module = Module(group)
    expect_equal(group.reference_count, 2, "MOD-1", "the group's count with a module")
    expect_equal(module.device_count, count, "MOD-1", "device_count")
    found = [module.device_at(index) for index in range(count)]
    expect_equal(found, devices, "MOD-1", "device_at")
    for index in (-1, count):
        with expect_error(StatusCode.OUT_OF_RANGE, "MOD-3", f"device_at({index})"):
            module.device_at(index)
    module.release()
    expect_equal(group.reference_count, 1, "MOD-1", "the group's count without the module")


@pytest.mark.spec("MOD-1")
def test_a_destroyed_group_is_refused(new_device: NewDevice, new_group: NewGroup) -> None:
    """Creates a module from a group that is gone: refused; from a living one it works."""
    device = new_device()
    group = new_group(device)
    Module(group).release()
    group.release()
    with expect_error(StatusCode.FAILED_PRECONDITION, "MOD-1", "a module of a destroyed group"):
        Module(group)


@pytest.mark.spec("MOD-1")
def test_what_is_no_group_is_refused(new_device: NewDevice) -> None:
    """Creates a module from a device, and from nothing: refused, and the device is untouched."""
    device = new_device()
    device.query_capabilities()
    for thing in (device, None):
        with expect_error(StatusCode.INVALID_ARGUMENT, "MOD-1", f"a module of {thing!r}"):
            Module(thing)  # type: ignore[arg-type]
    expect_equal(device.reference_count, 1, "MOD-1", "the count of a device that was refused")


@pytest.mark.spec("MOD-2", "MOD-3")
@pytest.mark.parametrize("count", ONE_AND_SEVERAL)
def test_may_be_the_last_holder(new_device: NewDevice, new_group: NewGroup, count: int) -> None:
    """Releases group and devices: devices and topology are valid until the module goes."""
    devices = new_device.many(count)
    group = new_group(*devices)
    module = Module(group)
    group.release()
    for device in devices:
        device.release()
    for index in range(module.device_count):
        device = module.device_at(index)
        device.query_capabilities()
        info = device.topology_info
        assert info is not None
        edge = info.topology.query_edge(index, index)
        expect(edge is not None, "MOD-2", "the topology", came_back=edge, asks="a self edge")
    module.release()
    counts = [thing.reference_count for thing in (group, *devices)]
    expect_equal(counts, [0] * (count + 1), "MOD-2", "counts after the module")
    with expect_error(StatusCode.FAILED_PRECONDITION, "MOD-2", "a module that is destroyed"):
        module.device_at(0)
