"""The device: its queue works on the caller's thread."""

from __future__ import annotations

from .._host import HostDevice, HostOperation
from .submission import carry_out


class LocalSyncDevice(HostDevice):
    """A device over host memory; a queue operation is done when its call returns."""

    driver_name = "local-sync"

    def _submit(self, operation: HostOperation) -> None:
        with self.retain():  # another thread may drop the last reference meanwhile
            carry_out(self, operation)
