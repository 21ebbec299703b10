"""Breaks of the device group and its builder."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cts.hal.group_formation
import cts.hal.membership
from cts.hal import Device, DeviceCapabilities, DeviceGroup, DeviceGroupBuilder

from .registry import breaks

formation: Any = cts.hal.group_formation
membership: Any = cts.hal.membership
Builder: Any = DeviceGroupBuilder
Group: Any = DeviceGroup


def before(cls: Any, name: str, action: Callable[..., Any]) -> None:
    """`action` runs first, with the same arguments; what it gives, unless none, is the answer."""
    method = getattr(cls, name)

    def changed(*args: Any, **kwargs: Any) -> Any:
        answer = action(*args, **kwargs)
        return method(*args, **kwargs) if answer is None else answer

    setattr(cls, name, changed)


@breaks("GRP-1", "an empty builder gives nothing")
def _() -> None:
    before(Builder, "finalize", lambda self: False if self._devices == [] else None)


@breaks("GRP-2", "the capacity is not kept")
def _() -> None:
    before(Builder, "add_device", lambda self, device: setattr(self, "_capacity", 1 << 30))


@breaks("GRP-3", "a duplicate is passed over")
def _() -> None:
    before(
        Builder,
        "add_device",
        lambda self, device: False if any(device is d for d in self._devices or ()) else None,
    )


@breaks("GRP-4", "what is no device is passed over")
def _() -> None:
    before(
        Builder,
        "add_device",
        lambda self, device: None if isinstance(device, Device) else False,
    )


@breaks("GRP-5", "the builder retains")
def _() -> None:
    def retain(self: Any, device: Any) -> None:
        device.retain()

    before(Builder, "add_device", retain)


@breaks("GRP-6", "a builder can be used again")
def _() -> None:
    finalize = Builder.finalize

    def reopen(self: Any) -> Any:
        try:
            return finalize(self)
        finally:
            self._devices = []

    Builder.finalize = reopen


@breaks("GRP-7", "the order is reversed")
def _() -> None:
    before(Builder, "finalize", lambda self: (self._devices or []).reverse())


@breaks("GRP-8", "every device is asked twice")
def _() -> None:
    query = formation._query_all
    formation._query_all = lambda devices: (query(devices), query(devices))[1]


@breaks("GRP-9", "every edge is refined twice")
def _() -> None:
    refine = formation._refine_all
    formation._refine_all = lambda *args: (refine(*args), refine(*args))[1]


@breaks("GRP-10", "devices are assigned last to first")
def _() -> None:
    assign = formation.assign_all

    def backwards(devices: Any, infos: Any, **kwargs: Any) -> None:
        assign(devices[::-1], infos[::-1], **kwargs)

    formation.assign_all = backwards


@breaks("GRP-11", "a failure leaves the others assigned")
def _() -> None:
    formation.unassign_all = lambda devices: []


@breaks("GRP-12", "nobody looks whether a device is in a group")
def _() -> None:
    membership._check_one_ungrouped = lambda *args, **kwargs: None


@breaks("GRP-13", "from_device asks the device once more")
def _() -> None:
    from_device = DeviceGroup.from_device

    def ask(cls: Any, device: Any) -> Any:
        device.query_capabilities()
        return from_device(device)

    Group.from_device = classmethod(ask)


@breaks("GRP-14", "an index is taken as Python takes it")
def _() -> None:
    Group.device_at = lambda self, index: self._devices[index % len(self._devices)]


@breaks("GRP-15", "the source is not retained")
def _() -> None:
    replaced = Group.with_replacements

    def drop(self: Any, replace: Any) -> Any:
        group = replaced(self, replace)
        group._source = None
        self.release()
        return group

    Group.with_replacements = drop


@breaks("GRP-16", "later errors are lost")
def _() -> None:
    formation.with_later = lambda first, later: first


@breaks("GRP-17", "devices are un-assigned first to last")
def _() -> None:
    unassign = formation.unassign_all
    formation.unassign_all = lambda devices: unassign(devices[::-1])


@breaks("GRP-18", "a refinement is believed")
def _() -> None:
    formation._check_refined = formation._check_both_ways = lambda *args: None


@breaks("GRP-19", "capabilities are believed")
def _() -> None:
    DeviceCapabilities.check = lambda self: None  # type: ignore[method-assign]


@breaks("GRP-20", "a device may be released while it is put into a group")
def _() -> None:
    Device._check_releasable = lambda self: None  # type: ignore[method-assign]
