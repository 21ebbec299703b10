"""How devices are found and created: there is one physical device, the host itself."""

from __future__ import annotations

from itertools import count

import numpy as np

from cts.hal import DeviceInfo, Driver, DriverProperties

from .._host import HOST_INFO
from .device import LocalTaskDevice

_numbers = count()


class LocalTaskDriver(Driver):
    """A driver that needs nothing but numpy, with queues that work on threads of their own."""

    name = "local-task"
    native = False
    properties = DriverProperties(
        async_queue=True,
        out_of_range="recording",
        usage_enforced=True,
    )
    version = f"numpy {np.__version__}"

    def enumerate(self) -> list[DeviceInfo]:
        return [HOST_INFO]

    def create_device(self, info: DeviceInfo | None = None) -> LocalTaskDevice:
        self.resolve(info)
        return LocalTaskDevice(f"local-task:{next(_numbers)}", self.properties)
