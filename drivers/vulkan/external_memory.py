"""Memory that comes from elsewhere, or goes there, as blocks.

* OPAQUE_FD: Vulkan's own memory, and a handle is a descriptor of it. It is an int that says as well
  whose memory it is (`MemoryDescriptor`), as Vulkan does not: lavapipe's memory imported by
  SwiftShader is taken, is the wrong bytes, and a write to it ends the process;
* SHM: a POSIX shared memory object, which Vulkan is given to use (VK_EXT_external_memory_host), and
  a handle is its name.

All of it is called with the queue's lock held.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, NamedTuple

from cts.hal import HalError, HandleType, MemoryType, StatusCode
from cts.hal.memory import DEFAULT_MEMORY_TYPE

from .._common import shared_memory
from .._common.arguments import as_int
from .._common.memory import AllocationRequest
from .._common.named_memory import (
    MemoryDescriptor,
    NamedMemory,
    check_descriptor,
    memory_descriptor,
    memory_of_name,
    new_memory,
)
from .api.declarations import ffi
from .logical_device import Block
from .native import struct
from .physical_device import HOST_ALLOCATION, OPAQUE_FD

if TYPE_CHECKING:
    from .device import VulkanDevice


class Maker(NamedTuple):
    """What two implementations must agree in to hand memory on (Vulkan 1.3, section 12.2.1)."""

    device_uuid: bytes | None
    driver_uuid: bytes


def _maker_of(device: VulkanDevice) -> Maker:
    physical = device.native.physical
    return Maker(physical.device_uuid, physical.driver_uuid)


def shared_block(device: VulkanDevice, wanted: AllocationRequest) -> Block:
    """Memory that can be exported by every kind that is wanted."""
    size, memory_type, _, kinds = wanted
    if kinds & HandleType.SHM and kinds & HandleType.OPAQUE_FD:
        raise HalError(
            StatusCode.INCOMPATIBLE,
            "Allocator.allocate",
            f"export_types is {kinds!r}: memory is Vulkan's or a shared memory object, not both",
        )
    if kinds & HandleType.SHM:
        return _named_block(device, size)
    export = struct("VkExportMemoryAllocateInfo", handleTypes=OPAQUE_FD)
    return device.native.block(size, memory_type, visible=True, external=OPAQUE_FD, source=export)


def _named_block(device: VulkanDevice, size: int) -> Block:
    operation, page = "Allocator.allocate", device.native.physical.import_alignment
    return _host_block(operation, device, size, new_memory(operation, size, page))


def _host_block(operation: str, device: VulkanDevice, size: int, memory: NamedMemory) -> Block:
    """A block over the host's memory."""
    native = device.native
    pointer = ffi.cast("void *", memory.mapping.address)
    answer = struct("VkMemoryHostPointerPropertiesEXT")
    ask = native.loader.of_device(native.handle, "vkGetMemoryHostPointerPropertiesEXT")
    result = ask(native.handle, HOST_ALLOCATION, pointer, answer)
    native.check(operation, "vkGetMemoryHostPointerPropertiesEXT", result)
    source = struct(
        "VkImportMemoryHostPointerInfoEXT", handleType=HOST_ALLOCATION, pHostPointer=pointer
    )
    block = native.block(
        size,
        MemoryType.HOST_VISIBLE,
        visible=True,
        external=HOST_ALLOCATION,
        source=source,
        allowed=answer.memoryTypeBits,
        allocated=memory.mapping.length,
    )
    block.holds = memory
    return block


def block_of_name(operation: str, device: VulkanDevice, handle: Any, size: int) -> Block:
    """A block over a shared memory object."""
    page = device.native.physical.import_alignment
    return _host_block(operation, device, size, memory_of_name(operation, handle, size, page))


def block_of_descriptor(operation: str, device: VulkanDevice, handle: Any, size: int) -> Block:
    """A block over Vulkan's memory; the descriptor stays the caller's."""
    descriptor = as_int(operation, "handle", handle)
    if isinstance(handle, MemoryDescriptor):
        shared_memory.check_size(operation, size, handle.size)
        if handle.maker != _maker_of(device):
            raise HalError(
                StatusCode.INCOMPATIBLE,
                operation,
                "the memory is of another device, or another driver's",
            )
    check_descriptor(operation, descriptor, size)
    device.native.check_size(operation, size)
    ours = os.dup(descriptor)  # an import takes the descriptor
    source = struct("VkImportMemoryFdInfoKHR", handleType=OPAQUE_FD, fd=ours)
    try:
        return device.native.block(
            handle.size if isinstance(handle, MemoryDescriptor) else size,
            DEFAULT_MEMORY_TYPE,
            visible=True,
            external=OPAQUE_FD,
            source=source,
        )
    except HalError as error:
        os.close(ours)
        if error.code is StatusCode.RESOURCE_EXHAUSTED:  # SwiftShader's way to say so
            code = StatusCode.INVALID_ARGUMENT
            raise HalError(code, operation, error.detail, native_code=error.native_code) from error
        raise


def descriptor_of(operation: str, device: VulkanDevice, block: Block, size: int) -> int:
    """A descriptor of Vulkan's memory, the caller's to close, for so many bytes."""
    native = device.native
    wanted = struct("VkMemoryGetFdInfoKHR", memory=block.memory, handleType=OPAQUE_FD)
    got = ffi.new("int *")
    give = native.loader.of_device(native.handle, "vkGetMemoryFdKHR")
    native.check(operation, "vkGetMemoryFdKHR", give(native.handle, wanted, got))
    return memory_descriptor(got[0], _maker_of(device), size)
