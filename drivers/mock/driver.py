"""A driver of `MockDevice`: for tests of what sits on drivers, and by name only."""

from __future__ import annotations

from itertools import count

from cts.hal import DeviceInfo, Driver, DriverProperties, HalError, StatusCode
from cts.hal.testing import MockDevice

_INFO = DeviceInfo(path="mock", name="mock", obtained_on="software")
_numbers = count()


class MockDriver(Driver):
    """A driver of devices with the core slots, each controllable at any of them."""

    name = "mock"
    native = False
    properties = DriverProperties(work=False)

    def enumerate(self) -> list[DeviceInfo]:
        return [_INFO]

    def create_device(self, info: DeviceInfo | None = None) -> MockDevice:
        if info is not None and info not in self.enumerate():
            raise HalError(
                StatusCode.NOT_FOUND,
                "Driver.create_device",
                f"there is no device {info.path!r}: the only one is {_INFO.path!r}",
                driver=self.name,
            )
        return MockDevice(f"mock:{next(_numbers)}", self.name)
