"""The device: its core slots.

Slots that are not here are answered by `Device`, with UNIMPLEMENTED naming driver and slot. A
placeholder would be worse: it says that there is something where there is not.
"""

from __future__ import annotations

from cts.hal import (
    Device,
    DeviceCapabilities,
    DeviceTopologyInfo,
    Edge,
    TopologyAssignment,
    slot,
)


class NullDevice(Device):
    """A device of the core slots. What it owns natively it gives back in `_destroy`."""

    driver_name = "null"

    def __init__(self, identifier: str) -> None:
        super().__init__()
        self._identifier = identifier
        self._topology = TopologyAssignment(self)

    @property
    @slot()
    def identifier(self) -> str:
        return self._identifier

    @slot()
    def query_capabilities(self) -> DeviceCapabilities:
        return DeviceCapabilities()  # nothing to report, which is a valid answer

    @property
    @slot()
    def topology_info(self) -> DeviceTopologyInfo | None:
        return self._topology.info

    @slot()
    def assign_topology_info(self, info: DeviceTopologyInfo | None) -> None:
        self._topology.assign(info)

    @slot()
    def refine_topology_edge(self, dst: Device, edge: Edge) -> Edge:
        return edge  # knows no more of the link than the capabilities say
