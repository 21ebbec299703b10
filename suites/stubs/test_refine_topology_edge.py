"""refine_topology_edge: a driver that knows no more returns the edge as it is."""

from __future__ import annotations

import pytest

from cts.checks import expect, expect_equal
from cts.hal import DeviceCapabilities, Edge, edge_from_capabilities
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
