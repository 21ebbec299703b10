"""Memory and semaphores that other devices and processes can have.

A buffer is allocated for the kinds of handle that it is to be exported by:

* OPAQUE_FD: Vulkan's own memory, and a handle is a descriptor of it, the caller's to close. It is
  an int that says as well whose memory it is (`MemoryDescriptor`), as Vulkan does not: lavapipe's
  memory imported by SwiftShader is taken, is the wrong bytes, and a write to it ends the process;
* SHM: a POSIX shared memory object, which Vulkan is given to use (VK_EXT_external_memory_host), and
  a handle is its name. The exporting buffer unlinks it at its end.

Whoever imports has the memory for itself, which from then on outlives the exporting buffer.
"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, Any, NamedTuple

from cts.hal import Buffer, HalError, HandleType, MemoryType, Semaphore, StatusCode
from cts.hal.memory import DEFAULT_MEMORY_TYPE, DEFAULT_USAGE

from .._common import shared_memory
from .._common.arguments import as_handle_type, as_int, as_object
from .._common.memory import AllocationRequest, as_exported, as_import
from .._common.shared_memory import PageMapping
from .api import constants as vk
from .api.declarations import ffi
from .logical_device import Block
from .native import NULL, struct
from .physical_device import HOST_ALLOCATION, OPAQUE_FD
from .queue import new_timeline

if TYPE_CHECKING:
    from .device import VulkanDevice
    from .memory import VulkanBuffer
    from .semaphore import VulkanSemaphore

SEMAPHORE_FD = vk.VK_EXTERNAL_SEMAPHORE_HANDLE_TYPE_OPAQUE_FD_BIT


class Maker(NamedTuple):
    """What two implementations must agree in to hand memory on (Vulkan 1.3, section 12.2.1)."""

    device_uuid: bytes | None
    driver_uuid: bytes


class MemoryDescriptor(int):
    """A descriptor of Vulkan's memory that says whose it is, and how many bytes there are."""

    maker: Maker
    size: int


def _maker_of(device: VulkanDevice) -> Maker:
    physical = device.native.physical
    return Maker(physical.device_uuid, physical.driver_uuid)


# -- allocation ---------------------------------------------------------------------------------


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


class NamedMemory:
    """A mapped shared memory object; its maker's name for it ends with it."""

    def __init__(self, mapping: PageMapping, name: str = "") -> None:
        self.mapping = mapping
        self.name = name

    def __del__(self) -> None:
        if self.name:
            shared_memory.unlink(self.name)


def _named_block(device: VulkanDevice, size: int) -> Block:
    operation, name = "Allocator.allocate", shared_memory.new_name()
    try:
        descriptor = shared_memory.create(name)
    except OSError as error:
        raise HalError(StatusCode.RESOURCE_EXHAUSTED, operation, str(error)) from error
    try:
        os.ftruncate(descriptor, max(size, 1))  # a page without a byte cannot be touched
        memory = NamedMemory(PageMapping(descriptor, _in_pages(device, size)), name)
    except (OSError, OverflowError) as error:
        shared_memory.unlink(name)
        raise HalError(StatusCode.RESOURCE_EXHAUSTED, operation, str(error)) from error
    finally:
        os.close(descriptor)
    return _host_block(operation, device, size, memory)


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


def _in_pages(device: VulkanDevice, size: int) -> int:
    """Bytes of host memory that can be imported, for so many that are to be used."""
    page = device.native.physical.import_alignment
    return max(-(-size // page), 1) * page


# -- buffers ------------------------------------------------------------------------------------


def export_buffer(device: VulkanDevice, buffer: Buffer, handle_type: HandleType) -> object:
    """What `Device.export_buffer` gives."""
    from .memory import VulkanBuffer

    operation = "Device.export_buffer"
    owned, _ = as_exported(operation, device, buffer, handle_type, VulkanBuffer)
    block = owned.block(operation)
    if isinstance(block.holds, NamedMemory):
        return block.holds.name
    native = device.native
    wanted = struct("VkMemoryGetFdInfoKHR", memory=block.memory, handleType=OPAQUE_FD)
    got = ffi.new("int *")
    give = native.loader.of_device(native.handle, "vkGetMemoryFdKHR")
    native.check(operation, "vkGetMemoryFdKHR", give(native.handle, wanted, got))
    descriptor = MemoryDescriptor(got[0])
    descriptor.maker, descriptor.size = _maker_of(device), owned.byte_length
    return descriptor


def import_buffer(
    device: VulkanDevice, handle: Any, handle_type: HandleType, size: int
) -> VulkanBuffer:
    """What `Device.import_buffer` gives."""
    from .memory import VulkanBuffer

    operation = "Device.import_buffer"
    kind, size = as_import(operation, device, handle_type, size)
    take = _imported_by_name if kind is HandleType.SHM else _imported_by_descriptor
    with device.queue.lock:
        block = take(operation, device, handle, size)
    return VulkanBuffer(device, size, block, DEFAULT_USAGE)


def _imported_by_name(operation: str, device: VulkanDevice, handle: Any, size: int) -> Block:
    descriptor = shared_memory.open_named(operation, handle)
    try:
        there = os.fstat(descriptor).st_size
        shared_memory.check_size(operation, size, there)
        mapping = PageMapping(descriptor, _in_pages(device, size))
    except OSError as error:
        code = StatusCode.PERMISSION_DENIED
        raise shared_memory.native_error(operation, code, repr(handle), error) from error
    finally:
        os.close(descriptor)
    return _host_block(operation, device, size, NamedMemory(mapping))


def _imported_by_descriptor(operation: str, device: VulkanDevice, handle: Any, size: int) -> Block:
    from .memory import check_size

    descriptor = as_int(operation, "handle", handle)
    if isinstance(handle, MemoryDescriptor):
        shared_memory.check_size(operation, size, handle.size)
        if handle.maker != _maker_of(device):
            raise HalError(
                StatusCode.INCOMPATIBLE,
                operation,
                "the memory is of another device, or another driver's",
            )
    _check_descriptor(operation, descriptor, size)
    check_size(operation, device, size)
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


def _check_descriptor(operation: str, descriptor: int, size: int) -> None:
    """Raises for what is no descriptor, and for a file in memory that is smaller."""
    try:
        status = os.fstat(descriptor)
    except (OSError, OverflowError) as error:
        code = StatusCode.INVALID_ARGUMENT
        raise shared_memory.native_error(operation, code, f"{descriptor}", error) from error
    if stat.S_ISREG(status.st_mode):
        shared_memory.check_size(operation, size, status.st_size)


# -- semaphores ---------------------------------------------------------------------------------


def exportable_timeline(device: VulkanDevice, operation: str, initial_value: int) -> Any:
    """A VkSemaphore that can be exported, where the device claims that."""
    exports = device.query_capabilities().semaphore_export_types
    following = struct("VkExportSemaphoreCreateInfo", handleTypes=SEMAPHORE_FD) if exports else None
    return new_timeline(device.native, operation, initial_value, following)


def export_semaphore(device: VulkanDevice, semaphore: Semaphore, handle_type: HandleType) -> int:
    """What `Device.export_semaphore` gives."""
    from .semaphore import VulkanSemaphore

    operation = "Device.export_semaphore"
    device.loss.check(operation)
    claimed = device.query_capabilities().semaphore_export_types
    as_handle_type(operation, handle_type, device, claimed)
    owned = as_object(operation, "semaphore", semaphore, VulkanSemaphore, device.domain)
    native = device.native
    wanted = struct("VkSemaphoreGetFdInfoKHR", semaphore=owned.handle, handleType=SEMAPHORE_FD)
    got = ffi.new("int *")
    give = native.loader.of_device(native.handle, "vkGetSemaphoreFdKHR")
    native.check(operation, "vkGetSemaphoreFdKHR", give(native.handle, wanted, got))
    owned.is_shared = True
    descriptor: int = got[0]
    return descriptor


def import_semaphore(device: VulkanDevice, handle: Any, handle_type: HandleType) -> VulkanSemaphore:
    """What `Device.import_semaphore` gives."""
    from .semaphore import VulkanSemaphore

    operation = "Device.import_semaphore"
    device.loss.check(operation)
    claimed = device.query_capabilities().semaphore_import_types
    as_handle_type(operation, handle_type, device, claimed)
    descriptor = as_int(operation, "handle", handle)
    _check_descriptor(operation, descriptor, 0)
    native = device.native
    made = new_timeline(native, operation, 0)
    ours = os.dup(descriptor)
    wanted = struct("VkImportSemaphoreFdInfoKHR", semaphore=made, handleType=SEMAPHORE_FD, fd=ours)
    take = native.loader.of_device(native.handle, "vkImportSemaphoreFdKHR")
    try:
        native.check(operation, "vkImportSemaphoreFdKHR", take(native.handle, wanted))
    except HalError:
        os.close(ours)
        native.loader.vkDestroySemaphore(native.handle, made, NULL)
        raise
    return VulkanSemaphore(device, made, 0, is_shared=True)
