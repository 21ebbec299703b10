"""The matrix of a group: complete, symmetric where it must be, and what the devices said."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cts.checks import expect, expect_equal, expect_error
from cts.hal import (
    SELF_EDGE,
    Device,
    DeviceCapabilities,
    DeviceGroup,
    Edge,
    InteropMode,
    LinkClass,
    StatusCode,
    TopologyBuilder,
    edge_from_capabilities,
)
from cts.plugin.fixtures import NewDevice, NewGroup, Steer
from cts.plugin.strategies import capabilities

NOT_NATIVE = [mode for mode in InteropMode if mode is not InteropMode.NATIVE]


def rebuilt(group: DeviceGroup) -> TopologyBuilder:
    """A builder with every edge of a group's topology but those of a device to itself."""
    builder = TopologyBuilder(group.device_count)
    for src in range(group.device_count):
        for dst in range(group.device_count):
            edge = group.topology.query_edge(src, dst)
            if src != dst and edge is not None:
                builder.set_edge(src, dst, edge)
    return builder


@pytest.mark.spec("TOP-1")
def test_every_edge_is_set(device_group: DeviceGroup) -> None:
    """Reads all N x N edges: each is there, and row src, column dst of the words."""
    topology = device_group.topology
    count = device_group.device_count
    expect_equal(topology.lo.shape, (count, count), "TOP-1", "the shape of the matrix")
    for src in range(count):
        for dst in range(count):
            edge = topology.query_edge(src, dst)
            found = edge and (edge.lo, edge.hi)
            words = int(topology.lo[src, dst]), int(topology.hi[src, dst])
            expect_equal(found, words, "TOP-1", f"the edge {src}→{dst}")


@pytest.mark.spec("TOP-1")
@pytest.mark.needs(devices=3)
def test_an_edge_is_in_row_src_and_column_dst(
    new_device: NewDevice, new_group: NewGroup, steer: Steer
) -> None:
    """Lets one device export what one other imports: only that one edge is an import."""
    devices = new_device.many(3)
    for index, device in enumerate(devices):
        exports, imports = int(index == 0) << 1, int(index == 2) << 1
        given = DeviceCapabilities(semaphore_export_types=exports, semaphore_import_types=imports)  # type: ignore[arg-type]
        steer.capabilities(device, given)
    wait = new_group(*devices).topology.field("wait_mode").tolist()
    native, imported, copy = InteropMode.NATIVE, InteropMode.IMPORT, InteropMode.COPY
    wanted = [[native, copy, imported], [copy, native, copy], [copy, copy, native]]
    expect_equal(wait, wanted, "TOP-1", "the wait modes of three devices")


@pytest.mark.spec("TOP-1")
@pytest.mark.needs(devices=2)
def test_a_builder_with_an_unset_edge_refuses(new_group: NewGroup) -> None:
    """Builds without the edge 1→0: refused naming the pair; with it, it builds."""
    edge = new_group(count=2).topology.query_edge(0, 1)
    assert edge is not None
    builder = TopologyBuilder(2)
    builder.set_edge(0, 1, edge)
    with expect_error(StatusCode.INVALID_ARGUMENT, "TOP-1", "build with 1→0 unset") as raised:
        builder.build()
    expect("1→0" in str(raised.error), "TOP-1", "the error", came_back=raised.error, asks="1→0")
    builder.set_edge(1, 0, edge)
    expect_equal(builder.build().query_edge(1, 0), edge, "TOP-1", "the edge once it is set")


@pytest.mark.spec("TOP-2")
def test_links_are_symmetric(device_group: DeviceGroup) -> None:
    """Compares the link class of every pair, both ways: equal."""
    link = device_group.topology.field("link_class")
    expect_equal(link.tolist(), link.T.tolist(), "TOP-2", "link classes and their transpose")


@pytest.mark.spec("TOP-2")
@pytest.mark.needs(devices=2)
def test_an_asymmetric_link_is_refused(new_group: NewGroup) -> None:
    """Builds with another link class one way: refused naming both edges."""
    group = new_group(count=2)
    builder = rebuilt(group)
    edge = group.topology.query_edge(0, 1)
    assert edge is not None
    builder.set_edge(0, 1, edge.replace(link_class=LinkClass.FABRIC))
    with expect_error(StatusCode.INVALID_ARGUMENT, "TOP-2", "asymmetric links") as raised:
        builder.build()
    named = "0→1" in str(raised.error) and "1→0" in str(raised.error)
    expect(named, "TOP-2", "the error", came_back=str(raised.error), asks="0→1 and 1→0 named")


@pytest.mark.spec("TOP-3")
@pytest.mark.parametrize("mode", NOT_NATIVE, ids=lambda mode: mode.name)
def test_a_self_edge_that_is_not_native_is_refused(
    device_group: DeviceGroup, mode: InteropMode
) -> None:
    """Sets the group's own self edge with another wait mode: refused; as it is, it is taken."""
    edge = device_group.topology.query_edge(0, 0)
    assert edge is not None
    builder = TopologyBuilder(1)
    with expect_error(StatusCode.INVALID_ARGUMENT, "TOP-3", f"a self edge with {mode.name}"):
        builder.set_edge(0, 0, edge.replace(wait_mode=mode))
    builder.set_edge(0, 0, edge)


@pytest.mark.spec("TOP-3")
def test_ordinals_out_of_range_are_refused(device_group: DeviceGroup) -> None:
    """Sets edges and nodes one past either end: refused; at the last ordinal they are taken."""
    count = device_group.device_count
    builder = rebuilt(device_group)
    for src, dst in ((count, 0), (0, count), (-1, 0), (0, -1)):
        with expect_error(StatusCode.INVALID_ARGUMENT, "TOP-3", f"set_edge({src}, {dst})"):
            builder.set_edge(src, dst, SELF_EDGE)
    for ordinal in (count, -1):
        with expect_error(StatusCode.INVALID_ARGUMENT, "TOP-3", f"set_numa_node({ordinal})"):
            builder.set_numa_node(ordinal, 0)
    builder.set_numa_node(count - 1, 0)
    builder.build()


@pytest.mark.spec("TOP-4")
def test_there_is_no_way_to_change_it(device_group: DeviceGroup) -> None:
    """Tries to write through every public name and array: nothing can be set."""
    topology = device_group.topology
    for name in (*(n for n in dir(topology) if not n.startswith("_")), "anything"):
        with pytest.raises(AttributeError):
            setattr(topology, name, None)
        with pytest.raises(AttributeError):
            delattr(topology, name)
    for words in (topology.lo, topology.hi):
        with pytest.raises(ValueError, match="read-only"):
            words[0, 0] = 0
        with pytest.raises(ValueError, match="WRITEABLE"):
            words.setflags(write=True)


@pytest.mark.spec("TOP-4")
def test_threads_read_it_without_a_lock(device_group: DeviceGroup) -> None:
    """Reads every edge from eight threads at once: each sees the same matrix."""
    topology, count = device_group.topology, device_group.device_count
    wanted = [[topology.query_edge(i, j) for j in range(count)] for i in range(count)]
    wrong: list[object] = []
    start = threading.Barrier(8)

    def read() -> None:
        start.wait(10)
        for _ in range(50):
            found = [[topology.query_edge(i, j) for j in range(count)] for i in range(count)]
            if found != wanted:
                wrong.append(found)

    threads = [threading.Thread(target=read) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    alive = [thread for thread in threads if thread.is_alive()]
    expect(not wrong and not alive, "TOP-4", "reading", came_back=wrong[:1], asks="equal matrices")


@pytest.mark.spec("TOP-5")
@pytest.mark.needs(devices=2)
def test_is_what_the_capabilities_give(
    new_device: NewDevice, new_group: NewGroup, steer: Steer, hal_search: settings
) -> None:
    """Gives two devices any capabilities: each edge is the one that follows from the pair."""
    devices = new_device.many(2)

    @hal_search
    @given(st.tuples(capabilities(), capabilities()))
    def check(given_: tuple[DeviceCapabilities, DeviceCapabilities]) -> None:
        for device, answer in zip(devices, given_, strict=True):
            steer.restore(device)
            steer.capabilities(device, answer)
        with new_group(*devices) as group:
            for src, dst in ((0, 1), (1, 0)):
                wanted = edge_from_capabilities(
                    given_[src],
                    given_[dst],
                    src_driver=devices[src].driver_name,
                    dst_driver=devices[dst].driver_name,
                )
                expect_equal(group.topology.query_edge(src, dst), wanted, "TOP-5", f"{src}→{dst}")

    check()


@pytest.mark.spec("TOP-5")
@pytest.mark.needs(devices=2)
def test_refinement_is_on_top(new_device: NewDevice, new_group: NewGroup, steer: Steer) -> None:
    """Lets a device refine its edge: that edge is in the matrix, the way back as it was."""
    first, second = new_device.many(2)
    steer.capabilities(first, DeviceCapabilities())
    steer.capabilities(second, DeviceCapabilities())
    refined: list[Edge] = []

    def refine(original: object, dst: Device, edge: Edge) -> Edge:
        refined.append(edge.replace(copy_cost=2, latency_class=1))
        return refined[-1]

    steer.answer(first, "refine_topology_edge", refine)
    topology = new_group(first, second).topology
    expect_equal([topology.query_edge(0, 1)], refined, "TOP-5", "the refined edge")
    back = topology.query_edge(1, 0)
    expect_equal(back and back.copy_cost, 9, "TOP-5", "the copy cost of the way back")


@pytest.mark.spec("TOP-5")
@pytest.mark.needs(devices=2)
def test_two_builds_are_equal(new_device: NewDevice, new_group: NewGroup) -> None:
    """Forms two groups, one after the other, of the same devices: equal topologies."""
    devices = new_device.many(2)
    with new_group(*devices) as group:
        first = group.topology
    with new_group(*devices) as group:
        expect_equal(group.topology, first, "TOP-5", "the topology of a second group")
