"""A driver of `MockDevice`: for tests of what sits on drivers, and by name only."""

from __future__ import annotations

from itertools import count

from cts.hal import DeviceInfo, Driver, DriverProperties
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
        self.resolve(info)
        return MockDevice(f"mock:{next(_numbers)}", self.name)
