"""NUMA: each device's node is kept, and distances come from whoever knows them."""

from __future__ import annotations

import pytest

from cts.checks import expect_equal
from cts.hal import DeviceCapabilities
from cts.plugin.fixtures import NewDevice, NewGroup, Steer

SLIT_AND_EDGE = [(10, 0), (11, 0), (12, 1), (20, 5), (21, 5), (39, 14), (40, 15), (254, 15), (0, 0)]


@pytest.mark.spec("EDG-10")
@pytest.mark.needs(devices=2)
@pytest.mark.parametrize(("slit", "wanted"), [*SLIT_AND_EDGE, (None, 3)])
def test_distance_is_scaled(
    new_device: NewDevice, new_group: NewGroup, steer: Steer, slit: int | None, wanted: int
) -> None:
    """Puts two devices on nodes so far apart: (SLIT - 10) / 2 within 0 to 15, 3 when unknown."""
    src, dst = new_device.many(2)
    steer.capabilities(src, DeviceCapabilities(numa_node=0))
    steer.capabilities(dst, DeviceCapabilities(numa_node=1))
    group = new_group(src, dst, numa_distance=lambda a, b: slit)
    for pair in ((0, 1), (1, 0)):
        edge = group.topology.query_edge(*pair)
        assert edge is not None
        expect_equal(edge.numa_distance, wanted, "EDG-10", f"distance {pair} for SLIT {slit}")


@pytest.mark.spec("EDG-10")
@pytest.mark.needs(devices=2)
def test_distance_on_one_node_is_zero_and_not_asked_for(
    new_device: NewDevice, new_group: NewGroup, steer: Steer
) -> None:
    """Puts two devices on one node: distance 0, although the source would say otherwise."""
    devices = new_device.many(2)
    asked = []
    for device in devices:
        steer.capabilities(device, DeviceCapabilities(numa_node=3))

    def distance(src: int, dst: int) -> int:
        asked.append((src, dst))
        return 30

    edge = new_group(*devices, numa_distance=distance).topology.query_edge(0, 1)
    assert edge is not None
    expect_equal((edge.numa_distance, asked), (0, []), "EDG-10", "two devices on node 3")


@pytest.mark.spec("EDG-10")
@pytest.mark.needs(devices=2)
def test_directions_may_differ(new_device: NewDevice, new_group: NewGroup, steer: Steer) -> None:
    """Gives a source with another distance each way: each edge has its own, asked for once."""
    devices = new_device.many(2)
    for node, device in enumerate(devices):
        steer.capabilities(device, DeviceCapabilities(numa_node=node))
    asked = []

    def distance(src: int, dst: int) -> int:
        asked.append((src, dst))
        return 20 if src < dst else 30

    topology = new_group(*devices, numa_distance=distance).topology
    there, back = topology.query_edge(0, 1), topology.query_edge(1, 0)
    assert there is not None
    assert back is not None
    expect_equal((there.numa_distance, back.numa_distance), (5, 10), "EDG-10", "two directions")
    expect_equal(sorted(asked), [(0, 1), (1, 0)], "EDG-10", "asking for distances")


@pytest.mark.spec("TOP-7")
@pytest.mark.needs(devices=2)
def test_nodes_are_kept_per_device(
    new_device: NewDevice, new_group: NewGroup, steer: Steer
) -> None:
    """Puts devices on nodes 7 and 255: the topology tells each device's node, in order."""
    devices = new_device.many(2)
    for node, device in zip((7, 255), devices, strict=True):
        steer.capabilities(device, DeviceCapabilities(numa_node=node))
    topology = new_group(*devices).topology
    expect_equal(topology.numa_nodes, (7, 255), "TOP-7", "numa_nodes")
