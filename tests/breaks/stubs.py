"""Breaks of status codes, slots and capabilities."""

from __future__ import annotations

import dataclasses
from typing import Any

import cts.hal.device
import cts.hal.group_formation
from cts.hal import Device, DeviceInfo, HalError, StatusCode, TopologyAssignment

from .driver_classes import device_class, driver_class
from .registry import breaks


def refuse_absent_slots_with(code: StatusCode) -> None:
    """Slots that a driver does not have raise another code."""
    refusal = cts.hal.device.unimplemented

    def refuse(device: Device, name: str) -> HalError:
        error = refusal(device, name)
        error.code = code
        return error

    cts.hal.device.unimplemented = refuse


def answer_capabilities(change: Any) -> None:
    """Devices answer with changed capabilities; `change` gets the device and the answer."""
    device = device_class()
    query = device.query_capabilities
    device.query_capabilities = lambda self: change(self, query(self))


@breaks("STA-1", "a slot that is not there fails as INTERNAL")
def _() -> None:
    refuse_absent_slots_with(StatusCode.INTERNAL)


@breaks("STA-2", "an error's text is its code alone")
def _() -> None:
    HalError.__str__ = lambda self: self.code.name  # type: ignore[method-assign]


@breaks("STA-3", "the native code is dropped", driver="iree-local-sync")
def _() -> None:
    init = HalError.__init__

    def forget(self: HalError, *args: Any, **kwargs: Any) -> None:
        init(self, *args, **kwargs | {"native_code": None})

    HalError.__init__ = forget  # type: ignore[method-assign]


@breaks("STA-4", "a slot that is not there says that the backend is absent")
def _() -> None:
    refuse_absent_slots_with(StatusCode.UNAVAILABLE)


@breaks("STB-1", "query_capabilities ends in an assertion")
def _() -> None:
    def query(self: Device) -> None:
        raise AssertionError("not yet")

    device_class().query_capabilities = query


@breaks("STB-2", "query_capabilities works in a group only")
def _() -> None:
    device = device_class()
    query = device.query_capabilities

    def refuse(self: Device) -> Any:
        if self.topology_info is None:
            raise HalError(StatusCode.FAILED_PRECONDITION, "Device.query_capabilities")
        return query(self)

    device.query_capabilities = refuse


@breaks("STB-3", "topology_info is always none")
def _() -> None:
    device_class().topology_info = property(lambda self: None)


@breaks("STB-4", "assign_topology_info(none) does nothing")
def _() -> None:
    assign = TopologyAssignment.assign

    def keep(self: TopologyAssignment, info: Any) -> None:
        if info is not None:
            assign(self, info)

    TopologyAssignment.assign = keep  # type: ignore[method-assign]


@breaks("STB-5", "refinement makes copies dearer for no reason")
def _() -> None:
    device_class().refine_topology_edge = lambda self, dst, edge: edge.replace(copy_cost=15)


@breaks("STB-6", "a slot that is not there succeeds silently")
def _() -> None:
    def succeed(self: Device) -> None:
        pass

    Device.trim = cts.hal.device.slot("optional")(succeed)  # type: ignore[method-assign]


@breaks("STB-7", "a device is enumerated that cannot be created")
def _() -> None:
    driver = driver_class()
    enumerate_ = driver.enumerate
    driver.enumerate = lambda self: [*enumerate_(self), DeviceInfo(path="gone", name="gone")]
    create = driver.create_device

    def refuse(self: Any, info: Any = None) -> Any:
        if info is not None and info.path == "gone":
            raise HalError(StatusCode.NOT_FOUND, "Driver.create_device", "it is gone")
        return create(self, info)

    driver.create_device = refuse


@breaks("STB-8", "an error out of a slot does not name it")
def _() -> None:
    cts.hal.group_formation._blamed = lambda device, slot, error: HalError(
        StatusCode.INTERNAL, "DeviceGroupBuilder.finalize"
    )


@breaks("STB-9", "a slot says that nobody answers it")
def _() -> None:
    device_class().query_capabilities._slot = (None, "nobody")


@breaks("CAP-1", "a flag is set that is not defined")
def _() -> None:
    answer_capabilities(lambda device, answer: dataclasses.replace(answer, flags=1 << 13))


@breaks("CAP-2", "capabilities differ inside a group")
def _() -> None:
    def change(device: Device, answer: Any) -> Any:
        grouped = device.topology_info is not None
        return dataclasses.replace(answer, numa_node=int(grouped))

    answer_capabilities(change)


@breaks("CAP-4", "each logical device has a UUID of its own")
def _() -> None:
    def change(device: Device, answer: Any) -> Any:
        return dataclasses.replace(answer, physical_device_uuid=id(device).to_bytes(16, "big"))

    answer_capabilities(change)


@breaks("CAP-6", "a NUMA node is told that the platform does not have")
def _() -> None:
    answer_capabilities(lambda device, answer: dataclasses.replace(answer, numa_node=200))
