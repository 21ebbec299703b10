"""Device groups that are formed, or undone after a failure, with a bug."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import cts.hal.device_group
import cts.hal.group_formation
import cts.hal.membership
from cts.hal import (
    Device,
    DeviceGroupBuilder,
    HalError,
    StatusCode,
)

from .changes import change
from .registry import mutant

groups: Any = cts.hal.device_group
formation: Any = cts.hal.group_formation
membership: Any = cts.hal.membership
Builder: Any = DeviceGroupBuilder


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
