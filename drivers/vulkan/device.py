"""The device: a VkDevice with one queue, and nothing native that it shares with another."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from cts.hal import (
    Buffer,
    Device,
    DeviceCapabilities,
    Edge,
    HandleType,
    InteropMode,
    MemoryType,
    Semaphore,
    slot,
)

from .._common.deferral import Deferral
from .._common.deferring_device import DeferringDevice
from .._common.pool import Pool
from .._common.transient import QueueAllocated
from . import sharing
from .api import constants as vk
from .command_buffer import CommandPool, VulkanCommandBuffer
from .commands import CallHost, Command, CommandMaker, OnHost
from .event import VulkanEvent
from .executable import VulkanExecutable
from .instance import Instance
from .logical_device import Block, LogicalDevice
from .memory import VulkanAllocator
from .physical_device import PhysicalDevice
from .queue import Queue
from .semaphore import VulkanSemaphore
from .submission import VulkanOperation, carry_out
from .transient import TransientBuffer


class VulkanDevice(DeferringDevice[Command, VulkanSemaphore]):
    """A logical device; it keeps the instance that it was made by.

    Attributes
    ----------
    instance : what it was made by.
    native : its native side.
    queue : its queue; `queue.lock` is the device's.
    is_validated : whether the validation layer looks on.
    """

    driver_name = "vulkan"
    _semaphores = VulkanSemaphore
    _command_buffers = VulkanCommandBuffer
    _readable_when_sealed = DeferringDevice._readable_when_sealed | {"queue", "native"}

    def __init__(
        self,
        identifier: str,
        instance: Instance,
        physical: PhysicalDevice,
        semaphore_limits: tuple[int, int | None],
    ) -> None:
        self.maker = CommandMaker(identifier, physical.limits)
        super().__init__(identifier, identifier, self.maker)
        self.pci_address = physical.pci_address
        self.semaphore_limits = semaphore_limits
        self.deferral = Deferral()
        self.instance = instance
        self.is_validated = instance.is_validated
        with ExitStack() as undo:
            instance.add_user()
            undo.callback(instance.drop_user)
            self.native = LogicalDevice(instance.loader, physical, self._lose)
            undo.callback(self.native.destroy)
            self._capabilities = physical.capabilities(self.native.handle)
            self.queue = Queue(self.native, self.deferral)
            undo.callback(self.queue.destroy)
            self.command_pool = CommandPool(self)
            undo.pop_all()
        self.pool = Pool(self._new_block)
        self._allocator = VulkanAllocator(self)

    def _lose(self) -> None:
        self.loss.lose("Device", vk.RESULTS[vk.VK_ERROR_DEVICE_LOST])

    def _new_block(self, size: int, kind: tuple[int, bool]) -> Block:
        """Of a memory type, as a number, and whether the host must see it."""
        return self.native.block(size, MemoryType(kind[0]), visible=kind[1])

    def _destroy(self) -> None:
        with self.queue.lock:
            self.queue.destroy()
            self.pool.close()
            self.command_pool.destroy()
            self.native.destroy()
        self.instance.drop_user()

    # -- core -------------------------------------------------------------------------

    @slot()
    def query_capabilities(self) -> DeviceCapabilities:
        return self._capabilities

    @slot()
    def refine_topology_edge(self, dst: Device, edge: Edge) -> Edge:
        """Unified memory is the host's and one device's: another has to import it."""
        own = InteropMode.NATIVE
        shared = InteropMode.IMPORT if edge.buffer_import_types else InteropMode.COPY
        changes = {
            name: shared
            for name in ("buffer_read_mode_coherent", "buffer_write_mode_coherent")
            if getattr(edge, name) is own
        }
        return edge.replace(**changes)

    # -- work -------------------------------------------------------------------------

    @property
    def is_over(self) -> bool:
        return self.queue.is_over

    def tidy(self) -> None:
        self.queue.tidy()

    def carry_out(self, operation: VulkanOperation) -> None:
        carry_out(self, operation)

    def _host_call(self, operation: str, function: Callable[[], None]) -> Command:
        return CallHost(operation, function)

    def _on_host(self, buffer: QueueAllocated, function: Callable[[], None]) -> Command:
        return OnHost((buffer,), function)

    def _transient(self, operation: str, size: int) -> TransientBuffer:
        self.native.check_size(operation, size)
        return TransientBuffer(self, size)

    @property
    @slot()
    def allocator(self) -> VulkanAllocator:
        return self._allocator

    @slot()
    def create_semaphore(self, initial_value: int = 0) -> VulkanSemaphore:
        operation = "Device.create_semaphore"
        self.loss.check(operation)
        value = self._initial_payload(operation, initial_value)
        return VulkanSemaphore(self, sharing.exportable_timeline(self, operation, value), value)

    @slot()
    def create_command_buffer(self, binding_capacity: int = 0) -> VulkanCommandBuffer:
        self.loss.check("Device.create_command_buffer")
        return VulkanCommandBuffer(self, binding_capacity)

    # -- optional ---------------------------------------------------------------------

    @slot()
    def create_executable(self, format: str, data: bytes) -> VulkanExecutable:
        self.loss.check("Device.create_executable")
        return VulkanExecutable(self, format, data)

    @slot()
    def create_event(self) -> VulkanEvent:
        self.loss.check("Device.create_event")
        return VulkanEvent(self)

    @slot()
    def export_buffer(self, buffer: Buffer, handle_type: HandleType) -> object:
        return sharing.export_buffer(self, buffer, handle_type)

    @slot()
    def import_buffer(self, handle: object, handle_type: HandleType, size: int) -> Buffer:
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
        with self.queue.lock:
            self.pool.trim()

    def _configuration(self) -> dict[tuple[str, str], int]:
        invocations = int(self.native.physical.limits.maxComputeWorkGroupInvocations)
        own = {("vulkan.device", "max_workgroup_invocations"): invocations}
        return super()._configuration() | own
