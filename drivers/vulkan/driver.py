"""How the loader's devices are found and made.

What needs cffi is imported where it is first needed: without the package the driver is there and
says what is missing.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from itertools import count
from typing import TYPE_CHECKING

from cts.hal import Device, DeviceInfo, Driver, DriverProperties, HalError, StatusCode

from .._availability import has_package
from .archive import FORMAT, conformance_archive

if TYPE_CHECKING:
    from .bare import BareVulkan
    from .device import VulkanDevice
    from .instance import Instance
    from .physical_device import PhysicalDevice

CFFI = "_cffi_backend"
INSTALL_CFFI = "pip install 'hal-cts[vulkan]'"
LARGEST_PAYLOAD = 2**63 - 1

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
        from .rewinding import LOST_BY_IT

        physical = [self._physical_devices()[info] for info in infos]
        self.properties = dataclasses.replace(
            type(self).properties,
            max_allocation=min(p.max_allocation for p in physical),
            max_semaphore_jump=min(
                (jump for p in physical if (jump := _largest_jump(p)) is not None), default=None
            ),
            binding_alignment=max(int(p.limits.minStorageBufferOffsetAlignment) for p in physical),
            import_alignment=max(p.import_alignment for p in physical),
            provokes_loss=all(p.implementation.startswith(LOST_BY_IT) for p in physical),
        )

    def create_device(self, info: DeviceInfo | None = None) -> VulkanDevice:
        from .device import VulkanDevice

        physical = self._physical_devices()[self.resolve(info)]
        limits = LARGEST_PAYLOAD, _largest_jump(physical)
        return VulkanDevice(f"vulkan:{next(_numbers)}", self._open(), physical, limits)

    def conformance_executable(self, format: str) -> bytes:
        return conformance_archive() if format == FORMAT else super().conformance_executable(format)

    def validate(self, report: Callable[[str], None]) -> None:
        self.close()
        self._report = report
        self._open()

    def bare(self, info: DeviceInfo) -> BareVulkan:
        from .bare import BareVulkan

        return BareVulkan(self._open().loader, self._physical_devices()[info])

    def provoke_loss(self, device: Device) -> None:
        from .rewinding import lose

        lose(device)

    def close(self) -> None:
        self._found.clear()
        instance, self._instance = self._instance, None
        if instance is not None:
            instance.drop_user()

    def _open(self) -> Instance:
        if not has_package(CFFI):
            raise HalError(
                StatusCode.UNAVAILABLE,
                "Driver.available",
                f"no cffi, the Python package that calls Vulkan: {INSTALL_CFFI}",
                driver=self.name,
            )
        from .instance import Instance

        if self._instance is None:
            self._instance = Instance(self._report)
            self.version = f"Vulkan loader {self._instance.version}"
        return self._instance

    def _physical_devices(self) -> dict[DeviceInfo, PhysicalDevice]:
        """By what they are enumerated as, in the loader's order."""
        if not self._found:
            for physical in self._open().physical_devices():
                self._found.setdefault(physical.info, physical)
        return self._found


def _largest_jump(physical: PhysicalDevice) -> int | None:
    """Of a payload in one signal; none where it has no limit of its own."""
    jump = int(physical.timeline.maxTimelineSemaphoreValueDifference)
    return jump if jump < LARGEST_PAYLOAD else None
