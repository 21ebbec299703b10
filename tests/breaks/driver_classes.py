"""The classes of the driver that most breaks are tried on, and one way to break a method."""

from __future__ import annotations

from typing import Any

from cts.hal import DeviceGroup, HalError, StatusCode
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


def swallow(cls: Any, name: str, code: StatusCode, answer: Any = None) -> None:
    """A method answers instead of raising one code."""
    method = getattr(cls, name)

    def quiet(self: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return method(self, *args, **kwargs)
        except HalError as error:
            if error.code is not code:
                raise
            for semaphore, value in kwargs.get("signal", ()):
                semaphore.signal(value)
            return answer

    setattr(cls, name, quiet)
