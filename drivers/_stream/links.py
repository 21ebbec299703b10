"""What is known of links between devices, as edges say it.

A link's class comes from the vendor (`Facts.links`), and costs follow from the class; each link
more on the way is a latency class more. What is asked is always of the one that uses memory, the
edge's target, on its way to the source's. A device that cannot reach another one's memory copies
through the host.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cts.hal import Edge, EdgeFlag, HandleType, InteropMode, LinkClass

from .context import Context

if TYPE_CHECKING:
    from .device import StreamDevice

COSTS = {
    LinkClass.SAME_DIE: (0, 0),
    LinkClass.NVLINK_IF: (2, 2),
    LinkClass.PCIE_SAME_ROOT: (5, 5),
    LinkClass.PCIE_CROSS_ROOT: (7, 7),
    LinkClass.FABRIC: (9, 9),
    LinkClass.HOST_STAGED: (11, 9),
}
"""Cost of a copy, and latency class, by the link."""
HIGHEST = 15
"""Of a latency class."""
OF_ONE_DEVICE = HandleType.OPAQUE_FD | HandleType.DMA_BUF
"""Kinds of handle of a device's own memory: who imports it must reach it."""
BUFFER_MODES = (
    "buffer_read_mode_noncoherent",
    "buffer_write_mode_noncoherent",
)


def refine(source: StreamDevice, target: StreamDevice, edge: Edge) -> Edge:
    """The edge on which `target` uses what `source` has."""
    here, there = source.context, target.context
    if here.ordinal == there.ordinal:
        return edge
    link = link_between(here, there)
    copy_cost, latency = COSTS.get(link, COSTS[LinkClass.PCIE_CROSS_ROOT])
    further = there.facts.hops.get(here.ordinal, 1) - 1
    changes: dict[str, Any] = {
        "link_class": link,
        "copy_cost": copy_cost,
        "latency_class": min(latency + max(further, 0), HIGHEST),
    }
    if there.reaches(here.ordinal) and here.reaches(there.ordinal):
        changes["flags"] = _flags(here, there, edge) | EdgeFlag.PEER_ACCESS_REQUIRES_GRANT
    else:
        changes |= _apart(edge)
    return edge.replace(**changes)


def _flags(here: Context, there: Context, edge: Edge) -> EdgeFlag:
    """Without atomic operations where the way to this memory has none."""
    atomics = there.facts.atomics
    if atomics is None or here.ordinal in atomics:
        return edge.flags
    return edge.flags & ~(EdgeFlag.ATOMIC_DEVICE | EdgeFlag.ATOMIC_SYSTEM)


def _apart(edge: Edge) -> dict[str, Any]:
    """What changes where one of the two cannot reach the other's memory."""
    imports = edge.buffer_import_types & ~OF_ONE_DEVICE
    exports = edge.buffer_export_types & ~OF_ONE_DEVICE
    instead = InteropMode.IMPORT if imports else InteropMode.COPY
    changes: dict[str, Any] = dict.fromkeys(BUFFER_MODES, instead)
    changes["buffer_import_types"] = imports
    changes["buffer_export_types"] = exports
    changes["flags"] = edge.flags & ~(EdgeFlag.P2P_COPY | EdgeFlag.PEER_COHERENT)
    return changes


def link_between(here: Context, there: Context) -> LinkClass:
    """The same in both directions."""
    if not (here.reaches(there.ordinal) and there.reaches(here.ordinal)):
        return LinkClass.HOST_STAGED
    known = here.facts.links.get(there.ordinal), there.facts.links.get(here.ordinal)
    classes = [link for link in known if link is not None]
    return max(classes, default=LinkClass.PCIE_CROSS_ROOT)
