"""Device groups and builders with a bug: what they take, whom they ask, and how they are undone."""

from __future__ import annotations

import dataclasses
from contextlib import suppress
from typing import Any

import cts.hal.device_group
import cts.hal.group_formation
import cts.hal.membership
from cts.hal import (
    Device,
    DeviceCapabilities,
    DeviceGroup,
    DeviceGroupBuilder,
    HalError,
    StatusCode,
    TopologyLease,
)

from .changes import change
from .registry import mutant

groups: Any = cts.hal.device_group
formation: Any = cts.hal.group_formation
membership: Any = cts.hal.membership
Builder: Any = DeviceGroupBuilder
Group: Any = DeviceGroup


# -- adding -----------------------------------------------------------------------------------


@mutant("GRP-1")
def empty_builder_gives_nothing() -> None:
    """An empty builder gives nothing."""
    change(Builder, "finalize", lambda good, self: None if self._devices == [] else good(self))


@mutant("GRP-2")
def capacity_not_kept() -> None:
    """The capacity is not kept."""

    def add(good: Any, self: Any, device: Any) -> None:
        self._capacity = 1 << 30
        good(self, device)

    change(Builder, "add_device", add)


@mutant("GRP-2")
def one_device_beyond_capacity_taken() -> None:
    """One device more than the capacity is taken."""

    def init(good: Any, self: Any, *args: Any, **kwargs: Any) -> None:
        good(self, *args, **kwargs)
        self._capacity += 1

    change(Builder, "__init__", init)


@mutant("GRP-2")
def too_many_devices_empty_the_builder() -> None:
    """A device beyond the capacity drops those that are in."""

    def add(good: Any, self: Any, device: Any) -> None:
        try:
            good(self, device)
        except HalError as error:
            if error.code is StatusCode.RESOURCE_EXHAUSTED:
                self._devices.clear()
            raise

    change(Builder, "add_device", add)


@mutant("GRP-3")
def duplicate_passed_over() -> None:
    """A duplicate is passed over."""

    def add(good: Any, self: Any, device: Any) -> None:
        if not any(device is other for other in self._devices or ()):
            good(self, device)

    change(Builder, "add_device", add)


@mutant("GRP-3")
def duplicate_taken() -> None:
    """A device can be in a builder twice."""

    def add(good: Any, self: Any, device: Any) -> None:
        self._added.clear()
        good(self, device)

    change(Builder, "add_device", add)


@mutant("GRP-4")
def non_device_passed_over() -> None:
    """What is no device is passed over."""

    def add(good: Any, self: Any, device: Any) -> None:
        if isinstance(device, Device):
            good(self, device)

    change(Builder, "add_device", add)


@mutant("GRP-5")
def builder_retains() -> None:
    """The builder retains."""
    change(Builder, "add_device", lambda good, self, device: good(self, device.retain()))


@mutant("GRP-6")
def builder_used_again() -> None:
    """A builder can be used again."""

    def finalize(good: Any, self: Any) -> Any:
        try:
            return good(self)
        finally:
            self._devices = []

    change(Builder, "finalize", finalize)


@mutant("GRP-6")
def failed_builder_used_again() -> None:
    """A builder whose finalize failed can be used again."""

    def finalize(good: Any, self: Any) -> Any:
        devices = self._devices
        try:
            return good(self)
        except BaseException:
            self._devices = devices
            raise

    change(Builder, "finalize", finalize)


@mutant("GRP-7")
def order_reversed() -> None:
    """The order is reversed."""

    def finalize(good: Any, self: Any) -> Any:
        if self._devices:
            self._devices.reverse()
        return good(self)

    change(Builder, "finalize", finalize)


# -- asking the devices -----------------------------------------------------------------------


@mutant("GRP-8")
def capabilities_asked_twice() -> None:
    """Every device is asked twice."""
    query = formation._query_all
    formation._query_all = lambda devices: (query(devices), query(devices))[1]


@mutant("GRP-8")
def capabilities_asked_last_to_first() -> None:
    """The devices are asked in reverse."""
    query = formation._query_all
    formation._query_all = lambda devices: query(devices[::-1])[::-1]


@mutant("GRP-9")
def edges_refined_twice() -> None:
    """Every edge is refined twice."""
    refine = formation._refine_all
    formation._refine_all = lambda *args: (refine(*args), refine(*args))[1]


@mutant("GRP-9")
def foreign_edges_refined() -> None:
    """A driver is asked to refine edges to devices of another driver."""
    refine = formation._refine_all

    def refine_all(devices: Any, matrix: Any, isolated: Any) -> Any:
        for device in devices:
            for other in devices:
                if other.driver_name != device.driver_name:
                    device.refine_topology_edge(other, matrix.edges()[0][0])
        return refine(devices, matrix, isolated)

    formation._refine_all = refine_all


@mutant("GRP-9")
def self_edges_refined() -> None:
    """A device is asked to refine its edge to itself."""
    refine = formation._refine_all

    def refine_all(devices: Any, matrix: Any, isolated: Any) -> Any:
        for device in devices:
            device.refine_topology_edge(device, matrix.edges()[0][0])
        return refine(devices, matrix, isolated)

    formation._refine_all = refine_all


@mutant("GRP-18")
def refinement_believed() -> None:
    """A refinement is believed."""
    formation._check_refined = formation._check_both_ways = lambda *args: None


@mutant("GRP-18")
def refinements_that_contradict_each_other_believed() -> None:
    """That a refinement contradicts the way back is not noticed."""
    formation._check_both_ways = lambda *args: None


@mutant("GRP-19")
def capabilities_believed() -> None:
    """Capabilities are believed."""
    DeviceCapabilities.check = lambda self: None  # type: ignore[method-assign]


@mutant("GRP-19")
def no_capabilities_taken_as_empty_ones() -> None:
    """A device that answers with none is taken to have nothing to report."""
    query = formation._query_all

    def query_all(devices: Any) -> Any:
        answers = [device.query_capabilities() or DeviceCapabilities() for device in devices]
        return query([_Answered(*pair) for pair in zip(devices, answers, strict=True)])

    formation._query_all = query_all


class _Answered:
    """A device that has been asked already."""

    def __init__(self, device: Any, answer: Any) -> None:
        self._device = device
        self.query_capabilities = lambda: answer

    def __getattr__(self, name: str) -> Any:
        return getattr(self._device, name)


# -- assigning, and undoing it ----------------------------------------------------------------


@mutant("GRP-10")
def assigned_last_to_first() -> None:
    """Devices are assigned last to first."""
    assign = formation.assign_all

    def backwards(devices: Any, infos: Any, **kwargs: Any) -> None:
        assign(devices[::-1], infos[::-1], **kwargs)

    formation.assign_all = backwards


@mutant("GRP-10")
def assigned_twice() -> None:
    """Every device is assigned its info twice."""
    assign = formation.assign_all

    def twice(devices: Any, infos: Any, **kwargs: Any) -> None:
        assign(devices, infos, **kwargs)
        for device, info in zip(devices, infos, strict=True):
            with suppress(HalError):
                device.assign_topology_info(info)

    formation.assign_all = twice


@mutant("GRP-10")
def last_device_not_assigned() -> None:
    """The last of several devices is not assigned anything."""
    assign = formation.assign_all

    def all_but_one(devices: Any, infos: Any, **kwargs: Any) -> None:
        count = max(len(devices) - 1, 1)
        assign(devices[:count], infos[:count], **kwargs)

    formation.assign_all = all_but_one


@mutant("GRP-11")
def rollback_forgets_the_others() -> None:
    """A failure leaves the others assigned."""
    formation.unassign_all = lambda devices: []


@mutant("GRP-11")
def rollback_first_to_last() -> None:
    """A failure un-assigns first to last."""
    unassign = formation.unassign_all

    def assign_all(devices: Any, infos: Any, *, on_failure: Any) -> None:
        for index, (device, info) in enumerate(zip(devices, infos, strict=True)):
            try:
                device.assign_topology_info(info)
            except BaseException as error:
                on_failure()
                first = formation._blamed(device, "assign_topology_info", error)
                later = unassign(devices[:index][::-1])
                raise formation.with_later(first, later) from first.__cause__

    formation.assign_all = assign_all


@mutant("GRP-11")
def rollback_unassigns_the_failed_one_too() -> None:
    """A failure un-assigns the device that failed as well."""
    blamed = formation._blamed

    def undo(device: Any, slot: str, error: Any) -> Any:
        if slot == "assign_topology_info":
            with suppress(Exception):
                device.assign_topology_info(None)
        return blamed(device, slot, error)

    formation._blamed = undo


@mutant("GRP-11")
def rollback_keeps_the_references() -> None:
    """A failure keeps the references that the group would have had."""
    release = membership._release_all
    membership._release_all = lambda devices: release(devices[:0])


@mutant("GRP-11")
def rollback_keeps_the_claim() -> None:
    """A device of a group that failed counts as a member of one."""
    unclaim = membership.unclaim

    def keep(devices: Any, *, release: bool) -> None:
        unclaim(devices, release=release)
        for device in devices if release else ():
            device._membership = True

    membership.unclaim = keep


@mutant("GRP-11")
def interrupt_becomes_internal() -> None:
    """A KeyboardInterrupt inside a slot becomes INTERNAL."""
    blamed = formation._blamed

    def blame(device: Any, slot: str, error: Any) -> Any:
        if isinstance(error, Exception):
            return blamed(device, slot, error)
        return formation._fault(device, slot, StatusCode.INTERNAL, f"raised {error!r}")

    formation._blamed = blame


@mutant("GRP-12")
def grouped_device_taken() -> None:
    """Nobody looks whether a device is in a group."""
    membership._check_one_ungrouped = lambda *args, **kwargs: None


@mutant("GRP-12")
def grouped_device_noticed_at_add_alone() -> None:
    """That a device has joined a group since it was added is not noticed."""
    check = membership._check_one_ungrouped

    def check_at_add(device: Any, operation: str, **kwargs: Any) -> None:
        if operation.endswith("add_device"):
            check(device, operation, **kwargs)

    membership._check_one_ungrouped = check_at_add


@mutant("GRP-12")
def device_stays_a_member_after_its_group() -> None:
    """A device cannot join another group when its own is gone."""
    membership.end_membership = lambda devices: None


@mutant("GRP-20")
def device_released_during_finalize() -> None:
    """A device may be released while it is put into a group."""
    Device._check_releasable = lambda self: None  # type: ignore[method-assign]


@mutant("GRP-20")
def destroyed_device_grouped() -> None:
    """A device that was destroyed since it was added is passed over."""

    def finalize(good: Any, self: Any) -> Any:
        if self._devices:
            self._devices = [d for d in self._devices if d.reference_count] or self._devices
        return good(self)

    change(Builder, "finalize", finalize)


@mutant("GRP-20")
def lock_held_in_driver_code() -> None:
    """The lock of all groups is held while drivers are asked."""
    build = formation.build_topology

    def build_locked(*args: Any) -> Any:
        with membership._membership_lock:
            return build(*args)

    formation.build_topology = build_locked


# -- the group --------------------------------------------------------------------------------


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
