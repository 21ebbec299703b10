"""Breaks of edges, the topology, and topology info."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np

import cts.hal
import cts.hal.device_group
import cts.hal.edge_rules
import cts.hal.group_formation
import cts.hal.topology
import cts.hal.topology_info
from cts.hal import SELF_EDGE, DeviceObject, Edge, InteropMode, Topology, TopologyBuilder

from .registry import breaks

rules: Any = cts.hal.edge_rules
groups: Any = cts.hal.device_group
formation: Any = cts.hal.group_formation
topologies: Any = cts.hal.topology
AnyTopology: Any = Topology


def change_edges(change: Callable[[Edge], Edge]) -> None:
    """Edges between two devices come out changed."""
    words = rules._pair_words

    def changed(*args: Any) -> tuple[int, int]:
        edge = change(Edge(*words(*args)))
        return edge.lo, edge.hi

    rules._pair_words = changed


def change_inputs(change: Callable[[Any, Any, Any], tuple[Any, Any, Any]]) -> None:
    """The rules get other inputs: two ends and what relates them."""
    words = rules._edge_words
    rules._edge_words = lambda src, dst, pair, where: words(*change(src, dst, pair), where)


def change_infos(change: Callable[[Any], Any]) -> None:
    """Devices are assigned changed topology infos."""
    infos = groups.topology_infos
    groups.topology_infos = lambda topology, lease: [change(i) for i in infos(topology, lease)]


@breaks("EDG-1", "a value that does not fit is clamped")
def _() -> None:
    replace = Edge.replace

    def clamp(self: Edge, **fields: int) -> Edge:
        limits = {name: cts.hal.edge.FIELDS[name].limit for name in fields}
        return replace(self, **{n: max(0, min(v, limits[n])) for n, v in fields.items()})

    Edge.replace = clamp  # type: ignore[method-assign,assignment]


@breaks("EDG-2", "a device waits for itself at a cost")
def _() -> None:
    rules.SELF_EDGE = SELF_EDGE.replace(wait_cost=1)


@breaks("EDG-3", "equal handles mean nothing")
def _() -> None:
    change_inputs(lambda src, dst, pair: (src, dst, pair._replace(aliased=False)))


@breaks("EDG-4", "imports and exports are swapped")
def _() -> None:
    def swap(edge: Edge) -> Edge:
        return edge.replace(
            semaphore_import_types=edge.semaphore_export_types,
            semaphore_export_types=edge.semaphore_import_types,
        )

    change_edges(swap)


@breaks("EDG-5", "signals are always copied")
def _() -> None:
    change_edges(lambda edge: edge.replace(signal_mode=InteropMode.COPY, signal_cost=10))


@breaks("EDG-6", "coherent buffers are never written natively")
def _() -> None:
    change_edges(lambda edge: edge.replace(buffer_write_mode_coherent=InteropMode.COPY))


@breaks("EDG-7", "no pair shares a runtime domain")
def _() -> None:
    change_edges(lambda edge: edge.replace(flags=edge.flags & ~1))


@breaks("EDG-8", "every link is of another kind")
def _() -> None:
    change_edges(lambda edge: edge.replace(link_class=6))


@breaks("EDG-9", "latency is always the worst")
def _() -> None:
    change_edges(lambda edge: edge.replace(latency_class=15))


@breaks("EDG-10", "distances are a tenth of the SLIT's")
def _() -> None:
    rules._scaled = lambda src, dst, distance: min((distance(src, dst) or 0) // 10, 15)


@breaks("EDG-11", "copies between drivers cost less than they do")
def _() -> None:
    change_edges(lambda edge: edge.replace(copy_cost=1))


@breaks("EDG-12", "isolation is not read")
def _() -> None:
    def ignore(src: Any, dst: Any, pair: Any) -> tuple[Any, Any, Any]:
        src, dst = (end._replace(flags=end.flags & ~0x200) for end in (src, dst))
        return src, dst, pair

    change_inputs(ignore)


@breaks("EDG-13", "an edge prints its words")
def _() -> None:
    Edge.__str__ = lambda self: f"{self.lo:#x} {self.hi:#x}"  # type: ignore[method-assign]


@breaks("EDG-14", "a missing edge is a zero word")
def _() -> None:
    query = Topology.query_edge
    Topology.query_edge = (  # type: ignore[method-assign]
        lambda self, src, dst: query(self, src, dst) or Edge(0, 0)
    )


@breaks("TOP-1", "an unset edge is taken as a zero word")
def _() -> None:
    build = TopologyBuilder.build

    def fill_in(self: TopologyBuilder) -> Topology:
        self._is_set[:] = True
        return build(self)

    TopologyBuilder.build = fill_in  # type: ignore[method-assign]


@breaks("TOP-2", "links may differ by direction")
def _() -> None:
    topologies.asymmetric_link = formation.asymmetric_link = lambda lo: None


@breaks("TOP-3", "any edge is taken at any place")
def _() -> None:
    def take(self: TopologyBuilder, src: int, dst: int, edge: Edge) -> None:
        src, dst = src % self._count, dst % self._count
        self._lo[src, dst], self._hi[src, dst] = edge.lo, edge.hi
        self._is_set[src, dst] = True

    TopologyBuilder.set_edge = take  # type: ignore[method-assign]


@breaks("TOP-4", "the arrays handed out can be written")
def _() -> None:
    topologies._frozen = lambda words: np.array(words, np.uint64)


@breaks("TOP-5", "what a driver refines is thrown away")
def _() -> None:
    refine = formation._refine_all
    formation._refine_all = lambda *args: refine(*args)[:0]


@breaks("TOP-7", "NUMA nodes are forgotten")
def _() -> None:
    init = AnyTopology.__init__

    def forget(self: Any, lo: Any, hi: Any, nodes: Any) -> None:
        init(self, lo, hi, [0] * len(nodes))

    AnyTopology.__init__ = forget


@breaks("TOP-8", "JSON leaves the interop words out")
def _() -> None:
    to_plain = Topology.to_plain

    def forget(self: Topology) -> dict[str, Any]:
        plain = to_plain(self)
        plain["hi"] = [["0x0"] * self.device_count for _ in plain["hi"]]
        return plain

    Topology.to_plain = forget  # type: ignore[method-assign]


@breaks("TOP-9", "topologies hash by identity")
def _() -> None:
    AnyTopology.__copy__ = lambda self: Topology(self.lo, self.hi, self.numa_nodes)
    AnyTopology.__hash__ = lambda self: id(self)


@breaks("TIN-1", "the index is off by one")
def _() -> None:
    change_infos(lambda i: dataclasses.replace(i, topology_index=i.topology_index + 1))


@breaks("TIN-2", "waiting and signalling are swapped")
def _() -> None:
    change_infos(
        lambda i: dataclasses.replace(
            i, can_wait_from=i.can_signal_to, can_signal_to=i.can_wait_from
        )
    )


@breaks("TIN-3", "nothing can be imported")
def _() -> None:
    change_infos(lambda i: dataclasses.replace(i, can_import_from=0))


@breaks("TIN-4", "an import counts as peer to peer")
def _() -> None:
    change_infos(lambda i: dataclasses.replace(i, can_p2p_with=i.can_import_from))


@breaks("TIN-5", "a device has its own bit")
def _() -> None:
    change_infos(
        lambda i: dataclasses.replace(i, can_wait_from=i.can_wait_from | 1 << i.topology_index)
    )


@breaks("TIN-6", "devices with no relation get the native edge")
def _() -> None:
    cts.hal.query_edge = lambda src, dst: SELF_EDGE


@breaks("TIN-7", "objects forget where they come from")
def _() -> None:
    DeviceObject.origin = property(lambda self: None)  # type: ignore[method-assign,assignment]
