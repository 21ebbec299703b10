"""The wheel that the adapter is written for: whether it is here, and is the one.

What shows only over a device, the functions of the HAL module, `hal_module` looks at.
"""

from __future__ import annotations

import importlib
from importlib.metadata import PackageNotFoundError, version
from operator import attrgetter
from types import ModuleType

from packaging.version import Version

from .._availability import has_package

PACKAGE = "iree.runtime"
WHEEL = "iree-base-runtime"
OLDEST = "3.13"
"""Version of the wheel; the extra ``iree`` asks for the same."""
INSTALL = "pip install 'hal-cts[iree]'"

USED_NAMES = (
    *("BufferUsage", "MemoryType"),
    *("HalBuffer", "HalCommandBuffer", "HalDriver", "HalFence"),
    *("VmBuffer", "VmContext", "VmInstance", "VmModule", "VmVariantList"),
    *("create_hal_module", "_binding.create_hal_driver", "_binding.disable_leak_checker"),
)
"""What the adapter uses of `PACKAGE`."""


def not_installed() -> str | None:
    """Why there is no wheel of the right age and what to install, or none; nothing is imported."""
    if not has_package(PACKAGE):
        return f"IREE's runtime is not installed: {INSTALL}"
    try:
        found = version(WHEEL)
    except PackageNotFoundError:  # a runtime that came without the wheel, such as a build tree
        return None
    if Version(found) < Version(OLDEST):
        return f"{WHEEL} is {found}, and {OLDEST} is needed: {INSTALL}"
    return None


def incomplete() -> str | None:
    """What the wheel that is installed lacks of what is used, or none. Imports it."""
    package = importlib.import_module(PACKAGE)
    lacking = [name for name in USED_NAMES if not _has(package, name)]
    if not lacking:
        return None
    return f"{described()} has no {', no '.join(lacking)}: {INSTALL}"


def _has(package: ModuleType, name: str) -> bool:
    try:
        attrgetter(name)(package)
    except AttributeError:
        return False
    return True


def described() -> str:
    """The wheel, and which version of the runtime is in it."""
    return f"{WHEEL} {importlib.import_module(f'{PACKAGE}.version').VERSION}"
