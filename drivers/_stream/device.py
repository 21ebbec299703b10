"""The device: a stream in the context of its physical device."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from typing import Any

from cts.hal import (
    Buffer,
    Device,
    DeviceCapabilities,
    Edge,
    HandleType,
    Semaphore,
    slot,
)

from .._common.archive import Format
from .._common.command_buffer import CheckedCommandBuffer
from .._common.deferring_device import DeferringDevice
from .._common.followed_event import FollowedEvent
from .._common.memory import AllocationRequest
from .._common.pool import Pool
from .._common.transient import QueueAllocated
from . import links, sharing
from .capabilities import capabilities_of
from .commands import CallHost, Command, CommandMaker, OnHost
from .context import Context
from .executable import StreamExecutable
from .handles import Handle
from .memory import Block, HostCopies, StreamAllocator, StreamBuffer, new_block
from .queue import Queue
from .semaphore import StreamSemaphore, Timeline
from .submission import StreamOperation, carry_out
from .transient import TransientBuffer

LARGEST_PAYLOAD = 2**63 - 1
CREATE = "Driver.create_device"


class StreamDevice(DeferringDevice[Command, StreamSemaphore]):
    """A logical device: all of one physical device share its context.

    Parameters
    ----------
    context : with one user for the device.
    executable_format : of the device code that it takes.

    Attributes
    ----------
    context : the native side of its physical device.
    queue : its queue.
    pool : memory that nothing uses.
    vendors_pool : of memory in the stream's order; none where the vendor has no pools.
    host_copies : of memory that the host does not see.
    """

    _semaphores = StreamSemaphore
    _command_buffers = CheckedCommandBuffer
    _readable_when_sealed = DeferringDevice._readable_when_sealed | {"queue", "context"}
    semaphore_limits = (LARGEST_PAYLOAD, None)

    def __init__(self, identifier: str, context: Context, executable_format: Format) -> None:
        self.context = context
        self.driver_name = context.calls.name
        self.executable_format = executable_format
        self.deferral = context.runtime.deferral
        self.pci_address = context.facts.pci_address
        maker = CommandMaker(context.calls.name, context)
        super().__init__(identifier, context.calls.name, maker)
        with context.lock, ExitStack() as undo:
            undo.callback(context.drop_user)
            self._partition = context.take_partition()
            self.queue = Queue(context, CREATE, self._partition and self._partition.handle)
            undo.callback(self.queue.destroy)
            self.pool: Pool[Block] = Pool(partial(new_block, context))
            self.host_copies = HostCopies(context, self.pool)
            undo.callback(self.host_copies.destroy)
            self.vendors_pool = self._new_vendors_pool()
            self._capabilities = capabilities_of(context)
            undo.pop_all()
        self._allocator = StreamAllocator(self)
        context.devices.add(self)

    def _new_vendors_pool(self) -> Handle:
        context = self.context
        if not context.facts.memory_pools:
            return None
        with context.native(CREATE):
            pool = context.calls.new_pool(context.ordinal)
            for other in context.runtime.contexts.values():
                if other is not context and other.reaches(context.ordinal):
                    context.calls.let_use_pool(pool, other.ordinal)
        return pool

    def _destroy(self) -> None:
        context = self.context
        with context.lock:
            try:
                self.queue.destroy()
                self.pool.close()
                self.host_copies.destroy()
                if self.vendors_pool is not None:
                    with context.ending() as is_there:
                        if is_there:
                            context.calls.end_pool(self.vendors_pool)
            finally:
                context.drop_user()

    @property
    def is_over(self) -> bool:
        return self.queue.is_over

    def tidy(self) -> None:
        self.queue.tidy()

    def carry_out(self, operation: StreamOperation) -> None:
        carry_out(self, operation)

    # -- core -------------------------------------------------------------------------

    @slot()
    def query_capabilities(self) -> DeviceCapabilities:
        return self._capabilities

    @slot()
    def refine_topology_edge(self, dst: Device, edge: Edge) -> Edge:
        """The link to another device, its cost, and whether either reaches the other's memory."""
        return links.refine(self, dst, edge) if isinstance(dst, StreamDevice) else edge

    # -- work -------------------------------------------------------------------------

    def _host_call(self, operation: str, function: Callable[[], None]) -> Command:
        return CallHost(operation, function)

    def _on_host(self, buffer: QueueAllocated, function: Callable[[], None]) -> Command:
        return OnHost((buffer,), function)

    def _transient(self, operation: str, size: int) -> TransientBuffer:
        return TransientBuffer(self, size)

    @property
    @slot()
    def allocator(self) -> StreamAllocator:
        return self._allocator

    def exported_block(self, wanted: AllocationRequest) -> Block:
        """Memory that can be exported, with the lock held."""
        return sharing.exported_block(self, wanted)

    @slot()
    def create_semaphore(self, initial_value: int = 0) -> StreamSemaphore:
        operation = "Device.create_semaphore"
        self.loss.check(operation)
        value = self._initial_payload(operation, initial_value)
        with self.deferral.lock:
            return StreamSemaphore(self, Timeline(self.context, operation, value))

    @slot()
    def create_command_buffer(self, binding_capacity: int = 0) -> CheckedCommandBuffer[Command]:
        self.loss.check("Device.create_command_buffer")
        return CheckedCommandBuffer(self, self._maker, binding_capacity)

    # -- optional ---------------------------------------------------------------------

    @slot()
    def create_executable(self, format: str, data: bytes) -> StreamExecutable:
        self.loss.check("Device.create_executable")
        return StreamExecutable(self, format, data)

    @slot()
    def create_event(self) -> FollowedEvent:
        self.loss.check("Device.create_event")
        return FollowedEvent(self)

    @slot()
    def export_buffer(self, buffer: Buffer, handle_type: HandleType) -> object:
        return sharing.export_buffer(self, buffer, handle_type)

    @slot()
    def import_buffer(self, handle: object, handle_type: HandleType, size: int) -> StreamBuffer:
        return sharing.import_buffer(self, handle, handle_type, size)

    @slot()
    def export_semaphore(self, semaphore: Semaphore, handle_type: HandleType) -> object:
        return sharing.export_semaphore(self, semaphore, handle_type)

    @slot()
    def import_semaphore(self, handle: Any, handle_type: HandleType) -> Semaphore:
        return sharing.import_semaphore(self, handle, handle_type)

    @slot()
    def trim(self) -> None:
        self.queue.tidy()
        with self.context.lock:
            self.pool.trim()
            if self.vendors_pool is not None and not self.context.is_lost:
                with self.context.native("Device.trim"):
                    self.context.calls.trim_pool(self.vendors_pool)

    def _configuration(self) -> dict[tuple[str, str], int]:
        partition = self._partition
        whole = self.context.facts.multiprocessors
        name = f"{self.driver_name}.device"
        own = {
            (name, "multiprocessors"): partition.multiprocessors if partition else whole,
            (name, "is_partition"): int(partition is not None),
        }
        return super()._configuration() | own
