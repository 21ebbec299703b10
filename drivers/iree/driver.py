"""IREE's drivers by name: those that are adapted, and those that say that they are not yet."""

from __future__ import annotations

from itertools import count
from typing import ClassVar

from cts.hal import DeviceInfo, Driver, DriverProperties, HalError, StatusCode

from .._availability import FindingDriver
from .device import IreeDevice
from .native import call, hal_driver, runtime
from .wheel import described, incomplete, not_installed

MAX_SEMAPHORE_VALUE = 2**31 - 2
"""IREE_HAL_SEMAPHORE_MAX_VALUE, which IREE's documentation asks callers to stay below or at."""

UNREACHABLE = (
    "queue_host_call",
    "export_buffer",
    "query_semaphore_compatibility",
    "create_event",
)
"""What both local drivers have in C, and neither the binding nor the HAL module gives a way to."""

_numbers = count()


class IreeDriver(Driver):
    """One of IREE's HAL drivers; a subclass names it."""

    hal_name: ClassVar[str]
    """The driver's name in IREE."""

    def available(self) -> HalError | None:
        reason = not_installed() or incomplete()
        if reason is None and self.hal_name not in runtime().HalDriver.query():
            reason = f"this build of IREE's runtime has no driver {self.hal_name!r}"
        if reason is None:
            return None
        return HalError(StatusCode.UNAVAILABLE, "Driver.available", reason, driver=self.name)

    def enumerate(self) -> list[DeviceInfo]:
        self.version = described()
        return [self._info(found) for found in self._listing()]

    def create_device(self, info: DeviceInfo | None = None) -> IreeDevice:
        chosen = self.resolve(info)
        device_id = next(f["device_id"] for f in self._listing() if self._info(f) == chosen)
        create = hal_driver(self.hal_name).create_device
        native = call("Driver.create_device", create, device_id)
        return IreeDevice(
            self.name,
            f"{self.name}:{chosen.path}:{next(_numbers)}",
            native,
            async_queue=self.properties.async_queue,
        )

    def _listing(self) -> list[dict[str, str]]:
        driver = hal_driver(self.hal_name)
        listing: list[dict[str, str]] = call("Driver.enumerate", driver.query_available_devices)
        return listing

    def _info(self, found: dict[str, str]) -> DeviceInfo:
        # The local drivers' only device has no path.
        path = found["path"] or found["name"]
        return DeviceInfo(path=path, name=f"IREE {self.hal_name}", obtained_on="software")


class IreeLocalSyncDriver(IreeDriver):
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
        unreachable=UNREACHABLE,
    )


class IreeLocalTaskDriver(IreeDriver):
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
        unreachable=UNREACHABLE,
    )


class _NotAdapted(FindingDriver):
    """A driver of IREE's that the adapter does not drive yet."""

    def missing(self) -> str | None:
        return not_installed() or (
            f"IREE's driver {self.name.removeprefix('iree-')!r} is not adapted yet in this version"
        )


class IreeVulkanDriver(_NotAdapted):
    """Vulkan devices."""

    name = "iree-vulkan"


class IreeCudaDriver(_NotAdapted):
    """NVIDIA GPUs."""

    name = "iree-cuda"


class IreeHipDriver(_NotAdapted):
    """AMD GPUs."""

    name = "iree-hip"
