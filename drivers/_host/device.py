"""The device: host memory, and work that is done by numpy."""

from __future__ import annotations

import platform
from abc import abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar

from cts.hal import (
    DeviceCapabilities,
    DeviceCapability,
    DeviceInfo,
    DriverProperties,
    HandleType,
    Semaphore,
    slot,
)

from .._common import CheckedCommandBuffer, Operation, QueueDevice
from .._common.arguments import as_handle_type, as_object
from .._common.host_call import call_host
from .._common.transient import QueueAllocated
from .event import HostEvent
from .executable import HostExecutable
from .memory import HostAllocator, give_back_to_the_system
from .semaphore import HostSemaphore
from .timeline import Timeline
from .transfers import Transfer, TransferMaker, whole
from .transient import TransientBuffer

HOST_UUID = b"hal-cts host mem"
"""The identity of the one physical device."""

HOST_INFO = DeviceInfo(
    path="host", name=f"host memory ({platform.machine()})", obtained_on="software"
)

# No atomics: they are the device code's, and there is none. No handle: a device that says nothing
# of aliasing is still used directly, and its edges show by which capability.
HOST_CAPABILITIES = DeviceCapabilities(
    flags=DeviceCapability.TIMELINE_SEMAPHORES
    | DeviceCapability.UNIFIED_MEMORY
    | DeviceCapability.HOST_COHERENT
    | DeviceCapability.PEER_COHERENT
    | DeviceCapability.P2P_COPY
    | DeviceCapability.CONCURRENT_SAFE
    | DeviceCapability.PEER_ADDRESSABLE,
    semaphore_export_types=HandleType.NATIVE,
    semaphore_import_types=HandleType.NATIVE,
    buffer_export_types=HandleType.NATIVE,
    buffer_import_types=HandleType.NATIVE,
    physical_device_uuid=HOST_UUID,
)


HostOperation = Operation[Transfer, HostSemaphore]


class HostDevice(QueueDevice[Transfer, HostSemaphore]):
    """A device over host memory. It uses what any other device of the driver made, directly."""

    _capabilities: ClassVar[DeviceCapabilities] = HOST_CAPABILITIES
    _semaphores = HostSemaphore
    _command_buffers = CheckedCommandBuffer

    def __init__(self, identifier: str, properties: DriverProperties) -> None:
        super().__init__(identifier, self.driver_name, TransferMaker(self.driver_name))
        self._max_semaphore_value = properties.max_semaphore_value
        self._allocator = self._make_allocator()

    def _make_allocator(self) -> HostAllocator:
        return HostAllocator(self)

    def _threads(self) -> int:
        """How many work at once."""
        return 1

    @abstractmethod
    def _submit(self, operation: HostOperation) -> None:
        """Carries it out, or sees to it that it is."""

    def _host_call(self, operation: str, function: Callable[[], None]) -> Transfer:
        return whole((), lambda: call_host(operation, function))

    def _on_host(self, buffer: QueueAllocated, function: Callable[[], None]) -> Transfer:
        return whole((buffer,), function)

    def _transient(self, operation: str, size: int) -> TransientBuffer:
        return TransientBuffer(self, size)

    @slot()
    def query_capabilities(self) -> DeviceCapabilities:
        return self._capabilities

    @property
    @slot()
    def allocator(self) -> HostAllocator:
        return self._allocator

    @slot()
    def create_semaphore(self, initial_value: int = 0) -> HostSemaphore:
        self.loss.check("Device.create_semaphore")
        return HostSemaphore(self, Timeline(initial_value, self._max_semaphore_value))

    @slot()
    def create_command_buffer(self, binding_capacity: int = 0) -> CheckedCommandBuffer[Transfer]:
        self.loss.check("Device.create_command_buffer")
        return CheckedCommandBuffer(self, self._maker, binding_capacity)

    @slot()
    def create_executable(self, format: str, data: bytes) -> HostExecutable:
        self.loss.check("Device.create_executable")
        return HostExecutable(self, format, data)

    @slot()
    def create_event(self) -> HostEvent:
        self.loss.check("Device.create_event")
        return HostEvent(self)

    @slot()
    def export_semaphore(self, semaphore: Semaphore, handle_type: HandleType) -> object:
        operation = "Device.export_semaphore"
        self.loss.check(operation)
        as_handle_type(operation, handle_type, self, self._capabilities.semaphore_export_types)
        return as_object(operation, "semaphore", semaphore, HostSemaphore, self.domain)

    @slot()
    def import_semaphore(self, handle: Any, handle_type: HandleType) -> HostSemaphore:
        operation = "Device.import_semaphore"
        self.loss.check(operation)
        as_handle_type(operation, handle_type, self, self._capabilities.semaphore_import_types)
        exported = as_object(operation, "handle", handle, HostSemaphore, self.domain)
        return HostSemaphore(self, exported.timeline)

    @slot()
    def trim(self) -> None:
        give_back_to_the_system()

    def _configuration(self) -> dict[tuple[str, str], int]:
        return super()._configuration() | {("hal.dispatch", "concurrency"): self._threads()}
