"""Topology info: a device's place, and what its bitmaps say of the others."""

from __future__ import annotations

import pytest

from cts.checks import expect, expect_equal
from cts.hal import (
    Device,
    DeviceCapabilities,
    DeviceCapability,
    DeviceGroup,
    Edge,
    HandleType,
    InteropMode,
    LinkClass,
    query_edge,
)
from cts.hal.edge import COSTS, MODES
from cts.plugin.fixtures import NewDevice, NewGroup, Steer

MANY = 70
"""Devices; more than a machine word has bits."""
NOTHING = DeviceCapabilities()
FD, DMA_BUF = HandleType.OPAQUE_FD, HandleType.DMA_BUF
READ_MODES = ("buffer_read_mode_noncoherent", "buffer_read_mode_coherent")


def refined_group(
    new_device: NewDevice, new_group: NewGroup, steer: Steer, count: int, **changes: Edge | int
) -> tuple[DeviceGroup, list[Device]]:
    """A group of devices that say nothing, of which device 0 refines its edge to device 1."""
    devices = new_device.many(count)
    for device in devices:
        steer.capabilities(device, NOTHING)

    def refine(original: object, dst: Device, edge: Edge) -> Edge:
        return edge.replace(**changes) if dst is devices[1] else edge  # type: ignore[arg-type]

    steer.answer(devices[0], "refine_topology_edge", refine)
    return new_group(*devices), devices


def bitmap(device: Device, name: str) -> int:
    """One bitmap of a device in a group."""
    value: int = getattr(device.topology_info, name)
    return value


def expect_bitmaps(
    devices: list[Device], name: str, wanted: list[int], requirement: str, doing: str
) -> None:
    """Checks one bitmap of each device."""
    found = [bin(bitmap(device, name)) for device in devices]
    expect_equal(found, [bin(bits) for bits in wanted], requirement, f"{name}, {doing}")


@pytest.mark.spec("TIN-1")
def test_tells_index_self_edge_and_topology(device_group: DeviceGroup) -> None:
    """Reads each device's info: its index, the self edge's word, the group's topology, bitmaps."""
    for index in range(device_group.device_count):
        info = device_group.device_at(index).topology_info
        assert info is not None
        edge = device_group.topology.query_edge(index, index)
        assert edge is not None
        expect_equal(info.topology_index, index, "TIN-1", "topology_index")
        expect_equal(info.self_edge, edge.lo, "TIN-1", "self_edge")
        same = info.topology is device_group.topology
        expect(same, "TIN-1", "topology", came_back=info.topology, asks="the group's own")
        names = ("self_edge", "can_wait_from", "can_signal_to", "can_import_from", "can_p2p_with")
        for name in names:
            expect_equal(type(getattr(info, name)), int, "TIN-1", f"the type of {name}")


@pytest.mark.spec("TIN-2")
@pytest.mark.needs(devices=3)
def test_can_wait_from_looks_at_the_edge_to_here(
    new_device: NewDevice, new_group: NewGroup, steer: Steer
) -> None:
    """Takes waiting away from 0→1: device 1 cannot wait from 0; everyone else can from all."""
    args = new_device, new_group, steer, 3
    _, devices = refined_group(*args, wait_mode=InteropMode.NONE)
    doing = "with wait NONE on 0→1"
    expect_bitmaps(devices, "can_wait_from", [0b110, 0b100, 0b011], "TIN-2", doing)
    expect_bitmaps(devices, "can_signal_to", [0b110, 0b101, 0b011], "TIN-2", doing)


@pytest.mark.spec("TIN-2")
@pytest.mark.needs(devices=3)
def test_can_signal_to_looks_at_the_edge_from_here(
    new_device: NewDevice, new_group: NewGroup, steer: Steer
) -> None:
    """Takes signalling away from 0→1: device 0 cannot signal to 1; everyone else can to all."""
    args = new_device, new_group, steer, 3
    _, devices = refined_group(*args, signal_mode=InteropMode.NONE)
    doing = "with signal NONE on 0→1"
    expect_bitmaps(devices, "can_signal_to", [0b100, 0b101, 0b011], "TIN-2", doing)
    expect_bitmaps(devices, "can_wait_from", [0b110, 0b101, 0b011], "TIN-2", doing)


@pytest.mark.spec("TIN-3")
@pytest.mark.needs(devices=2)
@pytest.mark.parametrize("name", READ_MODES)
@pytest.mark.parametrize("mode", InteropMode, ids=lambda mode: mode.name)
def test_can_import_from_follows_either_read_mode(
    new_device: NewDevice, new_group: NewGroup, steer: Steer, name: str, mode: InteropMode
) -> None:
    """Sets one read mode of 0→1: the bit of 0 is set on 1 for NATIVE and IMPORT, no other way."""
    _, devices = refined_group(new_device, new_group, steer, 2, **{name: mode})
    wanted = int(mode in (InteropMode.NATIVE, InteropMode.IMPORT))
    expect_bitmaps(devices, "can_import_from", [0, wanted], "TIN-3", f"{name} {mode.name} on 0→1")


@pytest.mark.spec("TIN-4")
@pytest.mark.needs(devices=2)
@pytest.mark.parametrize("name", READ_MODES)
@pytest.mark.parametrize("mode", InteropMode, ids=lambda mode: mode.name)
def test_can_p2p_with_follows_native_reads(
    new_device: NewDevice, new_group: NewGroup, steer: Steer, name: str, mode: InteropMode
) -> None:
    """Sets one read mode of 0→1: the bit of 0 is set on 1 for NATIVE alone."""
    _, devices = refined_group(new_device, new_group, steer, 2, **{name: mode})
    wanted = int(mode is InteropMode.NATIVE)
    expect_bitmaps(devices, "can_p2p_with", [0, wanted], "TIN-4", f"{name} {mode.name} on 0→1")


@pytest.mark.spec("TIN-4")
@pytest.mark.needs(devices=2)
def test_can_p2p_with_follows_peer_copies(
    new_device: NewDevice, new_group: NewGroup, steer: Steer
) -> None:
    """Gives both devices P2P_COPY and no native read: each has the bit of the other."""
    devices = new_device.many(2)
    for device in devices:
        steer.capabilities(device, DeviceCapabilities(flags=DeviceCapability.P2P_COPY))
    new_group(*devices)
    expect_bitmaps(devices, "can_p2p_with", [0b10, 0b01], "TIN-4", "with P2P_COPY on both")
    expect_bitmaps(devices, "can_import_from", [0, 0], "TIN-4", "with P2P_COPY on both")


@pytest.mark.spec("TIN-5")
def test_own_bit_and_bits_beyond_are_clear(device_group: DeviceGroup) -> None:
    """Reads each bitmap of each device: neither its own bit nor one past the count is set."""
    count = device_group.device_count
    for index in range(count):
        device = device_group.device_at(index)
        for name in ("can_wait_from", "can_signal_to", "can_import_from", "can_p2p_with"):
            bits = bitmap(device, name)
            stray = bits >> count or bits >> index & 1
            expect(
                not stray,
                "TIN-5",
                f"{name} of device {index}",
                came_back=bin(bits),
                asks=f"bits of the other {count - 1} device(s)",
            )


@pytest.mark.spec("TIN-2", "TIN-3", "TIN-4")
def test_bitmaps_say_what_the_matrix_says(device_group: DeviceGroup) -> None:
    """Derives each bitmap of the session's group from its matrix: equal on every device."""
    topology, count = device_group.topology, device_group.device_count
    for i in range(count):
        wanted = dict.fromkeys(("wait", "signal", "imports", "p2p"), 0)
        for j in range(count):
            here, there = topology.query_edge(j, i), topology.query_edge(i, j)
            assert here is not None
            assert there is not None
            if i == j:
                continue
            reads = {here.buffer_read_mode_noncoherent, here.buffer_read_mode_coherent}
            native = InteropMode.NATIVE in reads
            wanted["wait"] |= (here.wait_mode is not InteropMode.NONE) << j
            wanted["signal"] |= (there.signal_mode is not InteropMode.NONE) << j
            wanted["imports"] |= (native or InteropMode.IMPORT in reads) << j
            wanted["p2p"] |= (native or "P2P_COPY" in str(here)) << j
        info = device_group.device_at(i).topology_info
        assert info is not None
        expect_equal(info.can_wait_from, wanted["wait"], "TIN-2", f"can_wait_from of {i}")
        expect_equal(info.can_signal_to, wanted["signal"], "TIN-2", f"can_signal_to of {i}")
        expect_equal(info.can_import_from, wanted["imports"], "TIN-3", f"can_import_from of {i}")
        expect_equal(info.can_p2p_with, wanted["p2p"], "TIN-4", f"can_p2p_with of {i}")


@pytest.mark.spec("TIN-6")
@pytest.mark.needs(devices=3)
def test_query_between_topologies_gives_none(new_device: NewDevice, new_group: NewGroup) -> None:
    """Queries edges between devices of two groups, and of none: none, and in a group its edge."""
    first, second, third = new_device.many(3)
    found = query_edge(first, second)
    expect(found is None, "TIN-6", "devices in no group", came_back=found, asks="none")
    group = new_group(first, second)
    expect_equal(
        query_edge(first, second), group.topology.query_edge(0, 1), "TIN-6", "devices of a group"
    )
    expect_equal(
        query_edge(second, first), group.topology.query_edge(1, 0), "TIN-6", "the way back"
    )
    found = query_edge(first, third)
    expect(found is None, "TIN-6", "one device in no group", came_back=found, asks="none")
    new_group(third)
    found = query_edge(first, third)
    expect(found is None, "TIN-6", "devices of two groups", came_back=found, asks="none")


@pytest.mark.spec("TIN-7", subject="objects")
@pytest.mark.needs("allocator", "create_semaphore", devices=2)
def test_buffers_and_semaphores_carry_their_origin(
    new_device: NewDevice, new_group: NewGroup
) -> None:
    """Makes a buffer and a semaphore on each device of a group: each tells index and self edge."""
    devices = new_device.many(2)
    group = new_group(*devices)
    for index, device in enumerate(devices):
        edge = group.topology.query_edge(index, index)
        with device.allocator.allocate(16) as buffer, device.create_semaphore() as semaphore:
            for thing in (buffer, semaphore):
                expect_equal(
                    thing.origin, (index, edge and edge.lo), "TIN-7", f"the origin of {thing!r}"
                )


@pytest.mark.spec("EDG-12", "TIN-2", "TIN-3", "TIN-4")
@pytest.mark.needs(devices=2)
def test_an_edge_refined_to_nothing_clears_every_bit(
    new_device: NewDevice, new_group: NewGroup, steer: Steer
) -> None:
    """Lets both devices refine all six modes to NONE: every bitmap is empty."""
    devices = new_device.many(2)
    changes = dict.fromkeys(MODES, int(InteropMode.NONE)) | dict.fromkeys(COSTS, 15)
    changes["link_class"] = int(LinkClass.ISOLATED)

    for device in devices:
        steer.capabilities(device, NOTHING)
        steer.answer(
            device, "refine_topology_edge", lambda original, dst, edge: edge.replace(**changes)
        )
    new_group(*devices)
    for name in ("can_wait_from", "can_signal_to", "can_import_from", "can_p2p_with"):
        expect_bitmaps(devices, name, [0, 0], "TIN-2", "with every mode NONE")


@pytest.mark.spec("TIN-2", "TIN-3", "TIN-4")
@pytest.mark.needs(devices=MANY, max_devices=None)
def test_bitmaps_have_a_bit_for_every_device(
    new_device: NewDevice, new_group: NewGroup, steer: Steer
) -> None:
    """Forms a group of 70 devices that reach each other: each bitmap has all the others."""
    devices = new_device.many(MANY)
    capabilities = DeviceCapabilities(
        flags=DeviceCapability.PEER_ADDRESSABLE | DeviceCapability.P2P_COPY,
        buffer_export_types=HandleType.NATIVE,
        buffer_import_types=HandleType.NATIVE,
    )
    for device in devices:
        steer.capabilities(device, capabilities)
    new_group(*devices)
    everyone = (1 << MANY) - 1
    others = [everyone & ~(1 << index) for index in range(MANY)]
    for name, requirement in (
        ("can_wait_from", "TIN-2"),
        ("can_signal_to", "TIN-2"),
        ("can_import_from", "TIN-3"),
        ("can_p2p_with", "TIN-4"),
    ):
        expect_bitmaps(devices, name, others, requirement, f"in a group of {MANY}")
