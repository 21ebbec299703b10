"""Drivers by name, as everybody gets them, and groups of their devices."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from types import ModuleType

import pytest

from cts import registry
from cts.hal import Device, DeviceGroupBuilder

GroupedDevices = Callable[[str, int], list[Device]]
DriverModule = Callable[[str, str], ModuleType]


@pytest.fixture
def grouped_devices() -> Iterator[GroupedDevices]:
    """A function of a driver's name and a number: so many devices of it, in one group."""
    with ExitStack() as stack:

        def make(driver: str, count: int) -> list[Device]:
            made = [registry.load(driver)().create_device() for _ in range(count)]
            builder = DeviceGroupBuilder()
            for device in made:
                builder.add_device(device)
            stack.enter_context(builder.finalize())
            for device in made:
                device.release()
            return made

        yield make


@pytest.fixture
def driver_module() -> DriverModule:
    """A function of a driver's name and a module's: that module of the driver's folder."""

    def find(driver: str, name: str) -> ModuleType:
        folder = registry.load(driver).__module__.rpartition(".")[0]
        return importlib.import_module(f"{folder}.{name}")

    return find
