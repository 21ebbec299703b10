"""How the loader's devices are found and made."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from itertools import count

from cts.hal import Device, DeviceInfo, Driver, DriverProperties, HalError, StatusCode

from .._common.arguments import refusal
from .archive import FORMAT, conformance_archive
from .bare import BareVulkan
from .device import VulkanDevice
from .instance import Instance
from .native import NULL, struct
from .physical_device import PhysicalDevice
from .queue import new_timeline

LARGEST_PAYLOAD = 2**63 - 1
LOSES_BY_REWINDING = "lavapipe"
"""The implementation that loses a device whose timeline is signalled backwards."""
REWINDING = "VUID-VkSemaphoreSignalInfo-value-03258"
"""What the validation layer says to that."""

_numbers = count()


class VulkanDriver(Driver):
    """Compute devices of whatever implementations the Vulkan loader has."""

    name = "vulkan"
    properties = DriverProperties(
        link_information=True,
        async_queue=True,
        out_of_range="recording",
        usage_enforced=True,
        executable_formats=(FORMAT,),
        binding_tables=True,
        max_semaphore_value=LARGEST_PAYLOAD,
    )

    def __init__(self) -> None:
        self._instance: Instance | None = None
        self._report: Callable[[str], None] | None = None
        self._found: dict[DeviceInfo, PhysicalDevice] = {}

    def available(self) -> HalError | None:
        try:
            self._physical_devices()
        except HalError as error:
            if error.code is StatusCode.UNAVAILABLE:
                return error
            raise
        return None

    def enumerate(self) -> list[DeviceInfo]:
        return list(self._physical_devices())

    def select(self, infos: Sequence[DeviceInfo]) -> None:
        physical = [self._physical_devices()[info] for info in infos]
        jumps = [int(p.timeline.maxTimelineSemaphoreValueDifference) for p in physical]
        self.properties = dataclasses.replace(
            type(self).properties,
            max_allocation=min(p.max_allocation for p in physical),
            max_semaphore_jump=min(jumps) if min(jumps) < LARGEST_PAYLOAD else None,
            binding_alignment=max(int(p.limits.minStorageBufferOffsetAlignment) for p in physical),
            import_alignment=max(_import_alignment(p) for p in physical),
            provokes_loss=all(p.implementation.startswith(LOSES_BY_REWINDING) for p in physical),
        )
        self.version = infos[0].implementation

    def create_device(self, info: DeviceInfo | None = None) -> VulkanDevice:
        info = self.resolve(info)
        physical = self._physical_devices()[info]
        assert self._instance is not None
        jump = int(physical.timeline.maxTimelineSemaphoreValueDifference)
        limits = LARGEST_PAYLOAD, jump if jump < LARGEST_PAYLOAD else None
        return VulkanDevice(f"vulkan:{next(_numbers)}", self._instance, physical, limits)

    def conformance_executable(self, format: str) -> bytes:
        return conformance_archive() if format == FORMAT else super().conformance_executable(format)

    def validate(self, report: Callable[[str], None]) -> None:
        self.close()
        self._report = report
        self._open()

    def bare(self) -> BareVulkan:
        physical = self._physical_devices()[self.enumerate()[0]]
        return BareVulkan(self._open().loader, physical)

    def provoke_loss(self, device: Device) -> None:
        """Signals a timeline backwards, which lavapipe answers with VK_ERROR_DEVICE_LOST."""
        operation = "Driver.provoke_loss"
        if not isinstance(device, VulkanDevice):
            raise refusal(operation, f"device is {device!r}: it is one of {self.name}")
        device._check_usable(operation)
        native = device.native
        line = new_timeline(native, operation, 2)
        info = struct("VkSemaphoreSignalInfo", semaphore=line, value=1)
        try:
            with self._open().expecting(REWINDING):
                result = native.loader.vkSignalSemaphore(native.handle, info)
            device.queue.check(operation, "vkSignalSemaphore", result)
        except HalError as error:
            if error.native_code != "VK_ERROR_DEVICE_LOST":
                raise
        else:
            raise self._unimplemented("provoke_loss", "the implementation keeps its device")
        finally:
            native.loader.vkDestroySemaphore(native.handle, line, NULL)

    def close(self) -> None:
        self._found.clear()
        instance, self._instance = self._instance, None
        if instance is not None:
            instance.drop_user()

    def _open(self) -> Instance:
        if self._instance is None:
            self._instance = Instance(self._report)
        return self._instance

    def _physical_devices(self) -> dict[DeviceInfo, PhysicalDevice]:
        """By what they are enumerated as, in the loader's order."""
        if not self._found:
            instance = self._open()
            for physical in instance.physical_devices():
                self._found.setdefault(physical.info, physical)
        return self._found


def _import_alignment(physical: PhysicalDevice) -> int:
    return max(int(physical.host_memory.minImportedHostPointerAlignment), 1)
