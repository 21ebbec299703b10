"""Groups, devices and objects that are kept too long or not long enough, or whose ends
go wrong."""

from __future__ import annotations

import dataclasses
import os
import threading
import time
import warnings
from typing import Any

from cts.hal import (
    Device,
    DeviceGroup,
    DeviceGroupBuilder,
    DeviceObject,
    DeviceTopologyInfo,
    HalError,
    Resource,
    StatusCode,
    Topology,
    TopologyLease,
)

from .changes import after_init, buffer_class, change, device_class, executable_class
from .registry import mutant

AnyResource: Any = Resource
AnyObject: Any = DeviceObject
AnyLease: Any = TopologyLease


def each_device(method: str) -> Any:
    """Calls a method of each of a group's devices."""

    def call(group: DeviceGroup) -> None:
        for index in range(group.device_count):
            getattr(group.device_at(index), method)()

    return call


@mutant("LIF-1")
def group_retains_twice() -> None:
    """A group retains its devices twice."""
    after_init(DeviceGroup, each_device("retain"))


@mutant("LIF-2")
def group_does_not_retain() -> None:
    """A group does not retain its devices."""
    after_init(DeviceGroup, each_device("release"))


@mutant("LIF-3")
def info_keeps_the_topology() -> None:
    """An info keeps the topology."""

    def keep(self: Any, topology: Topology) -> None:
        self._topology = lambda: topology

    AnyLease.__init__ = keep


@mutant("LIF-4")
def info_goes_on_after_its_group() -> None:
    """An info goes on after its group."""
    AnyLease.close = lambda self: None


@mutant("LIF-5")
def each_device_sees_a_copy() -> None:
    """Each device sees a copy."""

    def copied(self: DeviceTopologyInfo) -> Topology:
        topology = self.lease.read()
        return Topology(topology.lo, topology.hi, topology.numa_nodes)

    DeviceTopologyInfo.topology = property(copied)  # type: ignore[method-assign,assignment]


@mutant("LIF-6")
def device_destroyed_twice() -> None:
    """A device is destroyed twice."""
    end = AnyResource._end

    def twice(self: Any, reason: str) -> None:
        self._destroy()
        end(self, reason)

    AnyResource._end = twice


@mutant("LIF-7")
def executable_that_goes_last_keeps_its_device() -> None:
    """An executable whose device nobody else holds leaves it alive."""

    def free(good: Any, self: Any) -> None:
        if self.device.reference_count == 1:
            self.device.retain()
        good(self)

    change(executable_class(), "_free", free)


@mutant("LIF-7")
def objects_do_not_retain_their_device() -> None:
    """Objects do not retain their device."""
    after_init(DeviceObject, lambda self: self._device.release())
    AnyObject._destroy = lambda self: self._free()


@mutant("LIF-8")
def retain_not_atomic() -> None:
    """Retain is not atomic."""

    def retain(self: Any) -> Any:
        count = self._references
        time.sleep(1e-5)
        self._references = count + 1
        return self

    AnyResource.retain = retain


@mutant("LIF-9")
def group_leaves_a_descriptor_open() -> None:
    """Each group leaves a descriptor open."""
    finalize = DeviceGroupBuilder.finalize

    def leak(self: Any) -> Any:
        os.open(os.devnull, os.O_RDONLY)
        return finalize(self)

    DeviceGroupBuilder.finalize = leak  # type: ignore[method-assign]


@mutant("LIF-11")
def works_on_the_main_thread_only() -> None:
    """A device works on the main thread only."""

    def refuse(good: Any, self: Device) -> Any:
        if threading.current_thread() is not threading.main_thread():
            raise HalError(StatusCode.FAILED_PRECONDITION, "Device.query_capabilities")
        return good(self)

    change(device_class(), "query_capabilities", refuse)


@mutant("LIF-12")
def released_on_its_makers_thread_only() -> None:
    """Only the maker's thread may release."""
    after_init(Resource, lambda self: setattr(self, "_made_on", threading.current_thread()))
    release = AnyResource.release

    def refuse(self: Any) -> None:
        if threading.current_thread() is not self._made_on:
            raise HalError(StatusCode.FAILED_PRECONDITION, "Resource.release")
        release(self)

    AnyResource.release = refuse


@mutant("LIF-13")
def collection_not_noticed() -> None:
    """Nobody notices what is collected."""
    AnyResource.__del__ = lambda self: None


# -- the topology that a device borrows -----------------------------------------------------------


@mutant("LIF-3")
def device_keeps_the_topology() -> None:
    """A device keeps the topology, not only its info."""

    def assign(good: Any, self: Any, info: Any) -> None:
        good(self, info)
        self._kept = info.topology if info else vars(self).get("_kept")

    change(device_class(), "assign_topology_info", assign)


@mutant("LIF-3")
def device_keeps_its_group() -> None:
    """A device keeps its group alive, by the topology's owner."""

    def init(group: Any) -> None:
        for index in range(group.device_count):
            group.device_at(index)._group = group.retain()

    after_init(DeviceGroup, init)


@mutant("LIF-5")
def device_copies_the_topology() -> None:
    """A device has a copy of the topology, which goes stale."""

    def assign(good: Any, self: Any, info: Any) -> None:
        if info is not None:
            topology = info.topology
            self._copy = Topology(topology.lo, topology.hi, topology.numa_nodes)
            info = dataclasses.replace(info, lease=TopologyLease(self._copy))
        good(self, info)

    change(device_class(), "assign_topology_info", assign)


@mutant("LIF-4")
def info_fails_otherwise_after_its_group() -> None:
    """Reading a topology that is gone is NOT_FOUND."""

    def read(good: Any, self: Any) -> Any:
        try:
            return good(self)
        except HalError as error:
            raise HalError(StatusCode.NOT_FOUND, error.operation) from error

    change(TopologyLease, "read", read)


# -- references -----------------------------------------------------------------------------------


@mutant("LIF-1")
def group_never_releases() -> None:
    """A group that ends does not release its devices."""

    def destroy(good: Any, self: Any) -> None:
        for device in self._own_devices():
            device.retain()
        good(self)

    change(DeviceGroup, "_destroy", destroy)


@mutant("LIF-6")
def release_too_many_passed_over() -> None:
    """A release too many is passed over."""

    def release(good: Any, self: Any) -> None:
        if self._references > 0:
            good(self)

    change(Resource, "release", release)


@mutant("LIF-6")
def device_usable_after_its_end() -> None:
    """A device that is destroyed answers as before."""

    def seal(good: Any, self: Any, reason: str) -> None:
        if isinstance(self, Device):
            self._sealed_because = reason
        else:
            good(self, reason)

    change(Resource, "_seal", seal)


@mutant("LIF-7")
def buffer_retains_its_device_twice() -> None:
    """A buffer retains its device twice, and releases it once."""
    after_init(buffer_class(), lambda self: self.device.retain())


@mutant("LIF-7")
def device_destroyed_before_its_last_buffer() -> None:
    """A device is destroyed when its user has released it, whatever buffers there are."""

    def release(good: Any, self: Any) -> None:
        good(self)
        if self._references == 1 and self._membership is None:
            self._end_unreleased("its user released it")

    change(device_class(), "release", release)


@mutant("LIF-8")
def release_not_atomic() -> None:
    """Release is not atomic."""

    def release(self: Any) -> None:
        count = self._references
        time.sleep(1e-5)
        self._references = count - 1
        if count == 1:
            self._end("it is destroyed")

    AnyResource.release = release


# -- what is left behind, and where ends happen ---------------------------------------------------


@mutant("LIF-9")
def device_leaves_a_thread() -> None:
    """Every device leaves a thread behind."""

    def start(self: Any) -> None:
        threading.Thread(target=threading.Event().wait, daemon=True).start()

    after_init(device_class(), start)


@mutant("LIF-9")
def group_leaks_memory() -> None:
    """Each group leaves 16 KiB behind."""
    leaked: list[bytearray] = []
    after_init(DeviceGroup, lambda self: leaked.append(bytearray(os.urandom(16 << 10))))


@mutant("LIF-13")
def destroyed_devices_kept_in_a_list() -> None:
    """A device that is destroyed stays in a list of all devices."""
    made: list[Any] = []
    after_init(device_class(), made.append)


@mutant("LIF-11")
def device_belongs_to_its_first_thread() -> None:
    """A device can be used from the thread that used it first, alone."""

    def refuse(good: Any, self: Any, *args: Any) -> Any:
        owner = self.__dict__.setdefault("_owner", threading.get_ident())
        if owner != threading.get_ident():
            raise HalError(StatusCode.FAILED_PRECONDITION, "Device.create_semaphore")
        return good(self, *args)

    change(device_class(), "create_semaphore", refuse)


@mutant("LIF-12", driver="local-task")
def device_joins_itself_in_a_callback() -> None:
    """A device whose last reference goes on a thread of its own waits for that thread."""
    device = device_class("local-task")

    def destroy(good: Any, self: Any) -> None:
        good(self)
        if threading.current_thread().name.startswith("local-task"):
            threading.Event().wait()

    change(device, "_destroy", destroy)


@mutant("LIF-12")
def group_released_on_its_makers_thread_only() -> None:
    """A group that another thread releases is left to the maker's thread."""
    after_init(DeviceGroup, lambda self: setattr(self, "_made_on", threading.get_ident()))

    def destroy(good: Any, self: Any) -> None:
        if self._made_on == threading.get_ident():
            good(self)

    change(DeviceGroup, "_destroy", destroy)


@mutant("LIF-13")
def collection_does_not_say_of_what() -> None:
    """The warning of a collection names nothing."""

    def collect(self: Any) -> None:
        if self._references > 0 and self._sealed_because is None:
            warnings.warn("something was collected", ResourceWarning, stacklevel=2)
            self._end_unreleased("it was collected")

    AnyResource._collect = collect


@mutant("LIF-13")
def collected_device_not_destroyed() -> None:
    """What is collected is not destroyed."""
    AnyResource._end_unreleased = lambda self, reason: None
