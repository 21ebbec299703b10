"""How devices are found and created: there is one physical device, the host itself."""

from __future__ import annotations

from itertools import count

import numpy as np

from cts.hal import DeviceInfo, Driver, DriverProperties

from .._host import HOST_INFO
from .device import LocalSyncDevice

_numbers = count()


class LocalSyncDriver(Driver):
    """A driver that needs nothing but numpy, and whose devices are all the host's memory.

    A submission whose waits are not reached blocks its caller until another thread signals them.
    """

    name = "local-sync"
    native = False
    properties = DriverProperties(
        async_queue=False,
        out_of_range="recording",
        usage_enforced=True,
    )
    version = f"numpy {np.__version__}"

    def enumerate(self) -> list[DeviceInfo]:
        return [HOST_INFO]

    def create_device(self, info: DeviceInfo | None = None) -> LocalSyncDevice:
        self.resolve(info)
        return LocalSyncDevice(f"local-sync:{next(_numbers)}", self.properties)
