"""What scenarios have in common: the driver, its devices, and what becomes of what they do."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from cts import registry
from cts.hal import Device, DeviceGroup, DeviceGroupBuilder, Driver, HalError, live_counts

FORMAT = "hal-cts-spirv"


def make_driver() -> Driver:
    """The driver, with what it finds selected."""
    driver = registry.load("vulkan")()
    driver.select(driver.enumerate()[:1])
    return driver


@contextmanager
def group_of(driver: Driver, count: int) -> Iterator[list[Device]]:
    """So many devices in a group, which end with the block."""
    devices = [driver.create_device() for _ in range(count)]
    builder = DeviceGroupBuilder()
    for device in devices:
        builder.add_device(device)
    group: DeviceGroup = builder.finalize()
    yield devices
    for resource in (group, *devices):
        resource.release()


@contextmanager
def failing(result: int, *calls: str) -> Iterator[None]:
    """Has Vulkan functions fail within the block."""
    os.environ["FAKE_FAIL"] = ",".join(f"{call}={result}" for call in calls)
    try:
        yield
    finally:
        del os.environ["FAKE_FAIL"]


def told(action: Callable[[], object]) -> str:
    """The code that an action is refused with, or that it is done."""
    try:
        action()
    except HalError as error:
        return error.code.name
    return "done"


def said(action: Callable[[], object]) -> str:
    """The same with all that the error says."""
    try:
        action()
    except HalError as error:
        return str(error)
    return "done"


def works(driver: Driver) -> str:
    """Whether a new device does."""
    with group_of(driver, 1) as (device,):
        return told(lambda: fill_and_check(device))


def fill_and_check(device: Device) -> None:
    """Fills a new buffer, part of its words too."""
    with device.allocator.allocate(64) as buffer, device.create_semaphore() as line:
        device.queue_fill(buffer, 1, 62, b"\x77", signal=[(line, 1)])
        line.wait(1)
        assert buffer.read(1, 62) == b"\x77" * 62


def alive() -> dict[str, int]:
    """Objects that are there, by type."""
    return {name: n for name, n in live_counts().items() if n}
