"""The device: host memory, and slots that check what they are given before anything is done."""

from __future__ import annotations

import platform
from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from cts.hal import (
    Buffer,
    BufferRange,
    CommandBuffer,
    Device,
    DeviceCapabilities,
    DeviceCapability,
    DeviceInfo,
    DeviceObject,
    DeviceTopologyInfo,
    DriverProperties,
    Edge,
    Executable,
    HalError,
    HandleType,
    Semaphore,
    SemaphoreList,
    StatusCode,
    TopologyAssignment,
    Workgroups,
    slot,
)

from . import transfers, transient
from .arguments import as_handle_type, as_object, refusal
from .binding_table import as_table
from .command_buffer import HostCommandBuffer
from .dispatch import dispatch
from .event import HostEvent
from .executable import HostExecutable
from .host_call import call_host
from .loss import Loss
from .memory import HostAllocator, give_back_to_the_system
from .operation import Operation
from .semaphore import HostSemaphore
from .timeline import Timeline
from .timepoints import as_timepoints, check_signals
from .transfers import Transfer
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


USES_OF_A_SEMAPHORE = frozenset({"host_wait", "host_signal", "device_wait", "device_signal"})
"""What there is to do with one."""


class HostDevice(Device):
    """A device over host memory. It uses what any other device of the driver made, directly.

    Attributes
    ----------
    loss : whether it is lost.
    """

    _capabilities: ClassVar[DeviceCapabilities] = HOST_CAPABILITIES

    def __init__(self, identifier: str, properties: DriverProperties) -> None:
        super().__init__()
        self._identifier = identifier
        self.loss = Loss(identifier)
        self._max_semaphore_value = properties.max_semaphore_value
        self._topology = TopologyAssignment(self)
        self._allocator = self._make_allocator()

    def _make_allocator(self) -> HostAllocator:
        return HostAllocator(self)

    def _threads(self) -> int:
        """How many work at once."""
        return 1

    @abstractmethod
    def _submit(self, operation: Operation) -> None:
        """Carries it out, or sees to it that it is."""

    # -- core -------------------------------------------------------------------------

    @property
    @slot()
    def identifier(self) -> str:
        return self._identifier

    @slot()
    def query_capabilities(self) -> DeviceCapabilities:
        return self._capabilities

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
    def allocator(self) -> HostAllocator:
        return self._allocator

    @slot()
    def create_semaphore(self, initial_value: int = 0) -> HostSemaphore:
        self.loss.check("Device.create_semaphore")
        return HostSemaphore(self, Timeline(initial_value, self._max_semaphore_value))

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
        transfer = transfers.fill(operation, self.driver_name, target, offset, length, pattern)
        self._queue(operation, [transfer], transfer.used, wait, signal)

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
        transfer = transfers.update(operation, self.driver_name, data, target, offset)
        self._queue(operation, [transfer], transfer.used, wait, signal)

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
        ranges = (source, source_offset, target, target_offset, length)
        transfer = transfers.copy(operation, self.driver_name, *ranges)
        self._queue(operation, [transfer], transfer.used, wait, signal)

    @slot()
    def queue_barrier(self, *, wait: SemaphoreList = (), signal: SemaphoreList = ()) -> None:
        self._queue(self._queue_operation("queue_barrier"), [], [], wait, signal)

    @slot()
    def create_command_buffer(self, binding_capacity: int = 0) -> HostCommandBuffer:
        self.loss.check("Device.create_command_buffer")
        return HostCommandBuffer(self, binding_capacity)

    @slot()
    def queue_execute(
        self,
        command_buffer: CommandBuffer,
        bindings: Sequence[BufferRange] = (),
        *,
        wait: SemaphoreList = (),
        signal: SemaphoreList = (),
    ) -> None:
        operation = self._queue_operation("queue_execute")
        commands = as_object(
            operation, "command_buffer", command_buffer, HostCommandBuffer, self.driver_name
        )
        work = commands.recorded(operation, as_table(operation, bindings))
        of_table = [thing for transfer in work for thing in transfer.used] if bindings else []
        self._queue(operation, work, [commands, *of_table], wait, signal)

    # -- optional ---------------------------------------------------------------------

    @slot()
    def queue_alloca(
        self, size: int, *, wait: SemaphoreList = (), signal: SemaphoreList = ()
    ) -> TransientBuffer:
        operation = self._queue_operation("queue_alloca")
        buffer = transient.allocated(operation, self, size)
        try:
            work = transfers.whole((buffer,), buffer.commit)
            self._queue(operation, [work], work.used, wait, signal)
        except BaseException:
            buffer.release()
            raise
        return buffer

    @slot()
    def queue_dealloca(
        self, buffer: Buffer, *, wait: SemaphoreList = (), signal: SemaphoreList = ()
    ) -> None:
        operation = self._queue_operation("queue_dealloca")
        known = transient.deallocatable(operation, buffer, self.driver_name)
        work = transfers.whole((known,), known.decommit)
        self._queue(operation, [work], work.used, wait, signal)

    @slot()
    def queue_host_call(
        self,
        function: Callable[[], None],
        *,
        wait: SemaphoreList = (),
        signal: SemaphoreList = (),
    ) -> None:
        operation = self._queue_operation("queue_host_call")
        if not callable(function):
            raise refusal(operation, f"function is {function!r}: it can be called")
        work = transfers.whole((), lambda: call_host(operation, function))
        self._queue(operation, [work], [], wait, signal)

    @slot()
    def create_executable(self, format: str, data: bytes) -> HostExecutable:
        self.loss.check("Device.create_executable")
        return HostExecutable(self, format, data)

    @slot()
    def queue_dispatch(
        self,
        executable: Executable,
        entry_point: int,
        workgroups: Workgroups,
        bindings: Sequence[BufferRange] = (),
        constants: bytes = b"",
        *,
        wait: SemaphoreList = (),
        signal: SemaphoreList = (),
    ) -> None:
        operation = self._queue_operation("queue_dispatch")
        arguments = (executable, entry_point, workgroups, bindings, constants)
        work = dispatch(operation, self.driver_name, *arguments)
        self._queue(operation, [work], work.used, wait, signal)

    @slot()
    def create_event(self) -> HostEvent:
        self.loss.check("Device.create_event")
        return HostEvent(self)

    @slot()
    def export_semaphore(self, semaphore: Semaphore, handle_type: HandleType) -> object:
        operation = "Device.export_semaphore"
        self.loss.check(operation)
        as_handle_type(operation, handle_type, self, self._capabilities.semaphore_export_types)
        return as_object(operation, "semaphore", semaphore, HostSemaphore, self.driver_name)

    @slot()
    def import_semaphore(self, handle: Any, handle_type: HandleType) -> HostSemaphore:
        operation = "Device.import_semaphore"
        self.loss.check(operation)
        as_handle_type(operation, handle_type, self, self._capabilities.semaphore_import_types)
        exported = as_object(operation, "handle", handle, HostSemaphore, self.driver_name)
        return HostSemaphore(self, exported.timeline)

    @slot()
    def query_semaphore_compatibility(self, semaphore: Semaphore) -> frozenset[str]:
        operation = "Device.query_semaphore_compatibility"
        if not isinstance(semaphore, Semaphore):
            raise refusal(operation, f"semaphore is {semaphore!r}: it is a Semaphore")
        if not isinstance(semaphore, HostSemaphore):
            return frozenset()
        as_object(operation, "semaphore", semaphore, HostSemaphore, semaphore.device.driver_name)
        is_ours = semaphore.device.driver_name == self.driver_name
        return USES_OF_A_SEMAPHORE if is_ours else frozenset()

    @slot()
    def trim(self) -> None:
        give_back_to_the_system()

    @slot()
    def query_i64(self, category: str, key: str) -> int:
        known = {("hal.device", "concurrency"): 1, ("hal.dispatch", "concurrency"): self._threads()}
        try:
            return known[category, key]
        except (KeyError, TypeError):
            raise HalError(
                StatusCode.NOT_FOUND,
                "Device.query_i64",
                f"{category!r}, {key!r} is unknown: there are {sorted(known)}",
                driver=self.driver_name,
                slot="query_i64",
            ) from None

    def _queue_operation(self, name: str) -> str:
        """The operation's name in messages. Raises where the device is lost, and
        FAILED_PRECONDITION outside a group."""
        operation = f"Device.{name}"
        self.loss.check(operation)
        if self._topology.info is None:
            raise HalError(
                StatusCode.FAILED_PRECONDITION,
                operation,
                f"{self._describe()} is in no group: its queue works from then on",
                driver=self.driver_name,
                slot=name,
            )
        return operation

    def _queue(
        self,
        operation: str,
        work: Sequence[Transfer],
        used: Sequence[DeviceObject],
        wait: SemaphoreList,
        signal: SemaphoreList,
    ) -> None:
        """Checks the two lists, and submits."""
        waits = as_timepoints(operation, "wait", wait, self.driver_name)
        signals = as_timepoints(operation, "signal", signal, self.driver_name)
        check_signals(operation, signals)
        self._submit(Operation(operation, work, used, waits, signals))
