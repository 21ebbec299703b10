"""A group holds its devices, and the topology is only lent to them."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable

import pytest

from cts.checks import expect, expect_equal, expect_error
from cts.hal import Device, DeviceGroup, DeviceTopologyInfo, StatusCode, Topology
from cts.plugin.fixtures import NewDevice, NewGroup, Steer


@pytest.mark.spec("LIF-1")
@pytest.mark.needs(devices=2)
def test_a_group_retains_each_device_once(new_device: NewDevice, new_group: NewGroup) -> None:
    """Forms and ends a group: each count goes up by one, and back."""
    devices = new_device.many(2)
    group = new_group(*devices)
    expect_equal([d.reference_count for d in devices], [2, 2], "LIF-1", "counts in a group")
    group.retain()
    expect_equal([d.reference_count for d in devices], [2, 2], "LIF-1", "with the group retained")
    group.release()
    expect_equal([d.reference_count for d in devices], [2, 2], "LIF-1", "with it released once")
    group.release()
    expect_equal([d.reference_count for d in devices], [1, 1], "LIF-1", "counts after the group")


@pytest.mark.spec("LIF-2")
def test_a_device_lives_through_its_group(new_device: NewDevice, new_group: NewGroup) -> None:
    """Releases a device as soon as its group exists: it works until the group goes."""
    device = new_device()
    group = new_group(device)
    before = device.query_capabilities()
    device.release()
    expect_equal(device.query_capabilities(), before, "LIF-2", "query_capabilities afterwards")
    info = device.topology_info
    expect(info is not None, "LIF-2", "topology_info afterwards", came_back=info, asks="an info")
    group.release()
    expect_equal(device.reference_count, 0, "LIF-2", "the count after the group")
    with expect_error(StatusCode.FAILED_PRECONDITION, "LIF-2", "a query after the group"):
        device.query_capabilities()


@pytest.mark.spec("LIF-2", subject="objects")
@pytest.mark.needs("allocator", "create_semaphore", "queue_fill")
def test_a_released_device_still_works(new_device: NewDevice, new_group: NewGroup) -> None:
    """Releases a device that is in a group, then fills a buffer on it."""
    device = new_device()
    group = new_group(device)
    device.release()
    with device.allocator.allocate(16) as buffer, device.create_semaphore() as semaphore:
        device.queue_fill(buffer, 0, 16, b"\x5a", signal=[(semaphore, 1)])
        semaphore.wait(1)
        expect_equal(buffer.read(), b"\x5a" * 16, "LIF-2", "a fill on a released device")
    group.release()


@pytest.mark.spec("LIF-3")
def test_an_info_keeps_neither_group_nor_topology(
    new_device: NewDevice, new_group: NewGroup
) -> None:
    """Holds an info across the group's end: the group is destroyed, the topology unreachable."""
    device = new_device()
    group = new_group(device)
    info = device.topology_info
    assert info is not None
    holders = _strong_holders(info)
    expect(not holders, "LIF-3", "what the info refers to", came_back=holders, asks="no topology")
    group.release()
    expect_equal(group.reference_count, 0, "LIF-3", "the group's count with an info held")


def _strong_holders(info: DeviceTopologyInfo) -> list[object]:
    """Topologies and groups that are reachable from an info by strong references."""
    seen: set[int] = set()
    waiting: list[object] = [info]
    found: list[object] = []
    while waiting:
        thing = waiting.pop()
        if id(thing) in seen or isinstance(thing, type):
            continue
        seen.add(id(thing))
        if isinstance(thing, Topology | DeviceGroup):
            found.append(thing)
        waiting += gc.get_referents(thing)
    return found


@pytest.mark.spec("LIF-3")
def test_a_device_keeps_neither_group_nor_topology(
    new_device: NewDevice, new_group: NewGroup
) -> None:
    """Drops the group's last reference with the device alive: the device's own goes on alone."""
    device = new_device()
    group = new_group(device)
    group.release()
    expect_equal(group.reference_count, 0, "LIF-3", "the group's count with its device alive")
    device.query_capabilities()


@pytest.mark.spec("LIF-3")
def test_nothing_of_a_group_is_left_beside_its_device(new_device: NewDevice) -> None:
    """Ends and forgets a group, keeps device and info: group and topology leave the memory."""
    device = new_device()

    def form_and_end() -> tuple[DeviceTopologyInfo | None, list[weakref.ref[object]]]:
        with DeviceGroup.from_device(device) as group:
            return device.topology_info, [weakref.ref(group), weakref.ref(group.topology)]

    info, left = form_and_end()
    gc.collect()
    found = [thing() for thing in left]
    expect_equal(found, [None, None], "LIF-3", f"group and topology, with device and {info} held")


@pytest.mark.spec("LIF-4")
def test_every_info_is_closed_at_the_last_release(
    new_device: NewDevice, new_group: NewGroup
) -> None:
    """Holds an info twice, once in a cycle with the collector off: both are closed at once."""
    device = new_device()
    group = new_group(device)
    info = device.topology_info
    assert info is not None
    cycle: list[object] = [info]
    cycle.append(cycle)
    enabled = gc.isenabled()
    gc.disable()
    try:
        info.topology.query_edge(0, 0)
        group.retain()
        group.release()
        info.topology.query_edge(0, 0)  # one reference is left
        group.release()
        for held in (info, cycle[0]):
            assert isinstance(held, DeviceTopologyInfo)
            with expect_error(StatusCode.FAILED_PRECONDITION, "LIF-4", "a read afterwards"):
                held.topology  # noqa: B018 - the read is what is tried
    finally:
        cycle.clear()
        if enabled:
            gc.enable()


@pytest.mark.spec("LIF-4")
def test_a_topology_that_was_taken_stays_readable(
    new_device: NewDevice, new_group: NewGroup
) -> None:
    """Takes the topology itself, ends the group: it reads as before."""
    group = new_group(new_device())
    topology = group.topology
    before = topology.query_edge(0, 0)
    group.release()
    expect_equal(topology.query_edge(0, 0), before, "LIF-4", "the topology after its group")


@pytest.mark.spec("LIF-5")
@pytest.mark.needs(devices=2)
def test_all_devices_see_one_topology(new_device: NewDevice, new_group: NewGroup) -> None:
    """Reads the topology through each device, several times: always the group's own object."""
    devices: list[Device] = new_device.many(2)
    group = new_group(*devices)
    for device in devices * 2:
        info = device.topology_info
        assert info is not None
        same = info.topology is group.topology
        expect(
            same,
            "LIF-5",
            "the topology of a device",
            came_back=info.topology,
            asks="the group's own object",
        )


@pytest.mark.spec("LIF-5")
@pytest.mark.needs(devices=3)
def test_it_is_one_topology_while_devices_join_and_leave(
    new_device: NewDevice, new_group: NewGroup, steer: Steer
) -> None:
    """Looks at what is assigned after each assignment of three: one topology, the group's own."""
    devices = new_device.many(3)
    seen: list[Topology] = []

    def look(original: Callable[..., None], info: DeviceTopologyInfo | None) -> None:
        original(info)
        if info is not None:
            infos = [device.topology_info for device in devices]
            seen.extend(other.topology for other in infos if other is not None)

    for device in devices:
        steer.answer(device, "assign_topology_info", look)
    group = new_group(*devices)
    same = [topology is group.topology for topology in seen]
    expect_equal(same, [True] * (1 + 2 + 3), "LIF-5", "the topology seen after each assignment")
    group.retain().release()
    same = [device.topology_info.topology is group.topology for device in devices]  # type: ignore[union-attr]
    expect_equal(same, [True] * 3, "LIF-5", "the topology later in the group's life")
