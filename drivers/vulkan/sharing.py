"""What a device's slots of export and import do: buffers and semaphores of others.

A buffer is allocated for the kinds of handle that it is to be exported by; a semaphore can be
exported where the device claims it. Whoever imports has memory and timeline for itself, which
outlive the exporting side. The exporting buffer unlinks the name of its shared memory at its end.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from cts.hal import Buffer, HalError, HandleType, Semaphore
from cts.hal.memory import DEFAULT_USAGE

from .._common.arguments import as_handle_type, as_int, as_object
from .._common.memory import as_exported, as_import
from .._common.named_memory import NamedMemory, check_descriptor
from .api import constants as vk
from .api.declarations import ffi
from .external_memory import block_of_descriptor, block_of_name, descriptor_of
from .memory import VulkanBuffer
from .native import NULL, struct
from .queue import new_timeline
from .semaphore import VulkanSemaphore

if TYPE_CHECKING:
    from .device import VulkanDevice

SEMAPHORE_FD = vk.VK_EXTERNAL_SEMAPHORE_HANDLE_TYPE_OPAQUE_FD_BIT

# -- buffers ------------------------------------------------------------------------------------


def export_buffer(device: VulkanDevice, buffer: Buffer, handle_type: HandleType) -> object:
    """What `Device.export_buffer` gives."""
    operation = "Device.export_buffer"
    owned, _ = as_exported(operation, device, buffer, handle_type, VulkanBuffer)
    block = owned.block(operation)
    if isinstance(block.holds, NamedMemory):
        return block.holds.name
    return descriptor_of(operation, device, block, owned.byte_length)


def import_buffer(
    device: VulkanDevice, handle: Any, handle_type: HandleType, size: int
) -> VulkanBuffer:
    """What `Device.import_buffer` gives."""
    operation = "Device.import_buffer"
    kind, size = as_import(operation, device, handle_type, size)
    take = block_of_name if kind is HandleType.SHM else block_of_descriptor
    with device.queue.lock:
        block = take(operation, device, handle, size)
    return VulkanBuffer(device, size, block, DEFAULT_USAGE)


# -- semaphores ---------------------------------------------------------------------------------


def exportable_timeline(device: VulkanDevice, operation: str, initial_value: int) -> Any:
    """A VkSemaphore that can be exported, where the device claims that."""
    exports = device.query_capabilities().semaphore_export_types
    following = struct("VkExportSemaphoreCreateInfo", handleTypes=SEMAPHORE_FD) if exports else None
    return new_timeline(device.native, operation, initial_value, following)


def export_semaphore(device: VulkanDevice, semaphore: Semaphore, handle_type: HandleType) -> int:
    """What `Device.export_semaphore` gives."""
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
    operation = "Device.import_semaphore"
    device.loss.check(operation)
    claimed = device.query_capabilities().semaphore_import_types
    as_handle_type(operation, handle_type, device, claimed)
    descriptor = as_int(operation, "handle", handle)
    check_descriptor(operation, descriptor, 0)
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
