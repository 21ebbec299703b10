"""Queue-allocated buffers over numpy arrays."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import numpy as np

from cts.hal import HalError, StatusCode

from .._common.transient import QueueAllocated
from .memory import HostBuffer

if TYPE_CHECKING:
    from .device import HostDevice


class TransientBuffer(HostBuffer, QueueAllocated):
    """A buffer that has an array between its allocation and its deallocation."""

    def __init__(self, device: HostDevice, size: int) -> None:
        super().__init__(device, np.empty(0, np.uint8))
        self._byte_length = size
        self._contents = None
        self._lock = threading.Lock()

    def commit(self) -> None:
        try:
            contents = np.empty(self.byte_length, np.uint8)
        except (MemoryError, ValueError, OverflowError) as error:  # the last two: no such size
            raise HalError(
                StatusCode.RESOURCE_EXHAUSTED,
                "Device.queue_alloca",
                f"size is {self.byte_length}: {error}",
            ) from error
        with self._lock:
            if not self._is_over:
                self._contents = contents

    def decommit(self) -> None:
        with self._lock:
            self.check_not_over("Device.queue_dealloca")
            self._is_over = True
            self._contents = None
