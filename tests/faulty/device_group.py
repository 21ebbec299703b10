"""Device groups with a bug: what they tell, replace, and how they end."""

from __future__ import annotations

import dataclasses
from typing import Any

import cts.hal.device_group
import cts.hal.group_formation
import cts.hal.membership
from cts.hal import (
    DeviceGroup,
    TopologyLease,
)

from .changes import change
from .registry import mutant

groups: Any = cts.hal.device_group
formation: Any = cts.hal.group_formation
membership: Any = cts.hal.membership
Group: Any = DeviceGroup


@mutant("GRP-13")
def from_device_asks_once_more() -> None:
    """from_device asks the device once more."""
    from_device = DeviceGroup.from_device

    def ask(cls: Any, device: Any) -> Any:
        device.query_capabilities()
        return from_device(device)

    Group.from_device = classmethod(ask)


@mutant("GRP-14")
def index_wraps_around() -> None:
    """An index is taken as Python takes it."""
    Group.device_at = lambda self, index: self._devices[index % len(self._devices)]


@mutant("GRP-14")
def index_of_the_count_is_none() -> None:
    """The index one past the end gives none."""

    def device_at(good: Any, self: Any, index: int) -> Any:
        return None if index == self.device_count else good(self, index)

    change(Group, "device_at", device_at)


@mutant("GRP-15")
def replacement_source_not_retained() -> None:
    """The source is not retained."""

    def drop(good: Any, self: Any, replace: Any) -> Any:
        group = good(self, replace)
        group._source = None
        self.release()
        return group

    change(Group, "with_replacements", drop)


@mutant("GRP-15")
def replacements_get_infos_of_their_own() -> None:
    """A replacement is assigned another info than the device that it replaces has."""

    def renumbered(good: Any, self: Any, replace: Any) -> Any:
        infos = self._infos
        self._infos = [dataclasses.replace(info, can_wait_from=0) for info in infos]
        try:
            return good(self, replace)
        finally:
            self._infos = infos

    change(Group, "with_replacements", renumbered)


@mutant("GRP-15")
def replaced_device_unassigned() -> None:
    """A device that is replaced loses its place."""

    def replaced(good: Any, self: Any, replace: Any) -> Any:
        group = good(self, replace)
        for index, device in enumerate(self._devices):
            if group.device_at(index) is not device:
                device.assign_topology_info(None)
        return group

    change(Group, "with_replacements", replaced)


@mutant("GRP-16")
def later_errors_lost() -> None:
    """Later errors are lost."""
    formation.with_later = lambda first, later: first


@mutant("GRP-16")
def last_error_raised() -> None:
    """Of several errors the last one is raised."""
    with_later = formation.with_later
    formation.with_later = lambda first, later: (
        with_later(later[-1], [first, *later[:-1]]) if later else first
    )


@mutant("GRP-16")
def unassigning_stops_at_the_first_error() -> None:
    """A failure while un-assigning stops the rest."""
    unassign = formation.unassign_all

    def unassign_all(devices: Any) -> Any:
        for device in reversed(devices):
            errors = unassign([device])
            if errors:
                return errors
        return []

    formation.unassign_all = unassign_all


@mutant("GRP-17")
def unassigned_first_to_last() -> None:
    """Devices are un-assigned first to last."""
    unassign = formation.unassign_all
    formation.unassign_all = lambda devices: unassign(devices[::-1])


@mutant("GRP-17")
def topology_closed_last() -> None:
    """Devices are un-assigned before the topology is closed."""
    unassign, close = formation.unassign_all, TopologyLease.close
    late: list[TopologyLease] = []

    def unassign_all(devices: Any) -> Any:
        errors = unassign(devices)
        while late:
            close(late.pop())
        return errors

    TopologyLease.close = late.append  # type: ignore[method-assign,assignment]
    formation.unassign_all = unassign_all


@mutant("GRP-17")
def devices_not_unassigned() -> None:
    """A group that ends leaves its devices assigned."""

    def destroy(good: Any, self: Any) -> None:
        unassign, formation.unassign_all = formation.unassign_all, lambda devices: []
        try:
            good(self)
        finally:
            formation.unassign_all = unassign

    change(Group, "_destroy", destroy)


@mutant("GRP-17")
def devices_released_first_to_last() -> None:
    """A group that ends releases its devices first to last."""

    def destroy(good: Any, self: Any) -> None:
        own = self._own_devices()
        for device in own:
            device.retain()
        good(self)
        for device in own:
            device.release()

    change(Group, "_destroy", destroy)
