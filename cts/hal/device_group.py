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

from collections.abc import Callable, Sequence
from typing import ClassVar, NoReturn

from . import group_formation, membership
from .device import Device
from .numa import NumaDistance, platform_distance
from .resource import Resource
from .status import HalError, StatusCode
from .topology import Topology
from .topology_info import DeviceTopologyInfo, TopologyLease, topology_infos

DEFAULT_CAPACITY = 1024


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
        membership.check_ungrouped(device, operation)
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
        membership.claim(devices, "DeviceGroupBuilder.finalize")
        try:
            topology = group_formation.build_topology(devices, self._numa_distance)
            lease = TopologyLease(topology)
            infos = topology_infos(topology, lease)
            group_formation.assign_all(devices, infos, on_failure=lease.close)
        except BaseException:
            membership.unclaim(devices, release=True)
            raise
        membership.unclaim(devices, release=False)
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
        chosen = list(map(replace, self._devices)) if callable(replace) else list(replace)
        self._check_replacements(chosen)
        pairs = [
            (device, info)
            for device, original, info in zip(chosen, self._devices, self._infos, strict=True)
            if device is not original
        ]
        replacements, infos = [device for device, _ in pairs], [info for _, info in pairs]
        with self.retain():  # a replacement may drop the last reference while it is assigned
            membership.claim(replacements, "DeviceGroup.with_replacements", follow_wraps=False)
            try:
                group_formation.assign_all(replacements, infos, on_failure=lambda: None)
            except BaseException:
                membership.unclaim(replacements, release=True)
                raise
            membership.unclaim(replacements, release=False)
            return DeviceGroup(chosen, self._topology, self._infos, None, source=self.retain())

    def _check_replacements(self, chosen: Sequence[object]) -> None:
        operation = "DeviceGroup.with_replacements"
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
        errors = group_formation.unassign_all(own)
        membership.end_membership(own)
        releases = [device.release for device in reversed(own)]
        if self._source is not None:
            releases.append(self._source.release)
        for release in releases:
            try:
                release()
            except BaseException as error:
                errors.append(error)
        if errors:
            raise group_formation.with_later(errors[0], errors[1:])

    def _describe(self) -> str:
        return f"DeviceGroup of {len(self._devices)} device(s)"
