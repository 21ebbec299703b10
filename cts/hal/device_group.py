"""Device groups: devices, and the topology they were given, for as long as the group lives.

A builder collects devices that exist; `finalize` forms the group:

1. claim: every device is alive and in no living group, checked and marked at once for all;
2. query each device's capabilities, in order, and check that they are well formed;
3. derive the edge of every ordered pair from the capabilities;
4. refine: each source device may change its edges to other devices of its own driver;
5. check the refined matrix and build the topology from it;
6. assign each device its topology info, in order;
7. the group holds one reference to each device, and the topology.

Whatever fails is undone in reverse, so that a new builder over the same devices can succeed. No
lock is held while driver code runs.

    with DeviceGroup.from_device(device) as group:
        print(group.topology)
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any, ClassVar, NoReturn

import numpy as np

from .capabilities import DeviceCapabilities, DeviceCapability
from .device import Device
from .edge import FIELDS, HANDLE_SETS, Edge
from .edge_rules import EdgeMatrix, Matrix
from .numa import NumaDistance, platform_distance
from .resource import Resource
from .status import HalError, StatusCode
from .topology import Topology, asymmetric_link, first_difference
from .topology_info import DeviceTopologyInfo, TopologyLease, topology_infos

DEFAULT_CAPACITY = 1024

_ROWS_KEPT = 16
"""Rows of edges kept at a time while refining; devices of one kind share a row."""

# Reentrant: the collector can run while it is held, and end another group.
_membership_lock = threading.RLock()


class DeviceGroupBuilder:
    """Collects devices, without retaining them, and forms a group of them, once.

    Parameters
    ----------
    capacity : the most devices it takes.
    numa_distance : SLIT distance between two NUMA nodes, or none; the platform's by default.
    """

    def __init__(
        self,
        capacity: int = DEFAULT_CAPACITY,
        numa_distance: NumaDistance = platform_distance,
    ) -> None:
        if capacity < 1:
            raise HalError(
                StatusCode.INVALID_ARGUMENT,
                "DeviceGroupBuilder",
                f"capacity is {capacity}: at least 1",
            )
        self._capacity = capacity
        self._numa_distance = numa_distance
        self._devices: list[Device] | None = []
        self._added: set[int] = set()

    def __reduce__(self) -> NoReturn:
        raise TypeError("a DeviceGroupBuilder cannot be copied or pickled")

    def add_device(self, device: Device) -> None:
        """Appends a device; its position is its index in the topology.

        Raises
        ------
        HalError
            INVALID_ARGUMENT for what is no device, ALREADY_EXISTS for one that is in already,
            RESOURCE_EXHAUSTED beyond capacity, FAILED_PRECONDITION for a device that is destroyed
            or in a living group, and after `finalize`. The builder stays as it was.
        """
        operation = "DeviceGroupBuilder.add_device"
        devices = self._open(operation)
        if not isinstance(device, Device):
            raise HalError(StatusCode.INVALID_ARGUMENT, operation, f"{device!r} is no Device")
        device._check_usable(operation)
        if id(device) in self._added:
            raise HalError(
                StatusCode.ALREADY_EXISTS, operation, f"{device._describe()} is in it already"
            )
        if len(devices) >= self._capacity:
            raise HalError(
                StatusCode.RESOURCE_EXHAUSTED,
                operation,
                f"{device._describe()} is device {len(devices) + 1}:"
                f" the capacity is {self._capacity}",
            )
        with _membership_lock:
            _check_ungrouped(device, operation)
        devices.append(device)
        self._added.add(id(device))

    def finalize(self) -> DeviceGroup:
        """The group of the devices added, in their order. The builder is used up, also by failure.

        Raises
        ------
        HalError
            INVALID_ARGUMENT for an empty builder and for malformed capabilities or edges;
            FAILED_PRECONDITION when used up, or when a device has been destroyed or has joined
            another group since; a driver's failure with its own code, or INTERNAL where it raised
            anything else. References and assignments are then as they were before.
        """
        devices = self._open("DeviceGroupBuilder.finalize")
        self._devices = None
        if not devices:
            raise HalError(
                StatusCode.INVALID_ARGUMENT, "DeviceGroupBuilder.finalize", "no device was added"
            )
        _claim(devices, "DeviceGroupBuilder.finalize")
        try:
            topology = _build_topology(devices, self._numa_distance)
            lease = TopologyLease(topology)
            infos = topology_infos(topology, lease)
            _assign_all(devices, infos, on_failure=lease.close)
        except BaseException:
            _unclaim(devices, release=True)
            raise
        _unclaim(devices, release=False)
        return DeviceGroup(devices, topology, infos, lease)

    def _open(self, operation: str) -> list[Device]:
        if self._devices is None:
            raise HalError(
                StatusCode.FAILED_PRECONDITION, operation, "the builder is used up by finalize"
            )
        return self._devices


class DeviceGroup(Resource):
    """Devices with their topology. Made by a builder, `from_device` or `with_replacements`."""

    _teardown_rank: ClassVar[int] = 1

    def __init__(
        self,
        devices: Sequence[Device],
        topology: Topology,
        infos: Sequence[DeviceTopologyInfo],
        lease: TopologyLease | None,
        source: DeviceGroup | None = None,
    ) -> None:
        """For the builder: takes over a claim on, and a reference to, each device."""
        super().__init__()
        self._devices = tuple(devices)
        self._topology = topology
        self._infos = tuple(infos)
        self._lease = lease
        self._source = source

    @classmethod
    def from_device(cls, device: Device) -> DeviceGroup:
        """A group of one device: the builder's sequence, with the same errors."""
        builder = DeviceGroupBuilder(capacity=1)
        builder.add_device(device)
        return builder.finalize()

    def with_replacements(
        self, replace: Callable[[Device], Device] | Sequence[Device]
    ) -> DeviceGroup:
        """A group with this one's topology over other devices, such as tracing wrappers.

        Parameters
        ----------
        replace : the device to put in each one's place, or a function that is called with each
            device in order and gives it. A device may be kept as it is. The caller keeps its
            own reference to each replacement.

        The new group retains this one. Each replacement is assigned the info of the device that it
        replaces; no device of this group is assigned anything.

        Raises
        ------
        HalError
            INVALID_ARGUMENT for a missing replacement, ALREADY_EXISTS for one that is given twice,
            FAILED_PRECONDITION for one in a living group; this group is whole after any failure.
        """
        operation = "DeviceGroup.with_replacements"
        chosen = list(map(replace, self._devices)) if callable(replace) else list(replace)
        if len(chosen) != len(self._devices):
            raise HalError(
                StatusCode.INVALID_ARGUMENT,
                operation,
                f"{len(chosen)} replacements for {len(self._devices)} devices",
            )
        for index, device in enumerate(chosen):
            if not isinstance(device, Device):
                raise HalError(
                    StatusCode.INVALID_ARGUMENT,
                    operation,
                    f"the replacement of device {index} is {device!r}: it is a Device",
                )
        if len({id(device) for device in chosen}) < len(chosen):
            raise HalError(StatusCode.ALREADY_EXISTS, operation, "a device is given twice")
        pairs = [
            (device, info)
            for device, original, info in zip(chosen, self._devices, self._infos, strict=True)
            if device is not original
        ]
        replacements = [device for device, _ in pairs]
        with self.retain():  # a replacement may drop the last reference while it is assigned
            _claim(replacements, operation, follow_wraps=False)
            try:
                _assign_all(replacements, [info for _, info in pairs], on_failure=lambda: None)
            except BaseException:
                _unclaim(replacements, release=True)
                raise
            _unclaim(replacements, release=False)
            return DeviceGroup(chosen, self._topology, self._infos, None, source=self.retain())

    @property
    def device_count(self) -> int:
        """Number of devices."""
        return len(self._devices)

    def device_at(self, index: int) -> Device:
        """The device at a topology index. Raises OUT_OF_RANGE, for negative ones too."""
        if not 0 <= index < len(self._devices):
            raise HalError(
                StatusCode.OUT_OF_RANGE,
                "DeviceGroup.device_at",
                f"index is {index}: 0 to {len(self._devices) - 1}",
            )
        return self._devices[index]

    @property
    def topology(self) -> Topology:
        """The group's topology; a plain value that may be kept."""
        return self._topology

    def _own_devices(self) -> list[Device]:
        """The devices that this group assigned: not those kept from the group it replaces."""
        if self._source is None:
            return list(self._devices)
        kept = {id(device) for device in self._source._devices}
        return [device for device in self._devices if id(device) not in kept]

    def _destroy(self) -> None:
        if self._lease is not None:
            self._lease.close()
        own = self._own_devices()
        errors = _unassign_all(own)
        with _membership_lock:
            for device in own:
                device._membership = None
        releases = [device.release for device in reversed(own)]
        if self._source is not None:
            releases.append(self._source.release)
        for release in releases:
            try:
                release()
            except BaseException as error:
                errors.append(error)
        if errors:
            raise _with_later(errors[0], errors[1:])

    def _describe(self) -> str:
        return f"DeviceGroup of {len(self._devices)} device(s)"


# -- claims -------------------------------------------------------------------------------


def _renew_lock_in_forked_child() -> None:
    global _membership_lock
    _membership_lock = threading.RLock()  # its holder may be a thread that is not here


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_lock_in_forked_child)


def _check_ungrouped(device: Device, operation: str, *, follow_wraps: bool = True) -> None:
    """Raises FAILED_PRECONDITION if the device, or one that it wraps, is in a living group."""
    member: Device | None = device
    while member is not None:
        if member._membership is not None:
            raise HalError(
                StatusCode.FAILED_PRECONDITION,
                operation,
                f"{device._describe()} is in a living group already",
            )
        member = member.wraps if follow_wraps else None


def _claim(devices: Sequence[Device], operation: str, *, follow_wraps: bool = True) -> None:
    """Marks all devices as members and retains them, or raises and marks none."""
    with _membership_lock:
        for device in devices:
            device._check_usable(operation)
            _check_ungrouped(device, operation, follow_wraps=follow_wraps)
        retained: list[Device] = []
        try:
            for device in devices:
                retained.append(device.retain())
        except HalError:  # released to the end by another thread, just now
            _release_all(retained)
            raise
        for device in devices:
            device._membership = True
            device._references_claimed = device.reference_count


def _unclaim(devices: Iterable[Device], *, release: bool) -> None:
    """Ends the claim: into a group, or with `release` back to as it was."""
    devices = list(devices)
    with _membership_lock:
        for device in devices:
            device._references_claimed = None
            if release:
                device._membership = None
    if release:
        _release_all(devices)


def _release_all(devices: Sequence[Device]) -> None:
    for device in reversed(devices):
        device.release()


# -- driver code --------------------------------------------------------------------------


def _blamed(device: Device, slot: str, error: BaseException) -> BaseException:
    """The error of a slot's call as a HalError naming driver and slot; an interrupt as it is."""
    if not isinstance(error, Exception):
        return error
    if isinstance(error, HalError):
        error.driver = error.driver or device.driver_name
        error.slot = error.slot or slot
        return error
    internal = _fault(device, slot, StatusCode.INTERNAL, f"raised {error!r}")
    internal.__cause__ = error
    return internal


def _fault(device: Device, slot: str, code: StatusCode, what: str) -> HalError:
    return HalError(
        code,
        f"Device.{slot}",
        f"device {device.identifier!r} of driver {device.driver_name!r} {what}",
        driver=device.driver_name,
        slot=slot,
    )


def _with_later(first: BaseException, later: Sequence[BaseException]) -> BaseException:
    """`first`, with the errors that came after it attached in order."""
    if isinstance(first, HalError):
        first.also += later
    else:
        for error in later:
            first.add_note(f"also: {error}")
    return first


def _query_all(devices: Sequence[Device]) -> list[DeviceCapabilities]:
    """Each device's capabilities, asked once and in order, then checked."""
    answers = []
    for device in devices:
        try:
            answers.append(device.query_capabilities())
        except BaseException as error:
            blamed = _blamed(device, "query_capabilities", error)
            raise blamed from blamed.__cause__
    for device, answer in zip(devices, answers, strict=True):
        if not isinstance(answer, DeviceCapabilities):
            what = f"answered {answer!r}: it is DeviceCapabilities"
            raise _fault(device, "query_capabilities", StatusCode.INTERNAL, what)
        try:
            answer.check()
        except HalError as error:
            what = f"is malformed: {error.detail}"
            raise _fault(device, "query_capabilities", error.code, what) from error
    return answers


def _build_topology(devices: Sequence[Device], numa_distance: NumaDistance) -> Topology:
    capabilities = _query_all(devices)
    drivers = [device.driver_name for device in devices]
    matrix = EdgeMatrix(capabilities, drivers, numa_distance)
    lo, hi = matrix.words()
    isolated = [DeviceCapability.ISOLATED in c.flags for c in capabilities]
    changed = _refine_all(devices, matrix, isolated)
    for src, dst, edge in changed:
        lo[src, dst], hi[src, dst] = edge.lo, edge.hi
    if changed:
        _check_both_ways(devices, lo, hi)
    return Topology(lo, hi, [capability.numa_node for capability in capabilities])


def _refine_all(
    devices: Sequence[Device], matrix: EdgeMatrix, isolated: Sequence[bool]
) -> list[tuple[int, int, Edge]]:
    """Asks each device once for each other one of its driver; the edges that came back changed."""
    by_driver: dict[str, list[int]] = {}
    for index, device in enumerate(devices):
        if not isolated[index]:
            by_driver.setdefault(device.driver_name, []).append(index)
    edges, kind_of = matrix.edges(), matrix.kind_of

    @lru_cache(maxsize=_ROWS_KEPT)
    def row(driver: str, kind: int) -> list[tuple[int, Device, Edge]]:
        """Each possible destination of a source of that kind, with the edge to it."""
        members = by_driver[driver]
        return [(index, devices[index], edges[kind][kind_of[index]]) for index in members]

    changed: list[tuple[int, int, Edge]] = []
    for src, device in enumerate(devices):
        if isolated[src]:
            continue
        try:
            refine = device.refine_topology_edge
            for dst, peer, edge in row(device.driver_name, kind_of[src]):
                if dst != src and (refined := refine(peer, edge)) is not edge:
                    changed.append((src, dst, refined))
        except BaseException as error:
            blamed = _blamed(device, "refine_topology_edge", error)
            raise blamed from blamed.__cause__
    for src, dst, refined in changed:
        _check_refined(devices[src], devices[dst], refined, edges[kind_of[src]][kind_of[dst]])
    return changed


def _check_refined(src: Device, dst: Device, refined: Any, edge: Edge) -> None:
    """Raises unless a refined edge is one, of defined bits, within the handle sets of `edge`."""
    slot = "refine_topology_edge"
    if not isinstance(refined, Edge):
        what = f"answered {refined!r} for {dst.identifier!r}: it is an Edge"
        raise _fault(src, slot, StatusCode.INTERNAL, what)
    if any(refined.reserved):
        lo, hi = refined.reserved
        what = f"set reserved bits lo={lo:#x} hi={hi:#x} of the edge to {dst.identifier!r}"
        raise _fault(src, slot, StatusCode.INVALID_ARGUMENT, what)
    for name in HANDLE_SETS:
        given, allowed = getattr(refined, name), getattr(edge, name)
        if given & ~allowed:
            what = (
                f"gave the edge to {dst.identifier!r} {name}={given:#x}:"
                f" the capabilities allow {allowed:#x}"
            )
            raise _fault(src, slot, StatusCode.INVALID_ARGUMENT, what)


def _check_both_ways(devices: Sequence[Device], lo: Matrix, hi: Matrix) -> None:
    """Raises where the edges of a pair contradict each other."""
    pair = asymmetric_link(lo)
    if pair is not None:
        raise _contradiction(devices, pair, "link_class", "link_class")
    for kind in ("semaphore", "buffer"):
        names = f"{kind}_import_types", f"{kind}_export_types"
        there, back = (
            hi >> np.uint64(FIELDS[name].shift) & np.uint64(FIELDS[name].limit) for name in names
        )
        pair = first_difference(there, back.T)
        if pair is not None:
            raise _contradiction(devices, pair, *names)


def _contradiction(
    devices: Sequence[Device], pair: tuple[int, int], field: str, other: str
) -> HalError:
    src, dst = (devices[index] for index in pair)
    what = (
        f"contradicts the way back: {field} of the edge to {dst.identifier!r}"
        f" is not {other} of the edge from it"
    )
    return _fault(src, "refine_topology_edge", StatusCode.INVALID_ARGUMENT, what)


def _assign_all(
    devices: Sequence[Device],
    infos: Sequence[DeviceTopologyInfo],
    *,
    on_failure: Callable[[], None],
) -> None:
    """Assigns in order; a failure takes back what was assigned before it, in reverse."""
    for index, (device, info) in enumerate(zip(devices, infos, strict=True)):
        try:
            device.assign_topology_info(info)
        except BaseException as error:
            on_failure()
            first = _blamed(device, "assign_topology_info", error)
            later = _unassign_all(devices[:index])
            raise _with_later(first, later) from first.__cause__


def _unassign_all(devices: Sequence[Device]) -> list[BaseException]:
    """Takes every assignment back, in reverse order; what failed, in the order it happened."""
    errors = []
    for device in reversed(devices):
        try:
            device.assign_topology_info(None)
        except BaseException as error:
            errors.append(_blamed(device, "assign_topology_info", error))
    return errors
