"""Builders with a bug: what they take, whom they ask, and what they believe."""

from __future__ import annotations

from typing import Any

import cts.hal.device_group
import cts.hal.group_formation
import cts.hal.membership
from cts.hal import (
    Device,
    DeviceCapabilities,
    DeviceGroupBuilder,
    HalError,
    StatusCode,
)

from .changes import change
from .registry import mutant

formation: Any = cts.hal.group_formation
membership: Any = cts.hal.membership
Builder: Any = DeviceGroupBuilder


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
