"""How devices are created."""

from __future__ import annotations

from itertools import count

from cts.hal import DeviceInfo, DriverProperties

from .._host import EXECUTABLE_FORMAT, HostDriver
from .device import LocalTaskDevice

_numbers = count()


class LocalTaskDriver(HostDriver):
    """A driver that needs nothing but numpy, with queues that work on threads of their own."""

    name = "local-task"
    properties = DriverProperties(
        async_queue=True,
        out_of_range="recording",
        usage_enforced=True,
        executable_formats=(EXECUTABLE_FORMAT,),
        binding_tables=True,
        programs=True,
        provokes_loss=True,
    )

    def create_device(self, info: DeviceInfo | None = None) -> LocalTaskDevice:
        self.resolve(info)
        return LocalTaskDevice(f"local-task:{next(_numbers)}", self.properties)
