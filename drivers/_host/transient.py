"""Queue-allocated buffers: memory that comes and goes in the order of the queue.

`Device.queue_alloca` gives the buffer at once, to be named in what is submitted next, and its
memory when its turn has come; `Device.queue_dealloca` takes the memory back in its turn, whoever
still has the buffer.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import numpy as np

from cts.hal import Buffer, HalError, StatusCode

from .._common.arguments import as_int, as_object, refusal
from .memory import HostBuffer

if TYPE_CHECKING:
    from .device import HostDevice


class TransientBuffer(HostBuffer):
    """A buffer without memory, but for the time between its allocation and its deallocation."""

    def __init__(self, device: HostDevice, size: int) -> None:
        super().__init__(device, np.empty(0, np.uint8))
        self._byte_length = size
        self._contents = None
        self._is_over = False
        self._lock = threading.Lock()

    def commit(self) -> None:
        """Takes the memory. Raises RESOURCE_EXHAUSTED where there is not enough."""
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
        """Gives the memory back. Raises FAILED_PRECONDITION where that was done already."""
        with self._lock:
            self.check_not_over("Device.queue_dealloca")
            self._is_over = True
            self._contents = None

    def check_not_over(self, operation: str) -> None:
        """Raises FAILED_PRECONDITION once the memory was given back."""
        if self._is_over:
            raise HalError(
                StatusCode.FAILED_PRECONDITION, operation, "the buffer was deallocated already"
            )


def allocated(operation: str, device: HostDevice, size: int) -> TransientBuffer:
    """A buffer of a checked size, its memory still to come."""
    size = as_int(operation, "size", size)
    if size < 0:
        raise refusal(operation, f"size is {size}: it is at least 0")
    return TransientBuffer(device, size)


def deallocatable(operation: str, buffer: Buffer, domain: str) -> TransientBuffer:
    """A living buffer of this driver that a queue has allocated, and none has deallocated."""
    known = as_object(operation, "buffer", buffer, HostBuffer, domain)
    if not isinstance(known, TransientBuffer):
        raise refusal(operation, "buffer comes from an allocator: its release gives it back")
    known.check_not_over(operation)
    return known
