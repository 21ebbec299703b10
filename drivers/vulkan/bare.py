"""Vulkan without this driver: the same operations as raw cffi calls, for benchmarks to compare.

Structures are made once and filled in again, nothing is checked, and one thread does it all.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cts.hal import MemoryType

from .api import constants as vk
from .api.declarations import ffi
from .archive import conformance_archive, unpack
from .executable import Function
from .logical_device import Block, LogicalDevice
from .native import NULL, Handle, Loader, struct
from .physical_device import BUFFER_USAGE, PhysicalDevice
from .queue import new_timeline
from .spirv import read_module

PATTERN = 0x04030201
FOREVER = 2**64 - 1
MEMORY = MemoryType.DEVICE_LOCAL | MemoryType.HOST_VISIBLE
OPERATION = "bare Vulkan"


class BareVulkan:
    """What can be measured of an implementation itself, by the names that subjects have."""

    def __init__(self, loader: Loader, physical: PhysicalDevice) -> None:
        self._loader = loader
        self._native = native = LogicalDevice(loader, physical)
        self._device = native.handle
        self._value = 0
        self._line = new_timeline(native, OPERATION, 0)
        self._signalled = ffi.new("uint64_t[1]")
        self._commands = ffi.new("VkCommandBuffer[1]")
        timeline = struct(
            "VkTimelineSemaphoreSubmitInfo",
            signalSemaphoreValueCount=1,
            pSignalSemaphoreValues=self._signalled,
        )
        self._submit_info = struct(
            "VkSubmitInfo",
            pNext=timeline,
            pCommandBuffers=self._commands,
            signalSemaphoreCount=1,
            pSignalSemaphores=[self._line],
        )
        self._wait_info = struct(
            "VkSemaphoreWaitInfo",
            semaphoreCount=1,
            pSemaphores=[self._line],
            pValues=self._signalled,
        )
        self._pool = self._make_pool()
        self.allocate = self._allocation()
        self._blocks: list[Block] = []
        self._functions: list[Function] = []

    def _make_pool(self) -> Handle:
        info = struct(
            "VkCommandPoolCreateInfo",
            flags=vk.VK_COMMAND_POOL_CREATE_RESET_COMMAND_BUFFER_BIT,
            queueFamilyIndex=self._native.physical.queue_family,
        )
        return self._native.make(OPERATION, "vkCreateCommandPool", "VkCommandPool", info)

    # -- measures ---------------------------------------------------------------------

    def empty(self) -> None:
        """A submission without work."""
        self._run(None)

    def _allocation(self) -> Callable[[], None]:
        """Allocates 4 KiB with a buffer over it, and frees both."""
        loader, device = self._loader, self._device
        info = struct("VkBufferCreateInfo", size=4096, usage=BUFFER_USAGE)
        request = struct("VkMemoryAllocateInfo")
        buffer, memory = ffi.new("VkBuffer *"), ffi.new("VkDeviceMemory *")
        needed = ffi.new("VkMemoryRequirements *")
        types = self._native.memory_type(~0, MEMORY, visible=True)

        def run() -> None:
            loader.vkCreateBuffer(device, info, NULL, buffer)
            loader.vkGetBufferMemoryRequirements(device, buffer[0], needed)
            request.allocationSize = needed.size
            request.memoryTypeIndex = types
            loader.vkAllocateMemory(device, request, NULL, memory)
            loader.vkBindBufferMemory(device, buffer[0], memory[0], 0)
            loader.vkDestroyBuffer(device, buffer[0], NULL)
            loader.vkFreeMemory(device, memory[0], NULL)

        return run

    def fill(self, size: int) -> Callable[[], None]:
        """Records a fill, and executes it."""
        target = self._block(size).handle

        def record(commands: Handle) -> None:
            self._loader.vkCmdFillBuffer(commands, target, 0, size, PATTERN)

        return self._recorded_each_time(record)

    def copy(self, size: int) -> Callable[[], None]:
        """Records a copy, and executes it."""
        source, target = self._block(size).handle, self._block(size).handle
        region = struct("VkBufferCopy", size=size)

        def record(commands: Handle) -> None:
            self._loader.vkCmdCopyBuffer(commands, source, target, 1, region)

        return self._recorded_each_time(record)

    def execute_again(self, fills: int) -> Callable[[], None]:
        """Executes so many recorded fills once more."""
        target = self._block(4096).handle

        def record(commands: Handle) -> None:
            for _ in range(fills):
                self._loader.vkCmdFillBuffer(commands, target, 0, 4096, PATTERN)

        return self._recorded_once(record)

    def dispatch_again(self) -> Callable[[], None]:
        """Executes a recorded dispatch of 1,024 workgroups that add 1 to a word each."""
        modules = {m.entry_point: m for m in map(read_module, unpack(conformance_archive()))}
        function = Function(self._native, modules["count"])
        self._functions.append(function)
        bound = ffi.new(
            "VkDescriptorSet[1]", [function.bind([(self._block(4096).handle, 0, 4096)])]
        )
        compute = vk.VK_PIPELINE_BIND_POINT_COMPUTE

        def record(commands: Handle) -> None:
            loader = self._loader
            loader.vkCmdBindPipeline(commands, compute, function.pipeline)
            loader.vkCmdBindDescriptorSets(commands, compute, function.layout, 0, 1, bound, 0, NULL)
            loader.vkCmdDispatch(commands, 1024, 1, 1)

        return self._recorded_once(record)

    # -- with what --------------------------------------------------------------------

    def _run(self, commands: Handle) -> None:
        self._value += 1
        self._signalled[0] = self._value
        self._submit_info.commandBufferCount = commands is not None
        if commands is not None:
            self._commands[0] = commands
        self._loader.vkQueueSubmit(self._native.queue, 1, self._submit_info, NULL)
        self._loader.vkWaitSemaphores(self._device, self._wait_info, FOREVER)

    def _recorded_each_time(self, record: Callable[[Handle], None]) -> Callable[[], None]:
        commands, begin = self._new_commands(), struct("VkCommandBufferBeginInfo")
        loader = self._loader

        def run() -> None:
            loader.vkBeginCommandBuffer(commands, begin)
            record(commands)
            loader.vkEndCommandBuffer(commands)
            self._run(commands)

        return run

    def _recorded_once(self, record: Callable[[Handle], None]) -> Callable[[], None]:
        commands = self._new_commands()
        self._loader.vkBeginCommandBuffer(commands, struct("VkCommandBufferBeginInfo"))
        record(commands)
        self._loader.vkEndCommandBuffer(commands)
        return lambda: self._run(commands)

    def _new_commands(self) -> Handle:
        info = struct("VkCommandBufferAllocateInfo", commandPool=self._pool, commandBufferCount=1)
        made = ffi.new("VkCommandBuffer[1]")
        self._loader.vkAllocateCommandBuffers(self._device, info, made)
        return made[0]

    def _block(self, size: int) -> Block:
        block = self._native.block(size, MEMORY, visible=True)
        block.bytes[:] = 0  # so that its pages are there
        self._blocks.append(block)
        return block

    def release(self) -> None:
        """Gives everything back."""
        loader, device = self._loader, self._device
        self._native.wait_idle()
        things: list[Any] = [*self._blocks, *self._functions]
        for thing in things:
            thing.destroy()
        loader.vkDestroyCommandPool(device, self._pool, NULL)
        loader.vkDestroySemaphore(device, self._line, NULL)
        self._native.destroy()
