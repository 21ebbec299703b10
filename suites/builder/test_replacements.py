"""DeviceGroup.with_replacements: the same topology over other devices, such as tracing wrappers."""

from __future__ import annotations

from typing import Any

import pytest

from cts.checks import expect, expect_equal, expect_error
from cts.hal import (
    Device,
    DeviceCapabilities,
    DeviceGroup,
    DeviceGroupBuilder,
    DeviceTopologyInfo,
    Edge,
    HalError,
    StatusCode,
    slot,
)
from cts.plugin.fixtures import NewDevice, NewGroup, Steer

ASSIGN = "assign_topology_info"


class TracingDevice(Device):
    """Stands in for a device of the driver: forwards what it is asked, and keeps its own place."""

    def __init__(self, wrapped: Device) -> None:
        super().__init__()
        self.driver_name = wrapped.driver_name
        self.wraps = wrapped
        self.assigned: list[DeviceTopologyInfo | None] = []

    @property
    @slot()
    def identifier(self) -> str:
        assert self.wraps is not None
        return f"traced {self.wraps.identifier}"

    @slot()
    def query_capabilities(self) -> DeviceCapabilities:
        assert self.wraps is not None
        return self.wraps.query_capabilities()

    @property
    @slot()
    def topology_info(self) -> DeviceTopologyInfo | None:
        return self.assigned[-1] if self.assigned else None

    @slot()
    def assign_topology_info(self, info: DeviceTopologyInfo | None) -> None:
        self.assigned.append(info)

    @slot()
    def refine_topology_edge(self, dst: Device, edge: Edge) -> Edge:
        return edge


class FailingDevice(TracingDevice):
    """A wrapper whose assignment fails."""

    @slot()
    def assign_topology_info(self, info: DeviceTopologyInfo | None) -> None:
        raise HalError(StatusCode.RESOURCE_EXHAUSTED, "FailingDevice.assign_topology_info")


@pytest.mark.spec("GRP-15")
@pytest.mark.needs(devices=2)
def test_takes_over_topology_and_infos(
    new_device: NewDevice, new_group: NewGroup, steer: Steer
) -> None:
    """Replaces both devices of a group: same topology, same infos, no call of an original."""
    devices = tuple(new_device.many(2))
    source = new_group(*devices)
    infos = [device.topology_info for device in devices]
    log = steer.log(devices, ASSIGN)
    wrappers = [TracingDevice(device) for device in devices]
    with source.with_replacements(wrappers) as group:
        same = group.topology is source.topology
        expect(same, "GRP-15", "the topology", came_back=group.topology, asks="the source's own")
        found = [group.device_at(index) for index in range(group.device_count)]
        expect_equal(found, wrappers, "GRP-15", "the devices of the new group")
        expect_equal([w.assigned for w in wrappers], [[i] for i in infos], "GRP-15", "infos")
    expect_equal([w.assigned[-1] for w in wrappers], [None, None], "GRP-15", "infos afterwards")
    expect_equal(log, [], "GRP-15", "assignments of the originals")
    expect_equal([d.topology_info for d in devices], infos, "GRP-15", "infos of the originals")
    for wrapper in wrappers:
        expect_equal(wrapper.reference_count, 1, "GRP-15", "the count of a wrapper afterwards")
        wrapper.release()


@pytest.mark.spec("GRP-15")
def test_retains_the_source(new_device: NewDevice, new_group: NewGroup) -> None:
    """Releases the source first: it lives until the new group is gone."""
    device = new_device()
    source = new_group(device)
    with TracingDevice(device) as wrapper:
        group = source.with_replacements([wrapper])
        source.release()
        info = device.topology_info
        expect(
            info is not None,
            "GRP-15",
            "after the source's release",
            came_back=info,
            asks="the device still in its group",
        )
        expect_equal(info and info.topology, group.topology, "GRP-15", "the topology")
        group.release()
        expect_equal(device.topology_info, None, "GRP-15", "topology_info after both groups")
    expect_equal(device.reference_count, 1, "GRP-15", "the count of the device after both groups")


@pytest.mark.spec("GRP-15")
@pytest.mark.needs(devices=2)
def test_a_function_is_called_once_for_each_device_in_order(
    new_device: NewDevice, new_group: NewGroup
) -> None:
    """Replaces by a function that keeps the second device: called in order, only one assigned."""
    devices = new_device.many(2)
    source = new_group(*devices)
    asked: list[Device] = []
    wrapper = TracingDevice(devices[0])

    def replace(device: Device) -> Device:
        asked.append(device)
        return wrapper if device is devices[0] else device

    with source.with_replacements(replace) as group:
        expect_equal(asked, devices, "GRP-15", "devices that the function was called with")
        expect_equal(group.device_at(1), devices[1], "GRP-15", "the device that was kept")
        expect_equal(len(wrapper.assigned), 1, "GRP-15", "assignments of the replacement")
    wrapper.release()
    info = devices[1].topology_info
    expect(
        info is not None,
        "GRP-15",
        "the device kept, afterwards",
        came_back=info,
        asks="still in the source",
    )


@pytest.mark.spec("GRP-15")
@pytest.mark.needs(devices=2)
@pytest.mark.parametrize("missing", ["none", "too few", "a function's none", "twice"])
def test_a_missing_replacement_is_refused(
    new_device: NewDevice, new_group: NewGroup, missing: str
) -> None:
    """Leaves a replacement out in four ways: refused, and the source is whole."""
    devices = new_device.many(2)
    source = new_group(*devices)
    with TracingDevice(devices[0]) as wrapper:
        given: dict[str, tuple[Any, StatusCode]] = {
            "none": ([wrapper, None], StatusCode.INVALID_ARGUMENT),
            "too few": ([wrapper], StatusCode.INVALID_ARGUMENT),
            "a function's none": (lambda device: None, StatusCode.INVALID_ARGUMENT),
            "twice": ([wrapper, wrapper], StatusCode.ALREADY_EXISTS),
        }
        replacements, code = given[missing]
        with expect_error(code, "GRP-15", f"replacing with {missing}"):
            source.with_replacements(replacements)
        expect_whole(source, devices, f"replacing with {missing}")
        expect_equal(wrapper.assigned, [], "GRP-15", f"assignments, replacing with {missing}")


@pytest.mark.spec("GRP-15")
@pytest.mark.needs(devices=2)
def test_a_failed_replacement_leaves_the_source_whole(
    new_device: NewDevice, new_group: NewGroup
) -> None:
    """Fails the second replacement's assignment: its code; the first is un-assigned."""
    devices = new_device.many(2)
    source = new_group(*devices)
    with TracingDevice(devices[0]) as first, FailingDevice(devices[1]) as second:
        with expect_error(StatusCode.RESOURCE_EXHAUSTED, "GRP-15", "a failing replacement"):
            source.with_replacements([first, second])
        expect_equal(first.topology_info, None, "GRP-15", "the info of the first replacement")
        counts = [first.reference_count, second.reference_count]
        expect_equal(counts, [1, 1], "GRP-15", "counts of the replacements")
        expect_whole(source, devices, "a failing replacement")


@pytest.mark.spec("GRP-15", "GRP-12")
@pytest.mark.needs(devices=2)
def test_a_wrapper_of_a_member_is_refused_by_other_builders(
    new_device: NewDevice, new_group: NewGroup
) -> None:
    """Adds a wrapper of a grouped device to a builder: refused; it may replace the member."""
    device, other = new_device.many(2)
    source = new_group(device)
    with TracingDevice(device) as wrapper:
        builder = DeviceGroupBuilder()
        builder.add_device(other)
        with expect_error(StatusCode.FAILED_PRECONDITION, "GRP-12", "a wrapper of a member"):
            builder.add_device(wrapper)
        with source.with_replacements([wrapper]) as group:
            expect_equal(group.device_count, 1, "GRP-15", "devices of the new group")


def expect_whole(source: DeviceGroup, devices: list[Device], doing: str) -> None:
    """Checks that a group and its devices are as they were."""
    found = [source.device_at(index) for index in range(source.device_count)]
    expect_equal(found, devices, "GRP-15", f"the source's devices after {doing}")
    for index, device in enumerate(devices):
        info = device.topology_info
        expect_equal(info and info.topology_index, index, "GRP-15", f"its infos after {doing}")
    expect_equal(source.reference_count, 1, "GRP-15", f"the source's count after {doing}")
