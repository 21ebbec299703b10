"""Breaks of lifetimes and modules."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from typing import Any

from cts.hal import (
    Device,
    DeviceGroup,
    DeviceGroupBuilder,
    DeviceObject,
    DeviceTopologyInfo,
    HalError,
    Module,
    Resource,
    StatusCode,
    Topology,
    TopologyLease,
)

from .driver_classes import device_class
from .registry import breaks

AnyResource: Any = Resource
AnyObject: Any = DeviceObject
AnyModule: Any = Module
AnyLease: Any = TopologyLease


def after_init(cls: Any, action: Any) -> None:
    """`action` runs on each new instance."""
    init = cls.__init__

    def changed(self: Any, *args: Any, **kwargs: Any) -> None:
        init(self, *args, **kwargs)
        action(self)

    cls.__init__ = changed


def each_device(method: str) -> Any:
    """Calls a method of each of a group's devices."""

    def call(group: DeviceGroup) -> None:
        for index in range(group.device_count):
            getattr(group.device_at(index), method)()

    return call


@breaks("LIF-1", "a group retains its devices twice")
def _() -> None:
    after_init(DeviceGroup, each_device("retain"))


@breaks("LIF-2", "a group does not retain its devices")
def _() -> None:
    after_init(DeviceGroup, each_device("release"))


@breaks("LIF-3", "an info keeps the topology")
def _() -> None:
    def keep(self: Any, topology: Topology) -> None:
        self._topology = lambda: topology

    AnyLease.__init__ = keep


@breaks("LIF-4", "an info goes on after its group")
def _() -> None:
    AnyLease.close = lambda self: None


@breaks("LIF-5", "each device sees a copy")
def _() -> None:
    def copied(self: DeviceTopologyInfo) -> Topology:
        topology = self.lease.read()
        return Topology(topology.lo, topology.hi, topology.numa_nodes)

    DeviceTopologyInfo.topology = property(copied)  # type: ignore[method-assign,assignment]


@breaks("LIF-6", "a device is destroyed twice")
def _() -> None:
    end = AnyResource._end

    def twice(self: Any, reason: str) -> None:
        self._destroy()
        end(self, reason)

    AnyResource._end = twice


@breaks("LIF-7", "objects do not retain their device")
def _() -> None:
    after_init(DeviceObject, lambda self: self._device.release())
    AnyObject._destroy = lambda self: self._free()


@breaks("LIF-8", "retain is not atomic")
def _() -> None:
    def retain(self: Any) -> Any:
        count = self._references
        time.sleep(1e-5)
        self._references = count + 1
        return self

    AnyResource.retain = retain


@breaks("LIF-9", "each group leaves a descriptor open")
def _() -> None:
    finalize = DeviceGroupBuilder.finalize

    def leak(self: Any) -> Any:
        os.open(os.devnull, os.O_RDONLY)
        return finalize(self)

    DeviceGroupBuilder.finalize = leak  # type: ignore[method-assign]


@breaks("LIF-10", "a forked child may use the parent's devices")
def _() -> None:
    run = subprocess.run
    broken = (
        "import sys, runpy; from cts.hal import Resource;"
        " Resource._seal = lambda self, reason: None;"
        " sys.argv = sys.argv[1:];"
        " runpy.run_module('cts.plugin.exit_scenarios', run_name='__main__')"
    )

    def run_broken(command: Any, **kwargs: Any) -> Any:
        if "cts.plugin.exit_scenarios" in command:
            command = [sys.executable, "-c", broken, "scenario", *command[3:]]
        return run(command, **kwargs)

    subprocess.run = run_broken  # type: ignore[assignment]


@breaks("LIF-11", "a device works on the main thread only")
def _() -> None:
    device = device_class()
    query = device.query_capabilities

    def refuse(self: Device) -> Any:
        if threading.current_thread() is not threading.main_thread():
            raise HalError(StatusCode.FAILED_PRECONDITION, "Device.query_capabilities")
        return query(self)

    device.query_capabilities = refuse


@breaks("LIF-12", "only the maker's thread may release")
def _() -> None:
    after_init(Resource, lambda self: setattr(self, "_maker", threading.current_thread()))
    release = AnyResource.release

    def refuse(self: Any) -> None:
        if threading.current_thread() is not self._maker:
            raise HalError(StatusCode.FAILED_PRECONDITION, "Resource.release")
        release(self)

    AnyResource.release = refuse


@breaks("LIF-13", "nobody notices what is collected")
def _() -> None:
    AnyResource.__del__ = lambda self: None


@breaks("MOD-1", "a module does not retain its group")
def _() -> None:
    after_init(Module, lambda self: self._group.release())


@breaks("MOD-2", "a module never lets its group go")
def _() -> None:
    AnyModule._destroy = lambda self: None


@breaks("MOD-3", "a module over several devices clamps the index")
def _() -> None:
    at = AnyModule.device_at

    def clamp(self: Any, index: int) -> Any:
        count = self.device_count
        return at(self, max(0, min(index, count - 1)) if count > 1 else index)

    AnyModule.device_at = clamp
