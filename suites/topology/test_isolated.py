"""ISOLATED: a device that others must leave alone."""

from __future__ import annotations

import pytest

from cts.checks import expect_equal
from cts.hal import SELF_EDGE, Device, DeviceCapabilities, DeviceCapability, Edge, LinkClass
from cts.hal.testing import MockDevice
from cts.plugin.fixtures import NewDevice, NewGroup, Steer

EVERYTHING = DeviceCapability(int(sum(DeviceCapability)) & ~int(DeviceCapability.ISOLATED))
NATIVE_SETS = {
    "semaphore_export_types": 0xFF,
    "semaphore_import_types": 0xFF,
    "buffer_export_types": 0xFF,
    "buffer_import_types": 0xFF,
}
MODES = (
    "wait_mode",
    "signal_mode",
    "buffer_read_mode_noncoherent",
    "buffer_write_mode_noncoherent",
    "buffer_read_mode_coherent",
    "buffer_write_mode_coherent",
)


def rich(flags: DeviceCapability, node: int = 0) -> DeviceCapabilities:
    """Capabilities that would make every pair native, but for `flags`; all with one handle."""
    return DeviceCapabilities(
        flags=EVERYTHING | flags,
        driver_device_handle=0x55,
        physical_device_uuid=b"\x05" * 16,
        numa_node=node,
        **NATIVE_SETS,  # type: ignore[arg-type]
    )


def expect_isolated(edge: Edge | None, same_driver: bool, numa_distance: int, doing: str) -> None:
    """Checks every field of an isolated pair's edge."""
    assert edge is not None
    wanted = dict.fromkeys(edge.fields(), 0) | dict.fromkeys(MODES, 3)
    wanted |= {"wait_cost": 15, "signal_cost": 15, "copy_cost": 15, "latency_class": 15}
    wanted |= {"link_class": int(LinkClass.ISOLATED), "numa_distance": numa_distance}
    wanted |= {"flags": int(same_driver)}  # bit 0, SAME_RUNTIME_DOMAIN
    expect_equal({n: int(v) for n, v in edge.fields().items()}, wanted, "EDG-12", doing)


@pytest.mark.spec("EDG-12")
@pytest.mark.needs(devices=2)
@pytest.mark.parametrize(
    "isolated", [(True, False), (False, True), (True, True)], ids=["first", "second", "both"]
)
def test_pair_has_nothing_in_common(
    new_device: NewDevice, new_group: NewGroup, steer: Steer, isolated: tuple[bool, bool]
) -> None:
    """Isolates either or both of two aliased devices: no mode works, before the alias counts."""
    devices = new_device.many(2)
    for node, (device, alone) in enumerate(zip(devices, isolated, strict=True)):
        flag = DeviceCapability.ISOLATED if alone else DeviceCapability(0)
        steer.capabilities(device, rich(flag, node))
    calls = steer.log(tuple(devices), "refine_topology_edge")
    group = new_group(*devices, numa_distance=lambda a, b: 20)
    for pair in ((0, 1), (1, 0)):
        expect_isolated(group.topology.query_edge(*pair), True, 5, f"the edge {pair}, {isolated}")
    expect_equal(calls, [], "EDG-12", "calls of refine_topology_edge for an isolated pair")
    for index, device in enumerate(devices):
        expect_equal(
            group.topology.query_edge(index, index), SELF_EDGE, "EDG-12", "an isolated self edge"
        )
        expect_equal(bitmaps(device), (0, 0, 0, 0), "EDG-12", f"bitmaps of device {index}")


@pytest.mark.spec("EDG-12")
def test_pair_of_two_drivers_shares_no_domain(
    new_device: NewDevice, new_group: NewGroup, steer: Steer
) -> None:
    """Isolates a device beside one of another driver: not even the runtime domain is shared."""
    device = new_device()
    steer.capabilities(device, rich(DeviceCapability.ISOLATED))
    with (
        MockDevice("foreign", "hal-cts-foreign", rich(DeviceCapability(0))) as mock,
        new_group(device, mock) as group,
    ):
        expect_isolated(group.topology.query_edge(0, 1), False, 0, "an edge to another driver")
        expect_isolated(group.topology.query_edge(1, 0), False, 0, "an edge from another one")


@pytest.mark.spec("EDG-12")
@pytest.mark.needs(devices=2)
def test_without_the_flag_the_pair_is_aliased(
    new_device: NewDevice, new_group: NewGroup, steer: Steer
) -> None:
    """The control: the same two devices, neither isolated, have the self edge between them."""
    devices = new_device.many(2)
    for device in devices:
        steer.capabilities(device, rich(DeviceCapability(0)))
    edge = new_group(*devices).topology.query_edge(0, 1)
    expect_equal(edge, SELF_EDGE, "EDG-3", "the edge of an aliased pair")


def bitmaps(device: Device) -> tuple[int, int, int, int]:
    """The four bitmaps of a device in a group."""
    info = device.topology_info
    assert info is not None
    return info.can_wait_from, info.can_signal_to, info.can_import_from, info.can_p2p_with
