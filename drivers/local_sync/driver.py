"""How devices are created."""

from __future__ import annotations

from itertools import count

from cts.hal import DeviceInfo, DriverProperties

from .._host import EXECUTABLE_FORMAT, HostDriver
from .device import LocalSyncDevice

_numbers = count()


class LocalSyncDriver(HostDriver):
    """A driver that needs nothing but numpy, and whose devices are all the host's memory.

    A submission whose waits are not reached blocks its caller until another thread signals them.
    """

    name = "local-sync"
    properties = DriverProperties(
        async_queue=False,
        out_of_range="recording",
        usage_enforced=True,
        executable_formats=(EXECUTABLE_FORMAT,),
        binding_tables=True,
        programs=True,
        provokes_loss=True,
    )

    def create_device(self, info: DeviceInfo | None = None) -> LocalSyncDevice:
        self.resolve(info)
        return LocalSyncDevice(f"local-sync:{next(_numbers)}", self.properties)
