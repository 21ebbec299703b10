"""The classes of the driver that most breaks are tried on."""

from __future__ import annotations

from typing import Any

from cts.hal import DeviceGroup
from cts.registry import load


def driver_class() -> Any:
    """The driver's class."""
    return load("local-sync")


def device_class() -> Any:
    """Its device's class."""
    with driver_class()().create_device() as device:
        return type(device)


def buffer_class() -> Any:
    """Its buffer's class."""
    device = driver_class()().create_device()
    with device, DeviceGroup.from_device(device), device.allocator.allocate(1) as buffer:
        return type(buffer)


def semaphore_class() -> Any:
    """Its semaphore's class."""
    device = driver_class()().create_device()
    with device, DeviceGroup.from_device(device), device.create_semaphore() as semaphore:
        return type(semaphore)
