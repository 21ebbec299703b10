"""How devices are found and created.

To write a driver, copy this folder, rename what is called null, and go from top to bottom:

1. `available`: tell what is missing on a machine that cannot run it, and what to install;
2. `enumerate` and `create_device`: the physical devices there are, and logical ones of them;
3. `NullDevice` (device.py): the slots. Once the work slots are there too, `work=False` goes.

Import nothing of a vendor at the top of a module: the driver may never be selected.
"""

from __future__ import annotations

from itertools import count

from cts.hal import DeviceInfo, Driver, DriverProperties, HalError

from .device import NullDevice

_INFO = DeviceInfo(path="null", name="nothing", obtained_on="software")
_numbers = count()


class NullDriver(Driver):
    """A driver of devices that can be in a group, and do nothing."""

    name = "null"
    native = False  # true where a library underneath has error codes of its own
    properties = DriverProperties(work=False)

    def available(self) -> HalError | None:
        return None

    def enumerate(self) -> list[DeviceInfo]:
        return [_INFO]

    def create_device(self, info: DeviceInfo | None = None) -> NullDevice:
        self.resolve(info)
        return NullDevice(f"null:{next(_numbers)}")
