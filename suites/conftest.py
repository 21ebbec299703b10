"""What all cases of this package share; benchmarks are collected only when they are named."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cts.checks import unsupported
from cts.hal import Device, DeviceGroup, Driver, Executable, HalError, StatusCode
from cts.work_cases.dispatch import Kernels

BENCHMARKS = Path(__file__).parent / "benchmarks"


@pytest.fixture
def device(device_group: DeviceGroup) -> Device:
    """The first device of the session's group."""
    return device_group.device_at(0)


@pytest.fixture
def peer(device_group: DeviceGroup) -> Device:
    """The second one."""
    if device_group.device_count < 2:
        unsupported("needs a second device")
    return device_group.device_at(1)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Passes the benchmarks over, unless an argument of the command line leads into them."""
    if collection_path != BENCHMARKS:
        return None
    return not any("benchmarks" in argument for argument in config.args) or None


@pytest.fixture
def code(hal_driver: Driver) -> bytes:
    """The kernels of `cts.work_cases.kernels`, in the format that the driver prefers."""
    formats = hal_driver.properties.executable_formats
    if not formats:
        unsupported("the driver declares no format of device code")
    try:
        return hal_driver.conformance_executable(formats[0])
    except HalError as error:
        if error.code is not StatusCode.UNIMPLEMENTED:
            raise
        unsupported(f"the driver has no kernels for the suite: {error}")


@pytest.fixture
def executable(device: Device, hal_driver: Driver, code: bytes) -> Iterator[Executable]:
    """The same, prepared for the device."""
    made = device.create_executable(hal_driver.properties.executable_formats[0], code)
    yield made
    made.release()


@pytest.fixture
def kernels(device: Device, executable: Executable) -> Kernels:
    """The kernels, to be dispatched."""
    return Kernels(device, executable)
