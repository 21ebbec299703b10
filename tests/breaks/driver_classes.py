"""The classes of a driver that breaks are tried on, and one way to break a method."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from cts.hal import Device, DeviceGroup, HalError, StatusCode
from cts.registry import load

DEFAULT_DRIVER = "local-sync"


def driver_class(driver: str = DEFAULT_DRIVER) -> Any:
    """The driver's class."""
    return load(driver)


def device_class(driver: str = DEFAULT_DRIVER) -> Any:
    """Its device's class."""
    with _device_of(driver) as device:
        return type(device)


def allocator_class(driver: str = DEFAULT_DRIVER) -> Any:
    """Its allocator's class."""
    with _device_of(driver) as device:
        return type(device.allocator)


def buffer_class(driver: str = DEFAULT_DRIVER) -> Any:
    """Its buffer's class."""
    with _device_of(driver) as device, device.allocator.allocate(1) as buffer:
        return type(buffer)


def semaphore_class(driver: str = DEFAULT_DRIVER) -> Any:
    """Its semaphore's class."""
    with _device_of(driver) as device, device.create_semaphore() as semaphore:
        return type(semaphore)


@contextmanager
def _device_of(driver: str) -> Iterator[Device]:
    """A device in a group, as work asks for one."""
    with (
        driver_class(driver)() as found,
        found.create_device() as device,
        DeviceGroup.from_device(device),
    ):
        yield device


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
