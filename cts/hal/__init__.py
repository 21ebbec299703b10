"""The HAL contract as types: devices, device groups and their topology.

1. A `Driver` enumerates and creates `Device` objects, each a table of slots (`slots`).
2. A `DeviceGroupBuilder` takes devices that exist; `finalize` asks each for its
   `DeviceCapabilities`, derives a directed `Edge` for every pair, lets drivers refine the edges
   between their own devices, and assigns each device its `DeviceTopologyInfo`, exactly once.
3. The `DeviceGroup` retains the devices and owns the `Topology`; a `Module` retains the group.

    with DeviceGroup.from_device(device) as group:
        edge = group.topology.query_edge(0, 0)

Every failure is a `HalError` with a `StatusCode`. The rules are numbered in docs/spec.md.
"""

from .capabilities import DeviceCapabilities, DeviceCapability, HandleType
from .command_buffer import CommandBuffer
from .device import (
    DEVICE_LOST,
    Device,
    Slot,
    answered_by,
    implements,
    slot,
    slots,
    unimplemented,
)
from .device_group import DeviceGroup, DeviceGroupBuilder
from .device_object import DeviceObject, ResourceOrigin
from .driver import DeviceInfo, Driver, DriverProperties
from .edge import SELF_EDGE, Edge, EdgeFlag, InteropMode, LinkClass
from .edge_rules import EdgeMatrix, edge_from_capabilities
from .event import Event
from .executable import (
    BindingSlot,
    BufferRange,
    EntryPoint,
    Executable,
    IndirectWorkgroups,
    Workgroups,
)
from .memory import Allocator, Buffer, BufferUsage, MemoryType
from .module import Module
from .numa import platform_distance
from .program import Program
from .resource import Resource, live_counts
from .semaphore import Semaphore, SemaphoreList
from .status import HalError, StatusCode
from .topology import Topology, TopologyBuilder
from .topology_info import (
    DeviceTopologyInfo,
    TopologyAssignment,
    TopologyLease,
    query_edge,
    topology_infos,
)

__all__ = [
    "DEVICE_LOST",
    "SELF_EDGE",
    "Allocator",
    "BindingSlot",
    "Buffer",
    "BufferRange",
    "BufferUsage",
    "CommandBuffer",
    "Device",
    "DeviceCapabilities",
    "DeviceCapability",
    "DeviceGroup",
    "DeviceGroupBuilder",
    "DeviceInfo",
    "DeviceObject",
    "DeviceTopologyInfo",
    "Driver",
    "DriverProperties",
    "Edge",
    "EdgeFlag",
    "EdgeMatrix",
    "EntryPoint",
    "Event",
    "Executable",
    "HalError",
    "HandleType",
    "IndirectWorkgroups",
    "InteropMode",
    "LinkClass",
    "MemoryType",
    "Module",
    "Program",
    "Resource",
    "ResourceOrigin",
    "Semaphore",
    "SemaphoreList",
    "Slot",
    "StatusCode",
    "Topology",
    "TopologyAssignment",
    "TopologyBuilder",
    "TopologyLease",
    "Workgroups",
    "answered_by",
    "edge_from_capabilities",
    "implements",
    "live_counts",
    "platform_distance",
    "query_edge",
    "slot",
    "slots",
    "topology_infos",
    "unimplemented",
]
