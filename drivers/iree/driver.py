"""IREE's drivers by name."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import count
from typing import Any, ClassVar
from weakref import WeakSet

from cts.hal import (
    DeviceInfo,
    Driver,
    DriverProperties,
    HalError,
    Module,
    Program,
    StatusCode,
)

from .compiled import compiled
from .device import IreeDevice
from .executable import ENTRY_POINTS
from .native import call, forgetting_natives, hal_driver, runtime
from .program import IreeProgram
from .wheel import described, incomplete, not_installed

MAX_SEMAPHORE_VALUE = 2**31 - 2
"""IREE_HAL_SEMAPHORE_MAX_VALUE, which IREE's documentation asks callers to stay below or at."""

UNREACHABLE = (
    "queue_host_call",
    "export_buffer",
    "query_semaphore_compatibility",
    "create_event",
    ENTRY_POINTS,
)
"""What the drivers have in C, and neither the binding nor the HAL module gives a way to."""

_ABSENCE = (StatusCode.UNAVAILABLE, StatusCode.NOT_FOUND)
"""What IREE's drivers say where there is no library or no device; for Vulkan's loader NOT_FOUND."""

_numbers = count()
_devices: WeakSet[IreeDevice] = WeakSet()
"""Those of all drivers that are alive, and some that are not any more."""


@forgetting_natives
class IreeDriver(Driver):
    """One of IREE's HAL drivers; a subclass names it."""

    hal_name: ClassVar[str]
    """The driver's name in IREE."""
    install: ClassVar[str] = ""
    """What brings the library and devices that IREE's driver needs, where it needs any."""
    kernels: ClassVar[str] = ""
    """The format of device code in which the suite's kernels are here, if they are."""

    def available(self) -> HalError | None:
        reason = not_installed() or incomplete()
        if reason is None and self.hal_name not in runtime().HalDriver.query():
            reason = f"this build of IREE's runtime has no driver {self.hal_name!r}"
        reason = reason or self._without_devices()
        if reason is None:
            return None
        return HalError(StatusCode.UNAVAILABLE, "Driver.available", reason, driver=self.name)

    def _without_devices(self) -> str | None:
        """Why there are no devices, or none. Raises any other failure of IREE's driver."""
        try:
            found = self._listing()
        except HalError as error:
            if error.code not in _ABSENCE:
                raise
            return f"{error.detail}: {self.install}"
        return None if found else f"IREE's driver {self.hal_name!r} finds no device: {self.install}"

    def enumerate(self) -> list[DeviceInfo]:
        self.version = described()
        return [self._info(found) for found in self._listing()]

    def create_device(self, info: DeviceInfo | None = None) -> IreeDevice:
        chosen = self.resolve(info)
        device_id = next(f["device_id"] for f in self._listing() if _path_of(f) == chosen.path)
        self._check_room()
        create = hal_driver(self.hal_name).create_device
        native = call("Driver.create_device", create, device_id)
        device = IreeDevice(
            self.name,
            f"{self.name}:{chosen.path}:{next(_numbers)}",
            native,
            async_queue=self.properties.async_queue,
        )
        _devices.add(device)
        return device

    def _check_room(self) -> None:
        limit = self.properties.max_devices
        alive = [d for d in list(_devices) if d.driver_name == self.name and d.reference_count]
        if limit is not None and len(alive) >= limit:
            raise HalError(
                StatusCode.RESOURCE_EXHAUSTED,
                "Driver.create_device",
                f"{len(alive)} devices are alive: max_devices is {limit}",
                driver=self.name,
            )

    def conformance_executable(self, format: str) -> bytes:
        if format != self.kernels:
            return super().conformance_executable(format)
        return compiled(f"kernels.{format}")

    def conformance_program(self, module: Module) -> Program:
        if not self.properties.programs:
            return super().conformance_program(module)
        return IreeProgram(module, self.kernels)

    def _listing(self) -> list[dict[str, Any]]:
        driver = hal_driver(self.hal_name)
        listing: list[dict[str, Any]] = call("Driver.enumerate", driver.query_available_devices)
        return listing

    def _info(self, found: dict[str, Any]) -> DeviceInfo:
        """What IREE lists, as an info."""
        name = f"IREE {self.hal_name}: {found['name']}"
        return DeviceInfo(path=_path_of(found), name=name, obtained_on="hardware")


def _path_of(found: dict[str, Any]) -> str:
    """The path of what IREE lists; the local drivers' only device has a name alone."""
    path: str = found["path"] or found["name"]
    return path


class _LocalDriver(IreeDriver):
    """One that works in host memory."""

    kernels = "vmvx-bytecode-fb"

    def _info(self, found: dict[str, Any]) -> DeviceInfo:
        return replace(super()._info(found), name=f"IREE {self.hal_name}", obtained_on="software")


class IreeLocalSyncDriver(_LocalDriver):
    """Host memory, work done on the caller's thread."""

    name = "iree-local-sync"
    hal_name = "local-sync"
    properties = DriverProperties(
        async_queue=False,
        max_semaphore_value=MAX_SEMAPHORE_VALUE,
        out_of_range="submission",
        queue_out_of_range="submission",
        dealloca_takes_memory=False,
        usage_enforced=False,
        objects_kept_by="adapter",
        executable_formats=(_LocalDriver.kernels,),
        programs=True,
        binding_tables=True,
        unreachable=UNREACHABLE,
    )


class IreeLocalTaskDriver(_LocalDriver):
    """Host memory, work done by a pool of workers."""

    name = "iree-local-task"
    hal_name = "local-task"
    properties = DriverProperties(
        async_queue=True,
        max_semaphore_value=MAX_SEMAPHORE_VALUE,
        out_of_range="recording",
        queue_out_of_range="later",
        usage_enforced=False,
        objects_kept_by="adapter",
        executable_formats=(_LocalDriver.kernels,),
        programs=True,
        binding_tables=True,
        unreachable=UNREACHABLE,
    )


class IreeVulkanDriver(IreeDriver):
    """Vulkan devices."""

    name = "iree-vulkan"
    hal_name = "vulkan"
    install = "apt-get install mesa-vulkan-drivers, or the driver of the GPU's vendor"
    kernels = "vulkan-spirv-fb"
    properties = DriverProperties(
        async_queue=True,
        max_devices=16,  # the adapter's: on a CPU each has nine threads, and takes ever longer
        max_semaphore_value=MAX_SEMAPHORE_VALUE,
        out_of_range="submission",
        queue_out_of_range="submission",
        usage_enforced=True,
        max_allocation=2**31,
        objects_kept_by="adapter",
        executable_formats=(kernels,),
        programs=True,
        binding_tables=True,
        unreachable=UNREACHABLE,
        growth_per_device=128 * 1024,
    )

    def _info(self, found: dict[str, Any]) -> DeviceInfo:
        info = super()._info(found)
        described = call(
            "Driver.enumerate", hal_driver(self.hal_name).dump_device_info, found["device_id"]
        )
        is_software = re.search(r"^type: *cpu$", described, re.MULTILINE)
        return replace(info, obtained_on="software") if is_software else info


class _GpuDriver(IreeDriver):
    """One for a vendor's GPUs. It has met no hardware: what it declares here is assumed."""

    properties = DriverProperties(
        async_queue=True,
        max_semaphore_value=MAX_SEMAPHORE_VALUE,
        out_of_range="submission",
        queue_out_of_range="submission",
        objects_kept_by="adapter",
        binding_tables=True,
        unreachable=UNREACHABLE,
    )


class IreeCudaDriver(_GpuDriver):
    """NVIDIA GPUs."""

    name = "iree-cuda"
    hal_name = "cuda"
    install = "install NVIDIA's driver"
    kernels = "cuda-nvptx-fb"
    properties = replace(_GpuDriver.properties, executable_formats=(kernels,))


class IreeHipDriver(_GpuDriver):
    """AMD GPUs. Device code for them is made for one of them, so that there are no kernels here."""

    name = "iree-hip"
    hal_name = "hip"
    install = "install AMD's ROCm"
