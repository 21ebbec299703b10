"""IREE's drivers by name: those that are adapted, and those that say that they are not yet."""

from __future__ import annotations

import importlib
from itertools import count
from typing import ClassVar

from cts.hal import DeviceInfo, Driver, DriverProperties, HalError, StatusCode

from .._availability import FindingDriver, has_package
from .device import IreeDevice
from .native import call, hal_driver, runtime

INSTALL = "pip install 'hal-cts[iree]'"

MAX_SEMAPHORE_VALUE = 2**31 - 2
"""IREE_HAL_SEMAPHORE_MAX_VALUE, which IREE's documentation asks callers to stay below or at."""

_numbers = count()


def _missing_wheel() -> str | None:
    if has_package("iree.runtime"):
        return None
    return f"IREE's runtime is not installed: {INSTALL}"


class IreeDriver(Driver):
    """One of IREE's HAL drivers; a subclass names it."""

    hal_name: ClassVar[str]
    """The driver's name in IREE."""

    def available(self) -> HalError | None:
        reason = _missing_wheel()
        if reason is None and self.hal_name not in runtime().HalDriver.query():
            reason = f"this build of IREE's runtime has no driver {self.hal_name!r}"
        if reason is None:
            return None
        return HalError(StatusCode.UNAVAILABLE, "Driver.available", reason, driver=self.name)

    def enumerate(self) -> list[DeviceInfo]:
        version = importlib.import_module("iree.runtime.version")
        self.version = f"iree-base-runtime {version.VERSION}"
        return [self._info(found) for found in self._listing()]

    def create_device(self, info: DeviceInfo | None = None) -> IreeDevice:
        chosen = self.resolve(info)
        device_id = next(f["device_id"] for f in self._listing() if self._info(f) == chosen)
        create = hal_driver(self.hal_name).create_device
        native = call("Driver.create_device", create, device_id)
        return IreeDevice(self.name, f"{self.name}:{chosen.path}:{next(_numbers)}", native)

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
        usage_enforced=False,
        objects_kept_by="adapter",
    )


class _NotAdapted(FindingDriver):
    """A driver of IREE's that the adapter does not drive yet."""

    def missing(self) -> str | None:
        return _missing_wheel() or (
            f"IREE's driver {self.name.removeprefix('iree-')!r} is not adapted yet in this version"
        )


class IreeLocalTaskDriver(_NotAdapted):
    """Host memory, a pool of workers."""

    name = "iree-local-task"


class IreeVulkanDriver(_NotAdapted):
    """Vulkan devices."""

    name = "iree-vulkan"


class IreeCudaDriver(_NotAdapted):
    """NVIDIA GPUs."""

    name = "iree-cuda"


class IreeHipDriver(_NotAdapted):
    """AMD GPUs."""

    name = "iree-hip"
