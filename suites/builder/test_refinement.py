"""What a refinement may answer: an edge, within what the capabilities allow, the same both ways."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cts.checks import expect, expect_equal, expect_error
from cts.hal import (
    Device,
    DeviceCapabilities,
    DeviceGroup,
    DeviceGroupBuilder,
    Edge,
    HandleType,
    InteropMode,
    LinkClass,
    StatusCode,
    edge_from_capabilities,
)
from cts.plugin.fixtures import NewDevice, NewGroup, Steer

FD = HandleType.OPAQUE_FD
SHARING = DeviceCapabilities(
    semaphore_export_types=FD,
    semaphore_import_types=FD,
    buffer_export_types=FD,
    buffer_import_types=FD,
)
HANDLE_SETS = (
    "semaphore_import_types",
    "semaphore_export_types",
    "buffer_import_types",
    "buffer_export_types",
)


def pair_refining(new_device: NewDevice, steer: Steer, refine: Any) -> list[Device]:
    """Two devices that share descriptors, of which the first refines its edge by `refine`."""
    devices = new_device.many(2)
    for device in devices:
        steer.capabilities(device, SHARING)
    steer.answer(devices[0], "refine_topology_edge", lambda original, dst, edge: refine(edge))
    return devices


def expect_refused(devices: list[Device], code: StatusCode, field: str, doing: str) -> None:
    """Forms a group: refused, naming both devices and the field."""
    builder = DeviceGroupBuilder()
    for device in devices:
        builder.add_device(device)
    with expect_error(code, "GRP-18", doing) as raised:
        builder.finalize()
    text = str(raised.error)
    for part in (*(device.identifier for device in devices), field):
        expect(part in text, "GRP-18", doing, came_back=text, asks=f"{part!r} named")
    expect_equal(raised.error.slot, "refine_topology_edge", "GRP-18", f"the slot, {doing}")
    infos = [device.topology_info for device in devices]
    expect_equal(infos, [None, None], "GRP-18", f"topology infos after {doing}")


@pytest.mark.spec("GRP-18")
@pytest.mark.needs(devices=2)
@pytest.mark.parametrize("answer", [None, 0, (0, 0)], ids=["none", "int", "tuple"])
def test_what_is_no_edge_is_refused(new_device: NewDevice, steer: Steer, answer: object) -> None:
    """Answers with none: INTERNAL, naming driver and slot."""
    devices = pair_refining(new_device, steer, lambda edge: answer)
    expect_refused(devices, StatusCode.INTERNAL, "Edge", f"refining to {answer!r}")


@pytest.mark.spec("GRP-18")
@pytest.mark.needs(devices=2)
@pytest.mark.parametrize(("word", "bit"), [("lo", 51), ("lo", 63), ("hi", 32), ("hi", 63)])
def test_reserved_bits_are_refused(
    new_device: NewDevice, steer: Steer, word: str, bit: int
) -> None:
    """Sets one reserved bit: refused."""

    def refine(edge: Edge) -> Edge:
        words = {"lo": edge.lo, "hi": edge.hi}
        words[word] |= 1 << bit
        return Edge(**words)

    devices = pair_refining(new_device, steer, refine)
    expect_refused(devices, StatusCode.INVALID_ARGUMENT, "reserved", f"bit {bit} of {word}")


@pytest.mark.spec("GRP-18")
@pytest.mark.needs(devices=2)
@pytest.mark.parametrize("name", HANDLE_SETS)
def test_handle_types_that_nobody_claims_are_refused(
    new_device: NewDevice, steer: Steer, name: str
) -> None:
    """Adds a type to one handle set that the capabilities do not give: refused."""
    devices = pair_refining(
        new_device, steer, lambda edge: edge.replace(**{name: FD | HandleType.DMA_BUF})
    )
    expect_refused(devices, StatusCode.INVALID_ARGUMENT, name, f"{name} with DMA_BUF")


@pytest.mark.spec("GRP-18")
@pytest.mark.needs(devices=2)
@pytest.mark.parametrize("name", HANDLE_SETS)
def test_a_handle_set_narrowed_one_way_is_refused(
    new_device: NewDevice, steer: Steer, name: str
) -> None:
    """Empties one handle set of one direction: it contradicts the way back, refused."""
    kind = name.partition("_")[0]
    devices = pair_refining(new_device, steer, lambda edge: edge.replace(**{name: 0}))
    expect_refused(devices, StatusCode.INVALID_ARGUMENT, f"{kind}_", f"{name} empty one way")


@pytest.mark.spec("GRP-18")
@pytest.mark.needs(devices=2)
def test_a_handle_set_narrowed_both_ways_is_taken(
    new_device: NewDevice, new_group: NewGroup, steer: Steer
) -> None:
    """The control: empties a set in both directions: the group has the narrower edges."""
    devices = pair_refining(new_device, steer, lambda edge: edge.replace(buffer_import_types=0))
    steer.answer(
        devices[1],
        "refine_topology_edge",
        lambda original, dst, edge: edge.replace(buffer_export_types=0),
    )
    edge = new_group(*devices).topology.query_edge(0, 1)
    assert edge is not None
    expect_equal(edge.buffer_import_types, HandleType(0), "GRP-18", "a set narrowed both ways")


@pytest.mark.spec("GRP-18", "TOP-2")
@pytest.mark.needs(devices=2)
def test_a_link_class_that_differs_one_way_is_refused(new_device: NewDevice, steer: Steer) -> None:
    """Changes the link class of one direction: refused, naming both devices and the field."""
    devices = pair_refining(
        new_device, steer, lambda edge: edge.replace(link_class=LinkClass.FABRIC)
    )
    expect_refused(devices, StatusCode.INVALID_ARGUMENT, "link_class", "FABRIC one way")


@pytest.mark.spec("GRP-18")
@pytest.mark.needs(devices=2)
def test_bitmaps_and_json_come_from_the_refined_edges(
    new_device: NewDevice, new_group: NewGroup, steer: Steer
) -> None:
    """Takes waiting away by refinement: the bitmap's bit is clear, and the JSON has the words."""
    devices = pair_refining(
        new_device, steer, lambda edge: edge.replace(wait_mode=InteropMode.NONE)
    )
    topology = new_group(*devices).topology
    info = devices[1].topology_info
    assert info is not None
    expect_equal(info.can_wait_from, 0, "GRP-18", "can_wait_from of device 1")
    edge = topology.query_edge(0, 1)
    assert edge is not None
    words = json.loads(topology.to_json())["lo"][0][1]
    expect_equal(int(words, 16), edge.lo, "GRP-18", "the edge's word in the JSON")
    expect_equal(edge.wait_mode, InteropMode.NONE, "GRP-18", "the edge in the matrix")


@pytest.mark.spec("GRP-18")
@pytest.mark.needs(devices=2)
def test_the_drivers_own_is_repeatable_and_idempotent(new_device: NewDevice) -> None:
    """Refines the pair's own edge twice, and its result once more: the same words each time."""
    devices = new_device.many(2)
    capabilities = [device.query_capabilities() for device in devices]
    for src, dst in ((0, 1), (1, 0)):
        edge = edge_from_capabilities(
            capabilities[src],
            capabilities[dst],
            src_driver=devices[src].driver_name,
            dst_driver=devices[dst].driver_name,
        )
        refined = devices[src].refine_topology_edge(devices[dst], edge)
        again = devices[src].refine_topology_edge(devices[dst], edge)
        expect_equal(again, refined, "GRP-18", f"refining {src}→{dst} again")
        twice = devices[src].refine_topology_edge(devices[dst], refined)
        expect_equal(twice, refined, "GRP-18", f"refining the refined {src}→{dst}")


@pytest.mark.spec("GRP-18")
def test_the_drivers_own_edges_are_within_the_rules(device_group: DeviceGroup) -> None:
    """Reads the session's group: reserved bits zero, imports one way are exports the other."""
    topology, count = device_group.topology, device_group.device_count
    for i in range(count):
        for j in range(count):
            there, back = topology.query_edge(i, j), topology.query_edge(j, i)
            assert there is not None
            assert back is not None
            expect_equal(there.reserved, (0, 0), "GRP-18", f"reserved bits of {i}→{j}")
            pairs = (
                (there.semaphore_import_types, back.semaphore_export_types),
                (there.buffer_import_types, back.buffer_export_types),
            )
            for imports, exports in pairs:
                expect_equal(imports, exports, "GRP-18", f"imports {i}→{j} and exports {j}→{i}")
