"""The logical device's native side: the VkDevice, its queue, and blocks of memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from cts.hal import HalError, MemoryType, StatusCode

from .api import constants as vk
from .api.declarations import ffi
from .native import NULL, Handle, Loader, check, struct
from .physical_device import BUFFER_USAGE, PhysicalDevice

Bytes = npt.NDArray[np.uint8]

LOCAL = vk.VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT
VISIBLE = vk.VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT
COHERENT = vk.VK_MEMORY_PROPERTY_HOST_COHERENT_BIT
CACHED = vk.VK_MEMORY_PROPERTY_HOST_CACHED_BIT

WANTED = {
    MemoryType.HOST_VISIBLE: VISIBLE,
    MemoryType.HOST_COHERENT: COHERENT,
    MemoryType.HOST_CACHED: CACHED,
    MemoryType.DEVICE_LOCAL: LOCAL,
}
LEAST_SIZE = 4
"""Bytes of a block: there is none of nothing, and fills are of words."""


class LogicalDevice:
    """A VkDevice with one queue.

    Parameters
    ----------
    lose : called where a native call tells that the device is lost.

    Attributes
    ----------
    loader : the functions.
    physical : what it is made on.
    handle, queue : VkDevice and VkQueue.
    """

    def __init__(
        self, loader: Loader, physical: PhysicalDevice, lose: Callable[[], None] = lambda: None
    ) -> None:
        self.loader = loader
        self.physical = physical
        self._lose = lose
        self.handle = self._create()
        queue = ffi.new("VkQueue *")
        loader.vkGetDeviceQueue(self.handle, physical.queue_family, 0, queue)
        self.queue = queue[0]
        self._types: dict[tuple[int, int, bool], int] = {}
        self._allocation = _Allocation()

    def _create(self) -> Handle:
        physical = self.physical
        queue = struct(
            "VkDeviceQueueCreateInfo",
            queueFamilyIndex=physical.queue_family,
            queueCount=1,
            pQueuePriorities=[1.0],
        )
        asked = physical.features_12
        features_12 = struct(
            "VkPhysicalDeviceVulkan12Features",
            timelineSemaphore=vk.VK_TRUE,
            vulkanMemoryModel=asked.vulkanMemoryModel,
            vulkanMemoryModelDeviceScope=asked.vulkanMemoryModelDeviceScope,
            shaderFloat16=asked.shaderFloat16,
            shaderInt8=asked.shaderInt8,
        )
        features = struct("VkPhysicalDeviceFeatures2", pNext=features_12)
        for name in ("robustBufferAccess", "shaderInt64", "shaderFloat64", "shaderInt16"):
            setattr(features.features, name, getattr(physical.features, name))
        info = struct(
            "VkDeviceCreateInfo",
            pNext=features,
            queueCreateInfoCount=1,
            pQueueCreateInfos=queue,
            enabledExtensionCount=len(physical.enabled_extensions),
            ppEnabledExtensionNames=physical.enabled_extensions,
        )
        return self.make("Driver.create_device", "vkCreateDevice", "VkDevice", info, of=physical)

    def make(self, operation: str, call: str, kind: str, info: Any, of: Any = None) -> Handle:
        """What a ``vkCreate…`` makes. Raises where it fails."""
        maker, made = (of or self).handle, ffi.new(f"{kind} *")
        self.check(operation, call, getattr(self.loader, call)(maker, info, NULL, made))
        return made[0]

    def check(self, operation: str, call: str, result: int) -> None:
        """Raises where a native call has failed; where the device is lost, all learn of it."""
        if result == vk.VK_ERROR_DEVICE_LOST:
            self._lose()
        check(operation, call, result)

    def wait_idle(self) -> None:
        """Waits until nothing is under way; a lost device does nothing any more."""
        self.loader.vkDeviceWaitIdle(self.handle)

    def destroy(self) -> None:
        """Ends it, once all that was made by it is gone."""
        self.loader.vkDestroyDevice(self.handle, NULL)

    # -- memory -----------------------------------------------------------------------

    def check_size(self, operation: str, size: int) -> None:
        """Raises RESOURCE_EXHAUSTED for more bytes than a buffer can have."""
        most = self.physical.max_allocation
        if size > most:
            raise HalError(
                StatusCode.RESOURCE_EXHAUSTED,
                operation,
                f"size is {size}: a buffer has at most {most} bytes",
            )

    def memory_type(self, allowed: int, wanted: MemoryType, *, visible: bool) -> int:
        """The memory type, among the bits of `allowed`, that has most of what is wanted."""
        known = allowed, wanted.value, visible
        if known in self._types:
            return self._types[known]
        flags = sum(flag for kind, flag in WANTED.items() if kind & wanted)
        best, most = None, -1
        for index, found in enumerate(self.physical.memory_types):
            if not allowed >> index & 1 or (visible and not found & VISIBLE):
                continue
            fit = 2 * (found & flags).bit_count() + bool(found & COHERENT)
            if fit > most:
                best, most = index, fit
        if best is None:
            raise HalError(
                StatusCode.INCOMPATIBLE,
                "Allocator.allocate",
                f"no memory type among {allowed:#x} has {wanted!r}",
            )
        self._types[known] = best
        return best

    def block(
        self,
        size: int,
        wanted: MemoryType,
        *,
        visible: bool,
        external: int = 0,
        source: Any = None,
        allowed: int = ~0,
        allocated: int = 0,
    ) -> Block:
        """New memory with a buffer over all of it; one thread at a time asks for some. Raises
        RESOURCE_EXHAUSTED where there is none.

        Parameters
        ----------
        size : bytes, at most `PhysicalDevice.max_allocation`.
        visible : whether the host must see it.
        external : the type of handle that the memory comes from or can be exported by, if any.
        source : where the memory comes from or goes to: a structure for VkMemoryAllocateInfo.
        allowed : bits of the memory types that the source has.
        allocated : bytes that the source has, where they are more than a buffer needs.
        """
        operation, loader, device = "Allocator.allocate", self.loader, self.handle
        size = max(size, LEAST_SIZE)
        made = self._allocation
        made.prepare(size, external, source)
        handle = memory = NULL
        try:
            result = loader.vkCreateBuffer(device, made.buffer_info, NULL, made.buffer)
            self.check(operation, "vkCreateBuffer", result)
            handle = made.buffer[0]
            needed = made.requirements
            loader.vkGetBufferMemoryRequirements(device, handle, needed)
            allowed &= needed.memoryTypeBits
            kind = self.memory_type(allowed, wanted, visible=visible)
            request = made.memory_info
            request.allocationSize = max(needed.size, allocated)
            request.memoryTypeIndex = kind
            result = loader.vkAllocateMemory(device, request, NULL, made.memory)
            self.check(operation, "vkAllocateMemory", result)
            memory = made.memory[0]
            result = loader.vkBindBufferMemory(device, handle, memory, 0)
            self.check(operation, "vkBindBufferMemory", result)
        except BaseException:
            loader.vkFreeMemory(device, memory, NULL)
            loader.vkDestroyBuffer(device, handle, NULL)
            raise
        return Block(self, handle, memory, size, self.physical.memory_types[kind])


class _Allocation:
    """What an allocation tells Vulkan and is told, used again by each, one at a time."""

    def __init__(self) -> None:
        self._external = struct("VkExternalMemoryBufferCreateInfo")
        self.buffer_info = struct(
            "VkBufferCreateInfo", usage=BUFFER_USAGE, sharingMode=vk.VK_SHARING_MODE_EXCLUSIVE
        )
        self.memory_info = struct("VkMemoryAllocateInfo")
        self.requirements = ffi.new("VkMemoryRequirements *")
        self.buffer = ffi.new("VkBuffer *")
        self.memory = ffi.new("VkDeviceMemory *")

    def prepare(self, size: int, external: int, source: Any) -> None:
        """Says how large, and what the memory comes from or goes to."""
        self.buffer_info.size = size
        self.buffer_info.pNext = self._external if external else NULL
        self._external.handleTypes = external
        self.memory_info.pNext = NULL if source is None else source


class Block:
    """Memory with one buffer over all of it.

    Attributes
    ----------
    handle : the VkBuffer.
    memory : the VkDeviceMemory.
    size : bytes.
    last_use : the number of the last submission that uses it (`Queue`).
    shape : what the pool knows it by; none for a block that is not the pool's.
    holds : what must live as long as the memory, as the host's mapping that it is made of.
    """

    __slots__ = (
        "_bytes",
        "_device",
        "_flags",
        "handle",
        "holds",
        "last_use",
        "memory",
        "shape",
        "size",
    )

    def __init__(
        self, device: LogicalDevice, handle: Handle, memory: Handle, size: int, flags: int
    ) -> None:
        self._device = device
        self._flags = flags
        self._bytes: Bytes | None = None
        self.handle = handle
        self.memory = memory
        self.size = size
        self.last_use = 0
        self.holds: object = None
        self.shape: tuple[int, tuple[int, bool]] | None = None

    @property
    def bytes(self) -> Bytes:
        """All of it as the host sees it, uint8[size]; mapped at the first use, until its end."""
        if self._bytes is None:
            place, device = ffi.new("void **"), self._device
            result = device.loader.vkMapMemory(
                device.handle, self.memory, 0, vk.VK_WHOLE_SIZE, 0, place
            )
            device.check("Buffer.map", "vkMapMemory", result)
            self._bytes = np.frombuffer(ffi.buffer(place[0], self.size), np.uint8)
        return self._bytes

    def flush(self) -> None:
        """Makes what the host has written visible to the device, where memory is not coherent."""
        if not self._flags & COHERENT:
            self._pass_on("vkFlushMappedMemoryRanges")

    def invalidate(self) -> None:
        """Makes what the device has written visible to the host, where memory is not coherent."""
        if not self._flags & COHERENT:
            self.flush()  # or what a mapping has written would be lost
            self._pass_on("vkInvalidateMappedMemoryRanges")

    def _pass_on(self, call: str) -> None:
        _ = self.bytes  # only mapped memory can be
        whole = struct("VkMappedMemoryRange", memory=self.memory, size=vk.VK_WHOLE_SIZE)
        result = getattr(self._device.loader, call)(self._device.handle, 1, whole)
        self._device.check("Buffer.map", call, result)

    def destroy(self) -> None:
        """Gives buffer and memory back; the mapping ends with it."""
        loader, device = self._device.loader, self._device.handle
        self._bytes = None
        loader.vkDestroyBuffer(device, self.handle, NULL)
        loader.vkFreeMemory(device, self.memory, NULL)
        self.holds = None
