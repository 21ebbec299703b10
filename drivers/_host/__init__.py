"""Devices over host memory: what local-sync and local-task have in common.

Buffers are numpy arrays of bytes, semaphores are timelines under a condition variable, and a queue
operation is a list of transfers that was checked when it was submitted. When and on which thread
these are carried out is each driver's own: it implements `HostDevice._submit`.
"""

from .device import HOST_CAPABILITIES, HOST_INFO, HostDevice, HostOperation
from .driver import HostDriver
from .executable import FORMAT as EXECUTABLE_FORMAT
from .memory import HostAllocator, HostBuffer
from .semaphore import HostSemaphore
from .transfers import Transfer

__all__ = [
    "EXECUTABLE_FORMAT",
    "HOST_CAPABILITIES",
    "HOST_INFO",
    "HostAllocator",
    "HostBuffer",
    "HostDevice",
    "HostDriver",
    "HostOperation",
    "HostSemaphore",
    "Transfer",
]
