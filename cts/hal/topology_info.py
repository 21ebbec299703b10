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
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import numpy.typing as npt

from .edge import FIELDS, Edge, EdgeFlag, InteropMode
from .status import HalError, StatusCode
from .topology import Topology

if TYPE_CHECKING:
    from .device import Device


Relation: TypeAlias = npt.NDArray[np.bool_]
"""Whether something holds, by two devices' indices."""


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
    lo = topology.lo

    def has(name: str, value: int) -> Relation:
        field = FIELDS[name]
        same: Relation = (lo & (field.limit << field.shift)) == value << field.shift
        return same

    native, imported = (
        has("buffer_read_mode_noncoherent", mode) | has("buffer_read_mode_coherent", mode)
        for mode in (InteropMode.NATIVE, InteropMode.IMPORT)
    )
    peer_copy = (lo & (EdgeFlag.P2P_COPY << FIELDS["flags"].shift)) != 0
    # Row i of each: what device i can do with device j. Reading and waiting look at j→i.
    bitmaps = _bitmaps(
        ~has("wait_mode", InteropMode.NONE).T,
        ~has("signal_mode", InteropMode.NONE),
        (native | imported).T,
        (native | peer_copy).T,
    )
    self_edges = topology.lo.diagonal().tolist()
    return [
        DeviceTopologyInfo(index, self_edge, wait, signal, imports, p2p, lease)
        for index, (self_edge, wait, signal, imports, p2p) in enumerate(
            zip(self_edges, *bitmaps, strict=True)
        )
    ]


def _bitmaps(*relations: Relation) -> list[list[int]]:
    """Each relation's rows as bitmaps, without the device's own bit."""
    stacked = np.stack(relations) & ~np.eye(len(relations[0]), dtype=bool)
    packed = np.packbits(stacked, axis=2, bitorder="little")
    # As strings, rows lose their trailing zero bytes, which are an int's leading zeros.
    rows = packed.view(f"S{packed.shape[2]}")[:, :, 0].tolist()
    return [[int.from_bytes(row, "little") for row in relation] for relation in rows]


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
        self._lock = threading.RLock()  # the collector may end the device's group meanwhile
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
