"""Command buffers: recorded in Vulkan once, at their end, where that can be.

It cannot be where a command has a slot, or a buffer whose memory comes and goes in the order of the
queue: such commands are recorded for each execution.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from .._common import CheckedCommandBuffer
from .._common.binding_table import Table
from .api import constants as vk
from .api.declarations import ffi
from .commands import FOR_THE_HOST, Command, Recorded, Recorder
from .native import NULL, Handle, struct

if TYPE_CHECKING:
    from .device import VulkanDevice

ONCE = vk.VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT
MANY_TIMES = vk.VK_COMMAND_BUFFER_USAGE_SIMULTANEOUS_USE_BIT


class CommandPool:
    """VkCommandBuffers, to be recorded with the queue's lock held."""

    def __init__(self, device: VulkanDevice) -> None:
        self._native = native = device.native
        info = struct(
            "VkCommandPoolCreateInfo",
            flags=vk.VK_COMMAND_POOL_CREATE_RESET_COMMAND_BUFFER_BIT,
            queueFamilyIndex=native.physical.queue_family,
        )
        operation = "Driver.create_device"
        self._pool = native.make(operation, "vkCreateCommandPool", "VkCommandPool", info)
        self._free: list[Handle] = []
        self._begin = {
            flags: struct("VkCommandBufferBeginInfo", flags=flags) for flags in (ONCE, MANY_TIMES)
        }

    def record(
        self, operation: str, device: VulkanDevice, work: Sequence[Command], usage: int
    ) -> Recorder:
        """Records work into a VkCommandBuffer of the pool. Raises where it cannot be, with nothing
        left of it."""
        loader = self._native.loader
        recorder = Recorder(device, self._free.pop() if self._free else self._allocate(operation))
        try:
            result = loader.vkBeginCommandBuffer(recorder.handle, self._begin[usage])
            self._native.check(operation, "vkBeginCommandBuffer", result)
            for command in work:
                command.record(recorder)
            recorder.order(FOR_THE_HOST, vk.VK_PIPELINE_STAGE_HOST_BIT)
            result = loader.vkEndCommandBuffer(recorder.handle)
            self._native.check(operation, "vkEndCommandBuffer", result)
        except BaseException:
            loader.vkResetCommandBuffer(recorder.handle, 0)  # it is in the middle of recording
            self.give(recorder)
            raise
        return recorder

    def give(self, recorder: Recorder) -> None:
        """Takes commands back that will not run any more, and what was taken for them."""
        self._free.append(recorder.handle)
        for end in recorder.ends:
            end()

    def _allocate(self, operation: str) -> Handle:
        info = struct(
            "VkCommandBufferAllocateInfo",
            commandPool=self._pool,
            level=vk.VK_COMMAND_BUFFER_LEVEL_PRIMARY,
            commandBufferCount=1,
        )
        made = ffi.new("VkCommandBuffer[1]")
        result = self._native.loader.vkAllocateCommandBuffers(self._native.handle, info, made)
        self._native.check(operation, "vkAllocateCommandBuffers", result)
        return made[0]

    def destroy(self) -> None:
        """Ends all of them."""
        self._native.loader.vkDestroyCommandPool(self._native.handle, self._pool, NULL)


class VulkanCommandBuffer(CheckedCommandBuffer[Command]):
    """A command buffer of one device.

    Attributes
    ----------
    last_use : the number of the last submission that executes it.
    """

    def __init__(self, device: VulkanDevice, binding_capacity: int = 0) -> None:
        super().__init__(device, device.maker, binding_capacity)
        self._queue = device.queue
        self._pool = device.command_pool
        self._recorder: Recorder | None = None
        self._recorded: Recorded | None = None
        self.last_use = 0

    def end(self) -> None:
        super().end()
        if self._has_slots:
            return
        work = [command(()) for command in self._commands]
        if all(command.is_fixed for command in work):
            device = self._device
            with self._queue.lock:
                recorder = self._pool.record("CommandBuffer.end", device, work, MANY_TIMES)  # type: ignore[arg-type]
            self._recorder = recorder
            self._recorded = Recorded(recorder.handle, [self, *recorder.touched], work)

    def recorded(self, operation: str, table: Table) -> Sequence[Command]:
        if self._recorded is None:
            return super().recorded(operation, table)
        self.check_executable(operation, table)
        return [self._recorded]

    def _free(self) -> None:
        recorder, self._recorder, self._recorded = self._recorder, None, None
        if recorder is not None:
            self._queue.end_after(self.last_use, lambda: self._pool.give(recorder))
        super()._free()
