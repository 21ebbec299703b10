"""Edges derived from capabilities by a rule with a bug."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cts.hal.edge
import cts.hal.edge_rules
import cts.hal.group_formation
from cts.hal import SELF_EDGE, Edge, EdgeFlag, InteropMode, Topology

from .changes import change
from .registry import mutant

rules: Any = cts.hal.edge_rules
NUMA_DISTANCE_LIMIT = cts.hal.edge.FIELDS["numa_distance"].limit


def change_edges(changed: Callable[[Edge], Edge]) -> None:
    """Edges between two devices come out changed."""
    words = rules._pair_words

    def pair_words(*args: Any) -> tuple[int, int]:
        edge = changed(Edge(*words(*args)))
        return edge.lo, edge.hi

    rules._pair_words = pair_words


def change_inputs(changed: Callable[[Any, Any, Any], tuple[Any, Any, Any]]) -> None:
    """The rules get other inputs: two ends and what relates them."""
    words = rules._edge_words
    rules._edge_words = lambda src, dst, pair, where: words(*changed(src, dst, pair), where)


def change_distances(scaled: Callable[[int], int]) -> None:
    """The NUMA distance between different nodes is another function of the SLIT's."""
    good = rules._scaled

    def changed(src: int, dst: int, distance: Any) -> int:
        slit = None if src == dst else distance(src, dst)
        again = good(src, dst, lambda a, b: slit)
        return int(again if slit is None else scaled(slit))

    rules._scaled = changed


@mutant("EDG-1")
def value_clamped() -> None:
    """A value that does not fit is clamped."""

    def clamp(good: Any, self: Edge, **fields: int) -> Edge:
        limits = {name: cts.hal.edge.FIELDS[name].limit for name in fields}
        changed: Edge = good(self, **{n: max(0, min(v, limits[n])) for n, v in fields.items()})
        return changed

    change(Edge, "replace", clamp)


@mutant("EDG-1")
def value_masked() -> None:
    """A value that does not fit loses its upper bits."""

    def mask(good: Any, self: Edge, **fields: int) -> Edge:
        limits = {name: cts.hal.edge.FIELDS[name].limit for name in fields}
        changed: Edge = good(self, **{n: v & limits[n] for n, v in fields.items()})
        return changed

    change(Edge, "replace", mask)


@mutant("EDG-1")
def copy_cost_spills_into_latency() -> None:
    """The largest copy cost sets the latency class as well."""

    def spill(good: Any, self: Edge, **fields: int) -> Edge:
        changed: Edge = good(self, **fields)
        spills = fields.get("copy_cost") == 15 and "latency_class" not in fields
        return good(changed, latency_class=1) if spills else changed

    change(Edge, "replace", spill)


@mutant("EDG-2")
def self_edge_at_a_cost() -> None:
    """A device waits for itself at a cost."""
    rules.SELF_EDGE = SELF_EDGE.replace(wait_cost=1)


@mutant("EDG-2")
def self_edge_not_native() -> None:
    """A device copies its own buffers."""
    rules.SELF_EDGE = SELF_EDGE.replace(
        buffer_read_mode_noncoherent=InteropMode.COPY,
        buffer_write_mode_noncoherent=InteropMode.COPY,
    )


@mutant("EDG-2")
def self_edge_with_every_handle_type() -> None:
    """A device imports everything from itself."""
    rules.SELF_EDGE = SELF_EDGE.replace(buffer_import_types=0xFF, buffer_export_types=0xFF)


@mutant("EDG-3")
def equal_handles_ignored() -> None:
    """Equal handles mean nothing."""
    change_inputs(lambda src, dst, pair: (src, dst, pair._replace(aliased=False)))


@mutant("EDG-3")
def handles_that_are_not_set_are_equal() -> None:
    """Two handles of 0 count as equal."""
    words = rules._pair_words

    def pair_words(src: Any, dst: Any, distance: Any) -> Any:
        if src.driver == dst.driver and src.handle == dst.handle == 0:
            src, dst = src._replace(handle=1), dst._replace(handle=1)
        return words(src, dst, distance)

    rules._pair_words = pair_words


@mutant("EDG-3")
def equal_handles_of_two_drivers_alias() -> None:
    """Equal handles of two drivers count as one device's."""
    words = rules._pair_words

    def pair_words(src: Any, dst: Any, distance: Any) -> Any:
        if src.handle == dst.handle != 0:
            dst = dst._replace(driver=src.driver)
        return words(src, dst, distance)

    rules._pair_words = pair_words


@mutant("EDG-4")
def imports_and_exports_swapped() -> None:
    """Imports and exports are swapped."""
    change_edges(
        lambda edge: edge.replace(
            semaphore_import_types=edge.semaphore_export_types,
            semaphore_export_types=edge.semaphore_import_types,
        )
    )


@mutant("EDG-4")
def buffer_imports_are_what_either_has() -> None:
    """What the source exports can be imported, whether the destination can or not."""
    change_inputs(
        lambda src, dst, pair: (
            src,
            dst._replace(buffer_import=dst.buffer_import | src.buffer_export),
            pair,
        )
    )


@mutant("EDG-5")
def signals_always_copied() -> None:
    """Signals are always copied."""
    change_edges(lambda edge: edge.replace(signal_mode=InteropMode.COPY, signal_cost=10))


@mutant("EDG-5")
def waits_native_between_drivers() -> None:
    """Waits are native wherever both have native semaphores, between drivers too."""
    change_edges(
        lambda edge: (
            edge.replace(wait_mode=InteropMode.NATIVE, wait_cost=0)
            if edge.semaphore_import_types & 1
            else edge
        )
    )


@mutant("EDG-6")
def coherent_writes_copied() -> None:
    """Coherent buffers are never written natively."""
    change_edges(lambda edge: edge.replace(buffer_write_mode_coherent=InteropMode.COPY))


@mutant("EDG-6")
def coherent_and_noncoherent_swapped() -> None:
    """The modes of coherent and non-coherent buffers are swapped."""
    change_edges(
        lambda edge: edge.replace(
            buffer_read_mode_noncoherent=edge.buffer_read_mode_coherent,
            buffer_write_mode_noncoherent=edge.buffer_write_mode_coherent,
            buffer_read_mode_coherent=edge.buffer_read_mode_noncoherent,
            buffer_write_mode_coherent=edge.buffer_write_mode_noncoherent,
        )
    )


@mutant("EDG-7")
def runtime_domain_forgotten() -> None:
    """No pair shares a runtime domain."""
    change_edges(lambda edge: edge.replace(flags=edge.flags & ~int(EdgeFlag.SAME_RUNTIME_DOMAIN)))


@mutant("EDG-7")
def flags_are_what_either_has() -> None:
    """An edge has the flags that either device has."""

    def either(src: Any, dst: Any, pair: Any) -> Any:
        flags = src.flags | dst.flags
        return src._replace(flags=flags), dst._replace(flags=flags), pair

    change_inputs(either)


@mutant("EDG-7")
def peers_coherent_between_drivers() -> None:
    """PEER_COHERENT holds between two drivers."""
    rules._ONLY_WITHIN_A_DRIVER = 0


@mutant("EDG-8")
def link_of_another_kind() -> None:
    """Every link is of another kind."""
    change_edges(lambda edge: edge.replace(link_class=6))


@mutant("EDG-8")
def no_uuid_is_one_device() -> None:
    """Two devices without a UUID count as one."""
    words = rules._pair_words

    def pair_words(src: Any, dst: Any, distance: Any) -> Any:
        if src.uuid is None and dst.uuid is None:
            src, dst = src._replace(uuid=b"none"), dst._replace(uuid=b"none")
        return words(src, dst, distance)

    rules._pair_words = pair_words


@mutant("EDG-9")
def latency_always_the_worst() -> None:
    """Latency is always the worst."""
    change_edges(lambda edge: edge.replace(latency_class=15))


@mutant("EDG-9")
def wait_and_signal_costs_swapped() -> None:
    """The costs of waiting and of signalling are swapped."""
    change_edges(lambda edge: edge.replace(wait_cost=edge.signal_cost, signal_cost=edge.wait_cost))


@mutant("EDG-10")
def distances_a_tenth() -> None:
    """Distances are a tenth of the SLIT's."""
    change_distances(lambda slit: min(slit // 10, NUMA_DISTANCE_LIMIT))


@mutant("EDG-10")
def distances_rounded_up() -> None:
    """Distances are rounded up."""
    change_distances(lambda slit: max(0, min((slit - 9) // 2, NUMA_DISTANCE_LIMIT)))


@mutant("EDG-10")
def distances_wrap_around() -> None:
    """A large distance wraps around."""
    change_distances(lambda slit: (slit - 10) // 2 & NUMA_DISTANCE_LIMIT)


@mutant("EDG-10")
def unknown_distance_is_zero() -> None:
    """A distance that nobody knows is 0."""
    rules.UNKNOWN_NUMA_DISTANCE = 0


@mutant("EDG-11")
def copies_between_drivers_too_cheap() -> None:
    """Copies between drivers cost less than they do."""
    change_edges(lambda edge: edge.replace(copy_cost=1))


@mutant("EDG-12")
def isolation_not_read() -> None:
    """Isolation is not read."""

    def ignore(src: Any, dst: Any, pair: Any) -> Any:
        src, dst = (end._replace(flags=end.flags & ~0x200) for end in (src, dst))
        return src, dst, pair

    change_inputs(ignore)


@mutant("EDG-12")
def isolation_of_the_source_alone() -> None:
    """Only the source's isolation is read."""
    change_inputs(lambda src, dst, pair: (src, dst._replace(flags=dst.flags & ~0x200), pair))


@mutant("EDG-12")
def isolated_pairs_refined() -> None:
    """Edges of isolated devices are refined."""
    formation: Any = cts.hal.group_formation
    refine = formation._refine_all
    formation._refine_all = lambda devices, matrix, isolated: refine(
        devices, matrix, [False] * len(devices)
    )


@mutant("EDG-13")
def edge_prints_its_words() -> None:
    """An edge prints its words."""
    Edge.__str__ = lambda self: f"{self.lo:#x} {self.hi:#x}"  # type: ignore[method-assign]


@mutant("EDG-13")
def modes_printed_as_masks() -> None:
    """Modes are printed as if they were masks, so that NATIVE is none of them."""
    text = Edge.__str__
    Edge.__str__ = lambda self: text(self).replace("NATIVE", "")  # type: ignore[method-assign]


@mutant("EDG-14")
def missing_edge_is_a_zero_word() -> None:
    """A missing edge is a zero word."""
    change(Topology, "query_edge", lambda good, self, i, j: good(self, i, j) or Edge(0, 0))


@mutant("EDG-14")
def negative_ordinal_from_the_end() -> None:
    """A negative ordinal counts from the end, as Python has it."""
    change(
        Topology,
        "query_edge",
        lambda good, self, i, j: good(
            self,
            *(n + self.device_count if -self.device_count <= n < 0 else n for n in (i, j)),
        ),
    )
