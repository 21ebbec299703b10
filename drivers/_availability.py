"""Drivers that can tell what is missing on this machine, and do not drive anything yet.

Such a driver subclasses `FindingDriver` and implements `missing`: the reason why there is no such
backend here and what to install, or none where everything is there. Only absence is answered so; a
library that is there and misbehaves is a failure with its own error code, not an absence.
"""

from __future__ import annotations

import ctypes
import importlib.util
from typing import NoReturn

from cts.hal import Device, DeviceInfo, Driver, HalError, StatusCode

NOT_DRIVEN_YET = "this version of the driver can find the backend but not drive it yet"


class FindingDriver(Driver):
    """Says honestly why none of its devices can be had."""

    def missing(self) -> str | None:
        """What is missing here and how to get it, or none. Raises a backend's own failure."""
        return None

    def available(self) -> HalError | None:
        reason = self.missing() or NOT_DRIVEN_YET
        return HalError(StatusCode.UNAVAILABLE, "Driver.available", reason, driver=self.name)

    def enumerate(self) -> list[DeviceInfo]:
        self._refuse("Driver.enumerate")

    def create_device(self, info: DeviceInfo | None = None) -> Device:
        self._refuse("Driver.create_device")

    def _refuse(self, operation: str) -> NoReturn:
        reason = self.missing() or NOT_DRIVEN_YET
        raise HalError(StatusCode.UNAVAILABLE, operation, reason, driver=self.name)


def load_library(*names: str) -> ctypes.CDLL | None:
    """The first of these shared libraries that can be loaded, or none."""
    for name in names:
        try:
            return ctypes.CDLL(name)
        except OSError:  # not there under this name: the next one, or the caller says so
            continue
    return None


def has_package(name: str) -> bool:
    """Whether a Python package is installed; it is not imported."""
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:  # a package that it would be in is not there
        return False


def native_failure(driver: Driver, call: str, code: int) -> HalError:
    """The error of a native call that failed with anything but absence."""
    return HalError(
        StatusCode.INTERNAL,
        "Driver.available",
        f"{call} failed",
        driver=driver.name,
        native_code=code,
    )
