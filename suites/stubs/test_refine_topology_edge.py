"""refine_topology_edge: a driver that knows no more returns the edge as it is."""

from __future__ import annotations

import pytest

from cts.checks import expect, expect_equal
from cts.hal import Device, DeviceCapabilities, Edge, edge_from_capabilities
from cts.hal.edge import HANDLE_SETS
from cts.plugin.fixtures import NewDevice

NOTHING = DeviceCapabilities()


@pytest.mark.spec("STB-1", "GRP-18")
@pytest.mark.stub("refine_topology_edge")
@pytest.mark.needs(devices=2)
def test_answers_with_an_edge(new_device: NewDevice) -> None:
    """Refines the plainest edge between two devices: the answer is an edge."""
    src, dst = new_device.many(2)
    edge = edge_from_capabilities(
        NOTHING, NOTHING, src_driver=src.driver_name, dst_driver=dst.driver_name
    )
    refined = src.refine_topology_edge(dst, edge)
    expect(
        isinstance(refined, Edge),
        "GRP-18",
        f"refining {edge}",
        came_back=refined,
        asks="an Edge",
    )


@pytest.mark.spec("STB-5")
@pytest.mark.stub("refine_topology_edge")
@pytest.mark.needs(devices=2, link_information=False)
def test_keeps_an_edge_it_knows_nothing_of(new_device: NewDevice) -> None:
    """Refines an edge between equal devices, no link known: the same words come back."""
    src, dst = new_device.many(2)
    edge = edge_from_capabilities(
        NOTHING, NOTHING, src_driver=src.driver_name, dst_driver=dst.driver_name
    )
    refined = src.refine_topology_edge(dst, edge)
    expect_equal(refined, edge, "STB-5", f"refining {edge}")


@pytest.mark.spec("GRP-18")
@pytest.mark.stub("refine_topology_edge")
@pytest.mark.needs(devices=2)
def test_keeps_within_what_an_edge_may_be(new_device: NewDevice) -> None:
    """Refines the edges between two devices, both ways: no reserved bit, no handle type that was
    not there, equal links, and what one imports the other exports."""
    devices = new_device.many(2)
    there, back = (_refined(devices[a], devices[b]) for a, b in ((0, 1), (1, 0)))
    for before, after in (there, back):
        expect_equal(after.reserved, (0, 0), "GRP-18", f"reserved bits after refining {before}")
        for name in HANDLE_SETS:
            added = getattr(after, name) & ~getattr(before, name)
            expect_equal(added, 0, "GRP-18", f"{name} that refining {before} has added")
    one, other = there[1], back[1]
    expect_equal(one.link_class, other.link_class, "GRP-18", "the links of the two directions")
    for kind in ("semaphore", "buffer"):
        imports = getattr(one, f"{kind}_import_types"), getattr(other, f"{kind}_import_types")
        exports = getattr(other, f"{kind}_export_types"), getattr(one, f"{kind}_export_types")
        expect_equal(imports, exports, "GRP-18", f"{kind} imports, and exports on the way back")


def _refined(src: Device, dst: Device) -> tuple[Edge, Edge]:
    """The edge that the capabilities give, and what the source makes of it."""
    edge = edge_from_capabilities(
        src.query_capabilities(),
        dst.query_capabilities(),
        src_driver=src.driver_name,
        dst_driver=dst.driver_name,
    )
    return edge, src.refine_topology_edge(dst, edge)
