"""The classes that mutants change, and ways to change one."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from cts.hal import BufferUsage, Device, DeviceGroup, HalError, Module, StatusCode
from cts.registry import load

from .registry import DEFAULT_DRIVER


def driver_class(driver: str = DEFAULT_DRIVER) -> Any:
    """The driver's class."""
    return load(driver)


def device_class(driver: str = DEFAULT_DRIVER) -> Any:
    """Its device's class."""
    with _device_of(driver) as device:
        return type(device)


def maker_class(driver: str = DEFAULT_DRIVER) -> Any:
    """The class of what checks arguments and makes a device's work of them."""
    with _device_of(driver) as device:
        return type(device._maker)  # type: ignore[attr-defined]


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


def timeline_class(driver: str = DEFAULT_DRIVER) -> Any:
    """The class of what a semaphore of host memory is over."""
    with _device_of(driver) as device, device.create_semaphore() as semaphore:
        return type(semaphore.timeline)  # type: ignore[attr-defined]


def command_buffer_class(driver: str = DEFAULT_DRIVER) -> Any:
    """Its command buffer's class."""
    with _device_of(driver) as device, device.create_command_buffer() as commands:
        return type(commands)


def program_class(driver: str = DEFAULT_DRIVER) -> Any:
    """Its programs' class."""
    with (
        load(driver)() as found,
        found.create_device() as device,
        DeviceGroup.from_device(device) as group,
        Module(group) as module,
        found.conformance_program(module) as program,
    ):
        return type(program)


def executable_class(driver: str = DEFAULT_DRIVER) -> Any:
    """The class of executables."""
    with driver_class(driver)() as found, found.create_device() as device:
        format = found.properties.executable_formats[0]
        code = found.conformance_executable(format)
        with DeviceGroup.from_device(device), device.create_executable(format, code) as made:
            return type(made)


@contextmanager
def _device_of(driver: str) -> Iterator[Device]:
    """A device in a group, as work asks for one."""
    with (
        driver_class(driver)() as found,
        found.create_device() as device,
        DeviceGroup.from_device(device),
    ):
        yield device


def change(cls: Any, name: str, changed: Callable[..., Any]) -> None:
    """Has a method, or a property, answered by `changed`: it gets the good one before `self`."""
    member = vars(cls).get(name) or getattr(cls, name)
    good: Any = member.fget if isinstance(member, property) else member

    @functools.wraps(good)
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        return changed(good, self, *args, **kwargs)

    setattr(cls, name, property(method) if isinstance(member, property) else method)


def declare(driver: str = DEFAULT_DRIVER, **properties: Any) -> None:
    """Has a driver declare these `DriverProperties`, whatever it does."""
    cls = driver_class(driver)
    cls.properties = dataclasses.replace(cls.properties, **properties)


def change_operations(changed: Callable[[Any], Any], driver: str = DEFAULT_DRIVER) -> None:
    """Has a driver of the host's memory carry out `changed(operation)` for each submission."""
    change(
        device_class(driver),
        "_submit",
        lambda good, self, operation: good(self, changed(operation)),
    )


def overlook_usage(overlooked: BufferUsage, driver: str = DEFAULT_DRIVER) -> None:
    """Has a use go unrefused that a buffer was not allocated for."""

    def check(good: Any, self: Any, operation: str, needed: BufferUsage) -> None:
        if needed is not overlooked:
            good(self, operation, needed)

    change(buffer_class(driver), "check_usage", check)


def swallow(cls: Any, name: str, code: StatusCode, answer: Any = None) -> None:
    """A method answers instead of raising one code; what it was to signal is signalled."""

    def quiet(method: Any, self: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return method(self, *args, **kwargs)
        except HalError as error:
            if error.code is not code:
                raise
            for semaphore, value in kwargs.get("signal", ()):
                semaphore.signal(value)
            return answer

    change(cls, name, quiet)


def after_init(cls: Any, action: Callable[[Any], object]) -> None:
    """`action` runs on each new instance."""

    def changed(init: Any, self: Any, *args: Any, **kwargs: Any) -> None:
        init(self, *args, **kwargs)
        action(self)

    change(cls, "__init__", changed)
