"""A HAL driver of devices that can be in a group, and do nothing yet."""

from __future__ import annotations

from itertools import count

from cts.hal import (
    Device,
    DeviceCapabilities,
    DeviceInfo,
    DeviceTopologyInfo,
    Driver,
    DriverProperties,
    Edge,
    TopologyAssignment,
    slot,
)

_numbers = count()


class AcmeDevice(Device):
    """A device of the core slots."""

    driver_name = "acme"

    def __init__(self) -> None:
        super().__init__()
        self._identifier = f"acme:{next(_numbers)}"
        self._topology = TopologyAssignment(self)

    @property
    @slot()
    def identifier(self) -> str:
        return self._identifier

    @slot()
    def query_capabilities(self) -> DeviceCapabilities:
        return DeviceCapabilities()

    @property
    @slot()
    def topology_info(self) -> DeviceTopologyInfo | None:
        return self._topology.info

    @slot()
    def assign_topology_info(self, info: DeviceTopologyInfo | None) -> None:
        self._topology.assign(info)

    @slot()
    def refine_topology_edge(self, dst: Device, edge: Edge) -> Edge:
        return edge


class AcmeDriver(Driver):
    """Has one physical device, which is none."""

    name = "acme"
    native = False
    properties = DriverProperties(work=False)
    version = "0.1"

    def enumerate(self) -> list[DeviceInfo]:
        return [DeviceInfo(path="acme", name="Acme", obtained_on="software")]

    def create_device(self, info: DeviceInfo | None = None) -> AcmeDevice:
        self.resolve(info)
        return AcmeDevice()
