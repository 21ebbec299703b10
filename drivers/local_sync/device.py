"""The device: the host's memory, and queues that work on the caller's thread."""

from __future__ import annotations

from cts.hal import (
    Buffer,
    CommandBuffer,
    Device,
    DeviceCapabilities,
    DeviceCapability,
    DeviceTopologyInfo,
    DriverProperties,
    Edge,
    HalError,
    HandleType,
    Resource,
    SemaphoreList,
    StatusCode,
    TopologyAssignment,
    slot,
)

from . import transfers
from .arguments import refusal
from .command_buffer import LocalCommandBuffer
from .memory import LocalAllocator
from .semaphore import LocalSemaphore
from .submission import submit
from .transfers import Transfer

HOST_UUID = b"hal-cts host mem"
"""The identity of the one physical device."""

# No atomics: they are the device code's, and there is none. No handle: a device that says nothing
# of aliasing is still used directly, and its edges show by which capability.
_CAPABILITIES = DeviceCapabilities(
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


class LocalSyncDevice(Device):
    """A device over host memory. It uses what any other device of the driver made, directly."""

    driver_name = "local-sync"

    def __init__(self, identifier: str, properties: DriverProperties) -> None:
        super().__init__()
        self._identifier = identifier
        self._max_semaphore_value = properties.max_semaphore_value
        self._topology = TopologyAssignment(self)
        self._allocator = LocalAllocator(self)

    # -- core -------------------------------------------------------------------------

    @property
    @slot()
    def identifier(self) -> str:
        return self._identifier

    @slot()
    def query_capabilities(self) -> DeviceCapabilities:
        return _CAPABILITIES

    @property
    @slot()
    def topology_info(self) -> DeviceTopologyInfo | None:
        return self._topology.info

    @slot()
    def assign_topology_info(self, info: DeviceTopologyInfo | None) -> None:
        self._topology.assign(info)

    @slot()
    def refine_topology_edge(self, dst: Device, edge: Edge) -> Edge:
        return edge

    # -- work -------------------------------------------------------------------------

    @property
    @slot()
    def allocator(self) -> LocalAllocator:
        return self._allocator

    @slot()
    def create_semaphore(self, initial_value: int = 0) -> LocalSemaphore:
        return LocalSemaphore(self, initial_value, self._max_semaphore_value)

    @slot()
    def queue_fill(
        self,
        target: Buffer,
        offset: int,
        length: int,
        pattern: bytes,
        *,
        wait: SemaphoreList = (),
        signal: SemaphoreList = (),
    ) -> None:
        operation = self._queue_operation("queue_fill")
        self._submit(
            operation, transfers.fill(operation, target, offset, length, pattern), wait, signal
        )

    @slot()
    def queue_update(
        self,
        data: bytes,
        target: Buffer,
        offset: int,
        *,
        wait: SemaphoreList = (),
        signal: SemaphoreList = (),
    ) -> None:
        operation = self._queue_operation("queue_update")
        self._submit(operation, transfers.update(operation, data, target, offset), wait, signal)

    @slot()
    def queue_copy(
        self,
        source: Buffer,
        source_offset: int,
        target: Buffer,
        target_offset: int,
        length: int,
        *,
        wait: SemaphoreList = (),
        signal: SemaphoreList = (),
    ) -> None:
        operation = self._queue_operation("queue_copy")
        transfer = transfers.copy(operation, source, source_offset, target, target_offset, length)
        self._submit(operation, transfer, wait, signal)

    @slot()
    def queue_barrier(self, *, wait: SemaphoreList = (), signal: SemaphoreList = ()) -> None:
        operation = self._queue_operation("queue_barrier")
        self._submit(operation, Transfer((), lambda: None), wait, signal)

    @slot()
    def create_command_buffer(self) -> LocalCommandBuffer:
        return LocalCommandBuffer(self)

    @slot()
    def queue_execute(
        self,
        command_buffer: CommandBuffer,
        *,
        wait: SemaphoreList = (),
        signal: SemaphoreList = (),
    ) -> None:
        operation = self._queue_operation("queue_execute")
        if not isinstance(command_buffer, LocalCommandBuffer):
            raise refusal(
                operation, f"{command_buffer!r} is no command buffer of the driver local-sync"
            )
        command_buffer._check_usable(operation)
        transfer = command_buffer.as_transfer(operation)
        self._submit(operation, transfer, wait, signal)

    def _queue_operation(self, name: str) -> str:
        """The operation's name in messages. Raises FAILED_PRECONDITION outside a group."""
        operation = f"Device.{name}"
        if self._topology.info is None:
            raise HalError(
                StatusCode.FAILED_PRECONDITION,
                operation,
                f"{self._describe()} is in no group: its queue works from then on",
                driver=self.driver_name,
                slot=name,
            )
        return operation

    def _submit(
        self, operation: str, transfer: Transfer, wait: SemaphoreList, signal: SemaphoreList
    ) -> None:
        used: tuple[Resource, ...] = (self, *transfer.owners)
        submit(operation, transfer.run, used, wait, signal)
