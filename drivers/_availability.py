"""How a driver finds out what is missing on this machine.

Only absence makes a driver unavailable; a library that is there and misbehaves is a failure with
its own error code, not an absence.
"""

from __future__ import annotations

import ctypes
import importlib.util

from cts.hal import Driver, HalError, StatusCode


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
