"""A device's place in its group's topology: what a group assigns, exactly once.

1. The group builds its topology and makes a `TopologyLease` over it;
2. each device is assigned a `DeviceTopologyInfo`: its index, its self edge, four bitmaps, and the
   topology borrowed through the lease;
3. when the group ends it closes the lease: from then on every read of the topology through any
   info is FAILED_PRECONDITION, whatever else still refers to it.
"""

from __future__ import annotations

import threading
import weakref
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from .edge import Edge, EdgeFlag, InteropMode
from .status import HalError, StatusCode
from .topology import Topology

if TYPE_CHECKING:
    from .device import Device


class TopologyLease:
    """A topology lent out until its owner closes the lease. It keeps nothing alive."""

    __slots__ = ("_topology",)

    def __init__(self, topology: Topology) -> None:
        self._topology: weakref.ref[Topology] | None = weakref.ref(topology)

    def read(self) -> Topology:
        """The topology. Raises FAILED_PRECONDITION once the lease is closed."""
        topology = self._topology() if self._topology is not None else None
        if topology is None:
            raise HalError(
                StatusCode.FAILED_PRECONDITION,
                "DeviceTopologyInfo.topology",
                "the device group that owns the topology is gone",
            )
        return topology

    def close(self) -> None:
        """Ends the loan, for every info that was handed out."""
        self._topology = None


@dataclass(frozen=True)
class DeviceTopologyInfo:
    """An immutable value. In each bitmap bit j stands for the device at index j; own bit clear."""

    topology_index: int
    """The device's index in the topology."""
    self_edge: int
    """The scheduling word of its self edge."""
    can_wait_from: int
    """Bit j: this device can wait on semaphores of j."""
    can_signal_to: int
    """Bit j: this device can signal semaphores of j."""
    can_import_from: int
    """Bit j: this device reads buffers of j natively or by import."""
    can_p2p_with: int
    """Bit j: this device reads buffers of j natively or copies from j peer to peer."""
    lease: TopologyLease = field(repr=False)
    """The loan of the group's topology."""

    @property
    def topology(self) -> Topology:
        """The group's own topology. Raises FAILED_PRECONDITION once the group is gone."""
        return self.lease.read()


def topology_infos(topology: Topology, lease: TopologyLease) -> list[DeviceTopologyInfo]:
    """The info of each device of a topology, in its order."""
    none = InteropMode.NONE
    noncoherent = topology.field("buffer_read_mode_noncoherent")
    coherent = topology.field("buffer_read_mode_coherent")
    native = (noncoherent == InteropMode.NATIVE) | (coherent == InteropMode.NATIVE)
    imported = (noncoherent == InteropMode.IMPORT) | (coherent == InteropMode.IMPORT)
    peer_copy = (topology.field("flags") & int(EdgeFlag.P2P_COPY)) != 0
    # Row i of each: what device i can do with device j. Reading and waiting look at j→i.
    relations = (
        (topology.field("wait_mode") != none).T,
        topology.field("signal_mode") != none,
        (native | imported).T,
        (native | peer_copy).T,
    )
    bitmaps = [_bitmaps(relation) for relation in relations]
    self_edges = topology.lo.diagonal().tolist()
    return [
        DeviceTopologyInfo(index, self_edge, wait, signal, imports, p2p, lease)
        for index, (self_edge, wait, signal, imports, p2p) in enumerate(
            zip(self_edges, *bitmaps, strict=True)
        )
    ]


def _bitmaps(relation: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> list[int]:
    """Each row as a bitmap, without the device's own bit."""
    packed = np.packbits(relation & ~np.eye(len(relation), dtype=bool), axis=1, bitorder="little")
    return [int.from_bytes(row.tobytes(), "little") for row in packed]


def query_edge(src: Device, dst: Device) -> Edge | None:
    """The edge src→dst between two devices; none unless both are in the same topology."""
    here, there = src.topology_info, dst.topology_info
    if here is None or there is None or here.topology is not there.topology:
        return None
    return here.topology.query_edge(here.topology_index, there.topology_index)


class TopologyAssignment:
    """What a driver's `topology_info` and `assign_topology_info` slots can be made of.

    It keeps the info that was assigned, and refuses a second one.

        @property
        @slot()
        def topology_info(self):
            return self._topology.info

        @slot()
        def assign_topology_info(self, info):
            self._topology.assign(info)
    """

    def __init__(self, device: Device) -> None:
        self._device = weakref.ref(device)
        self._lock = threading.Lock()
        self._info: DeviceTopologyInfo | None = None

    @property
    def info(self) -> DeviceTopologyInfo | None:
        """What is assigned now."""
        return self._info

    def assign(self, info: DeviceTopologyInfo | None) -> None:
        """Assigns `info`, or with None takes the assignment back.

        Raises FAILED_PRECONDITION when something is assigned already, INVALID_ARGUMENT for
        anything that is no info; what was assigned stays.
        """
        if info is not None and not isinstance(info, DeviceTopologyInfo):
            raise self._error(StatusCode.INVALID_ARGUMENT, f"{info!r} is no DeviceTopologyInfo")
        with self._lock:
            if info is not None and self._info is not None:
                raise self._error(
                    StatusCode.FAILED_PRECONDITION,
                    f"the device has index {self._info.topology_index} of a topology already",
                )
            self._info = info

    def _error(self, code: StatusCode, detail: str) -> HalError:
        device = self._device()
        return HalError(
            code,
            "Device.assign_topology_info",
            detail,
            driver=device.driver_name if device is not None else None,
            slot="assign_topology_info",
        )
