"""The drivers over streams, each on its stand-in, in a process of its own: how calls are made to
fail there, and which of them need what."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from cts import registry
from cts.hal import Device, DeviceGroup, DeviceGroupBuilder, DeviceInfo, Driver, HalError

LIBRARIES = {
    "cuda": ("LD_LIBRARY_PATH", "libcuda.so.1"),
    "hip": ("ROCM_PATH", "lib/libamdhip64.so"),
    "amdgpu": ("LD_LIBRARY_PATH", "libhsa-runtime64.so.1"),
}
"""What leads to a stand-in, and where it is from there."""
OUT_OF_MEMORY = {"cuda": 2, "hip": 2, "amdgpu": 0x1008}
PEER_ACCESS_UNSUPPORTED = {"cuda": 217, "hip": 217, "amdgpu": 0x1001}
FAILED = {"cuda": 719, "hip": 719, "amdgpu": 0x1016}
"""The codes that are injected."""

ALLOCATE, COPY = "hsa_amd_memory_pool_allocate", "hsa_amd_memory_async_copy"
NEEDING_MEMORY = {
    "cuda": {
        "allocate": "cuMemAllocManaged",
        "of the device": "cuMemAlloc",
        "of the host": "cuMemHostAlloc",
        "to share": "cuMemCreate",
        "to map": "cuMemMap",
        "by name": "cuMemHostRegister",
        "in the queue": "cuMemAllocFromPoolAsync",
        "update": "cuMemHostAlloc",
        "fill": "cuMemsetD16Async",
        "load": "cuModuleLoadData",
        "launch": "cuLaunchKernel",
    },
    "hip": {
        "allocate": "hipMallocManaged",
        "of the device": "hipMalloc",
        "of the host": "hipHostMalloc",
        "to share": "hipMemCreate",
        "to map": "hipMemMap",
        "by name": "hipHostRegister",
        "in the queue": "hipMallocFromPoolAsync",
        "update": "hipHostMalloc",
        "fill": "hipMemsetD16Async",
        "load": "hipModuleLoadData",
        "launch": "hipModuleLaunchKernel",
    },
    "amdgpu": {
        "allocate": ALLOCATE,
        "of the device": ALLOCATE,
        "to let peers use": "hsa_amd_agents_allow_access",
        "of the host": ALLOCATE,
        "for other drivers": ALLOCATE,
        "by name": "hsa_amd_memory_lock",
        "in the queue": ALLOCATE,
        "update": ALLOCATE,
        "fill": COPY,
        "load": "hsa_executable_load_agent_code_object",
        "look up": "hsa_executable_get_symbol_by_name",
    },
}
"""What needs memory, and the call of each vendor's that has none."""


class Subject:
    """A driver on its stand-in.

    Attributes
    ----------
    driver, infos : the driver, and the devices that are used.
    """

    def __init__(self, name: str, count: int = 2) -> None:
        self.driver: Driver = registry.load(name)()
        self.infos: list[DeviceInfo] = self.driver.enumerate()[:count]
        self.driver.select(self.infos)
        variable, library = LIBRARIES[name]
        folder = os.environ[variable].split(":")[0]
        self._set = ctypes.CDLL(str(Path(folder, library))).hal_cts_stand_in_set

    @contextmanager
    def failing(self, code: int, *calls: str) -> Iterator[None]:
        """Has calls fail within the block."""
        self._set(",".join(f"{call}={code}" for call in calls).encode(), b"")
        try:
            yield
        finally:
            self._set(b"", b"")

    @contextmanager
    def group(self, *numbers: int) -> Iterator[list[Device]]:
        """Devices of these numbers in a group, which end with the block."""
        devices = [self.driver.create_device(self.infos[number]) for number in numbers]
        builder = DeviceGroupBuilder()
        for device in devices:
            builder.add_device(device)
        group: DeviceGroup = builder.finalize()
        yield devices
        for resource in (group, *devices):
            resource.release()

    def works(self, number: int = 0) -> str:
        """Whether a new device does."""
        with self.group(number) as (device,):
            return told(lambda: fill_and_check(device))


def told(action: Callable[[], object]) -> str:
    """The code that an action is refused with, and the native one; or that it is done."""
    try:
        action()
    except HalError as error:
        return f"{error.code.name} {error.native_code}" if error.native_code else error.code.name
    return "done"


def fill_and_check(device: Device) -> None:
    """Fills a new buffer."""
    with device.allocator.allocate(64) as buffer, device.create_semaphore() as line:
        device.queue_fill(buffer, 2, 60, b"\x77\x66", signal=[(line, 1)])
        line.wait(1)
        assert buffer.read(2, 60) == b"\x77\x66" * 30
