"""Topologies, and what devices are told of their place in one, with a bug."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np

import cts.hal.device_group
import cts.hal.edge
import cts.hal.group_formation
import cts.hal.topology
import cts.hal.topology_info
from cts.hal import SELF_EDGE, DeviceObject, Edge, EdgeFlag, Topology, TopologyBuilder

from .changes import change
from .registry import mutant

groups: Any = cts.hal.device_group
formation: Any = cts.hal.group_formation
topologies: Any = cts.hal.topology
AnyTopology: Any = Topology


def change_infos(changed: Callable[[Any], Any]) -> None:
    """Devices are assigned changed topology infos."""
    infos = groups.topology_infos
    groups.topology_infos = lambda topology, lease: [changed(i) for i in infos(topology, lease)]


def replace_in_infos(**fields: Callable[[Any], Any]) -> None:
    """Fields of the infos that devices are assigned become functions of the info."""
    change_infos(
        lambda info: dataclasses.replace(info, **{name: of(info) for name, of in fields.items()})
    )


# -- the matrix -------------------------------------------------------------------------------


@mutant("TOP-1")
def unset_edge_is_a_zero_word() -> None:
    """An unset edge is taken as a zero word."""

    def fill_in(good: Any, self: TopologyBuilder) -> Any:
        self._is_set[:] = True
        return good(self)

    change(TopologyBuilder, "build", fill_in)


@mutant("TOP-1")
def matrix_column_major() -> None:
    """The matrix is built with rows and columns swapped."""

    def transpose(good: Any, self: TopologyBuilder) -> Any:
        self._lo, self._hi = self._lo.T.copy(), self._hi.T.copy()
        return good(self)

    change(TopologyBuilder, "build", transpose)


@mutant("TOP-2")
def links_may_differ_by_direction() -> None:
    """Links may differ by direction."""
    topologies.asymmetric_link = formation.asymmetric_link = lambda lo: None


@mutant("TOP-3")
def any_edge_at_any_place() -> None:
    """Any edge is taken at any place."""

    def take(good: Any, self: TopologyBuilder, src: int, dst: int, edge: Edge) -> None:
        src, dst = src % self._count, dst % self._count
        self._lo[src, dst], self._hi[src, dst] = edge.lo, edge.hi
        self._is_set[src, dst] = True

    change(TopologyBuilder, "set_edge", take)


@mutant("TOP-3")
def self_edge_of_any_mode() -> None:
    """A self edge that is not native is taken."""

    def take(good: Any, self: TopologyBuilder, src: int, dst: int, edge: Edge) -> None:
        good(self, src, dst, SELF_EDGE if src == dst else edge)
        self._lo[src, dst], self._hi[src, dst] = edge.lo, edge.hi

    change(TopologyBuilder, "set_edge", take)


@mutant("TOP-4")
def arrays_can_be_written() -> None:
    """The arrays handed out can be written."""
    topologies._frozen = lambda words: np.array(words, np.uint64)


@mutant("TOP-4")
def arrays_can_be_made_writeable() -> None:
    """The arrays handed out are read-only until somebody says otherwise."""

    def frozen(words: Any) -> Any:
        array = np.array(words, np.uint64)
        array.flags.writeable = False
        return array

    topologies._frozen = frozen


@mutant("TOP-5")
def refinement_thrown_away() -> None:
    """What a driver refines is thrown away."""
    refine = formation._refine_all
    formation._refine_all = lambda *args: refine(*args)[:0]


@mutant("TOP-5")
def refinement_at_the_opposite_edge() -> None:
    """What a driver refines is put at the edge back."""
    refine = formation._refine_all
    formation._refine_all = lambda *args: [(dst, src, edge) for src, dst, edge in refine(*args)]


@mutant("TOP-7")
def numa_nodes_forgotten() -> None:
    """NUMA nodes are forgotten."""

    def forget(good: Any, self: Any, lo: Any, hi: Any, nodes: Any) -> None:
        good(self, lo, hi, [0] * len(nodes))

    change(AnyTopology, "__init__", forget)


@mutant("TOP-7")
def numa_nodes_in_seven_bits() -> None:
    """NUMA nodes lose their upper bit."""

    def mask(good: Any, self: Any, lo: Any, hi: Any, nodes: Any) -> None:
        good(self, lo, hi, [node & 0x7F for node in nodes])

    change(AnyTopology, "__init__", mask)


@mutant("TOP-8")
def json_without_interop() -> None:
    """JSON leaves the interop words out."""

    def forget(good: Any, self: Topology) -> Any:
        plain = good(self)
        plain["hi"] = [["0x0"] * self.device_count for _ in plain["hi"]]
        return plain

    change(Topology, "to_plain", forget)


@mutant("TOP-8")
def json_words_as_floats() -> None:
    """JSON has words as floating-point numbers of 24 bits."""

    def as_floats(good: Any, self: Topology) -> Any:
        plain = good(self)
        for name in ("lo", "hi"):
            rows = [[hex(int(np.float32(int(word, 16)))) for word in row] for row in plain[name]]
            plain[name] = rows
        return plain

    change(Topology, "to_plain", as_floats)


@mutant("TOP-9")
def topologies_hash_by_identity() -> None:
    """Topologies hash by identity."""
    AnyTopology.__copy__ = lambda self: Topology(self.lo, self.hi, self.numa_nodes)
    AnyTopology.__hash__ = lambda self: id(self)


@mutant("TOP-9")
def topologies_equal_without_interop() -> None:
    """Topologies are equal whose interop words differ."""
    change(AnyTopology, "_content", lambda good, self: good(self)[::2])


# -- topology info ----------------------------------------------------------------------------


@mutant("TIN-1")
def index_off_by_one() -> None:
    """The index is off by one."""
    replace_in_infos(topology_index=lambda i: i.topology_index + 1)


@mutant("TIN-1")
def info_without_self_edge() -> None:
    """The word of the self edge is 0."""
    replace_in_infos(self_edge=lambda i: 0)


@mutant("TIN-2")
def wait_and_signal_bitmaps_swapped() -> None:
    """Waiting and signalling are swapped."""
    replace_in_infos(
        can_wait_from=lambda i: i.can_signal_to, can_signal_to=lambda i: i.can_wait_from
    )


@mutant("TIN-2")
def peer_missing_in_wait_bitmap() -> None:
    """The last peer is missing from what a device can wait for."""
    replace_in_infos(
        can_wait_from=lambda i: i.can_wait_from & ~(1 << max(i.can_wait_from.bit_length() - 1, 0))
    )


@mutant("TIN-2")
def bitmaps_of_64_devices() -> None:
    """A bitmap has 64 bits."""
    replace_in_infos(can_signal_to=lambda i: i.can_signal_to & (1 << 64) - 1)


@mutant("TIN-3")
def nothing_can_be_imported() -> None:
    """Nothing can be imported."""
    replace_in_infos(can_import_from=lambda i: 0)


@mutant("TIN-3")
def import_bitmap_of_the_opposite_direction() -> None:
    """A device is told who can import from it, not from whom it can."""
    infos = groups.topology_infos

    def transposed(topology: Topology, lease: Any) -> Any:
        back = Topology(topology.lo.T, topology.hi.T, topology.numa_nodes)
        return [
            dataclasses.replace(info, can_import_from=other.can_import_from)
            for info, other in zip(infos(topology, lease), infos(back, lease), strict=True)
        ]

    groups.topology_infos = transposed


@mutant("TIN-4")
def import_counts_as_p2p() -> None:
    """An import counts as peer to peer."""
    replace_in_infos(can_p2p_with=lambda i: i.can_import_from)


@mutant("TIN-4")
def p2p_copies_not_counted() -> None:
    """Copies from peer to peer do not count as such."""
    infos = groups.topology_infos

    def without_flag(topology: Topology, lease: Any) -> Any:
        flag = np.uint64(EdgeFlag.P2P_COPY << cts.hal.edge.FIELDS["flags"].shift)
        bare = Topology(topology.lo & ~flag, topology.hi, topology.numa_nodes)
        return [
            dataclasses.replace(info, can_p2p_with=other.can_p2p_with)
            for info, other in zip(infos(topology, lease), infos(bare, lease), strict=True)
        ]

    groups.topology_infos = without_flag


@mutant("TIN-5")
def own_bit_set() -> None:
    """A device has its own bit."""
    replace_in_infos(can_wait_from=lambda i: i.can_wait_from | 1 << i.topology_index)


@mutant("TIN-5")
def bits_beyond_the_count_set() -> None:
    """A bitmap has bits of devices that are not there."""
    change_infos(
        lambda i: dataclasses.replace(
            i, can_p2p_with=i.can_p2p_with | 1 << i.lease.read().device_count
        )
    )


@mutant("TIN-6")
def unrelated_devices_get_the_native_edge() -> None:
    """Devices of two topologies are related by the indices that they have there."""

    def related(src: Any, dst: Any) -> Any:
        here, there = src.topology_info, dst.topology_info
        if here is None or there is None:
            return None
        return here.topology.query_edge(here.topology_index, there.topology_index)

    cts.hal.query_edge.__code__ = related.__code__


@mutant("TIN-7")
def origin_forgotten() -> None:
    """Objects forget where they come from."""
    DeviceObject.origin = property(lambda self: None)  # type: ignore[method-assign,assignment]


@mutant("TIN-7")
def origin_of_the_first_device() -> None:
    """Objects say that they come from the first device."""
    change(
        DeviceObject,
        "origin",
        lambda good, self: (origin := good(self)) and origin._replace(topology_index=0),
    )
