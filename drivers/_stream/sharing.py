"""What a device's slots of export and import do.

* OPAQUE_FD: the device's own memory, and a handle is a descriptor of it;
* DMA_BUF: the same for the system's other drivers; imported where the vendor takes others';
* SHM: a POSIX shared memory object that all devices are let use, and a handle is its name, which
  the exporting buffer takes away at its end;
* NATIVE, of semaphores: a handle is the semaphore itself.

Whoever imports has memory for itself, which outlives the exporting side.
"""

from __future__ import annotations

import mmap
from typing import TYPE_CHECKING, Any

from cts.hal import Buffer, HalError, HandleType, Semaphore, StatusCode
from cts.hal.memory import DEFAULT_USAGE

from .._common import shared_memory
from .._common.arguments import as_handle_type, as_int, as_object
from .._common.memory import AllocationRequest, as_exported, as_import
from .._common.named_memory import (
    MemoryDescriptor,
    NamedMemory,
    check_descriptor,
    memory_descriptor,
    memory_of_name,
    new_memory,
)
from . import shareable
from .memory import Block, StreamBuffer
from .semaphore import StreamSemaphore
from .shareable import Shareable

if TYPE_CHECKING:
    from .device import StreamDevice

ALLOCATE = "Allocator.allocate"
OBJECT = 2 << 20
"""Bytes from which on memory is an object of its own, and no part of a larger one."""


def exported_block(device: StreamDevice, wanted: AllocationRequest) -> Block:
    """New memory that can be exported by every kind that is wanted."""
    kinds, size = wanted.export_types, wanted.size
    if kinds.bit_count() > 1:
        raise HalError(
            StatusCode.INCOMPATIBLE,
            ALLOCATE,
            f"export_types is {kinds!r}: memory is exported by one kind of handle",
        )
    context = device.context
    if kinds & HandleType.SHM:
        return _host_block(ALLOCATE, device, size, new_memory(ALLOCATE, size, mmap.PAGESIZE))
    with context.native(ALLOCATE):
        if kinds & HandleType.DMA_BUF:
            size = -(-max(size, 1) // OBJECT) * OBJECT
            return Block(context, context.calls.allocate(size), size, context.calls.free)
        memory = shareable.new_shareable(context.calls, context.ordinal, size, _users(device))
    return _block_over(device, memory)


def _users(device: StreamDevice) -> list[int]:
    """Devices that are to use what one has: itself, and those that reach it."""
    context = device.context
    others = context.runtime.contexts.values()
    return [context.ordinal] + [
        other.ordinal for other in others if other is not context and other.reaches(context.ordinal)
    ]


def _block_over(device: StreamDevice, memory: Shareable) -> Block:
    calls = device.context.calls
    block = Block(
        device.context, memory.address, memory.size, lambda _: shareable.end(calls, memory)
    )
    block.holds = memory
    return block


def _host_block(operation: str, device: StreamDevice, size: int, memory: NamedMemory) -> Block:
    """A block over the host's memory."""
    context, mapping = device.context, memory.mapping
    calls, place = context.calls, mapping.address
    with context.native(operation):
        address = calls.register_host(place, mapping.length)
    block = Block(
        context, address, size, lambda _: calls.unregister_host(place), host_address=place
    )
    block.holds = memory
    return block


def export_buffer(device: StreamDevice, buffer: Buffer, handle_type: HandleType) -> object:
    """What `Device.export_buffer` gives."""
    operation = "Device.export_buffer"
    owned, kind = as_exported(operation, device, buffer, handle_type, StreamBuffer)
    context = device.context
    with context.lock:
        block = owned.block(operation)
        if isinstance(block.holds, NamedMemory):
            return block.holds.name
        with context.native(operation):
            if kind is HandleType.DMA_BUF:
                descriptor = context.calls.export_dma_buf(block.address, block.size)
            else:
                assert isinstance(block.holds, Shareable)
                descriptor = context.calls.export_shareable(block.holds.handle)
            return memory_descriptor(descriptor, context.calls.name, owned.byte_length)


def import_buffer(
    device: StreamDevice, handle: Any, handle_type: HandleType, size: int
) -> StreamBuffer:
    """What `Device.import_buffer` gives."""
    operation = "Device.import_buffer"
    kind, size = as_import(operation, device, handle_type, size)
    with device.context.lock:
        if kind is HandleType.SHM:
            memory = memory_of_name(operation, handle, size, mmap.PAGESIZE)
            block = _host_block(operation, device, size, memory)
        else:
            block = _block_of_descriptor(operation, device, kind, handle, size)
    return StreamBuffer(device, size, block, DEFAULT_USAGE)


def _block_of_descriptor(
    operation: str, device: StreamDevice, kind: HandleType, handle: Any, size: int
) -> Block:
    """A block over device memory; the descriptor stays the caller's."""
    descriptor = as_int(operation, "handle", handle)
    check_descriptor(operation, descriptor, size)
    there = size
    if isinstance(handle, MemoryDescriptor):
        shared_memory.check_size(operation, size, handle.size)
        there = handle.size
    context = device.context
    with context.native(operation):
        if kind is HandleType.DMA_BUF:
            memory = shareable.foreign(context.calls, descriptor, there)
        else:
            users = _users(device)
            memory = shareable.imported(context.calls, descriptor, context.ordinal, there, users)
    return _block_over(device, memory)


# -- semaphores ---------------------------------------------------------------------------------


def export_semaphore(device: StreamDevice, semaphore: Semaphore, handle_type: HandleType) -> object:
    """What `Device.export_semaphore` gives."""
    operation = "Device.export_semaphore"
    device.loss.check(operation)
    as_handle_type(operation, handle_type, device, HandleType.NATIVE)
    return as_object(operation, "semaphore", semaphore, StreamSemaphore, device.domain)


def import_semaphore(device: StreamDevice, handle: Any, handle_type: HandleType) -> StreamSemaphore:
    """What `Device.import_semaphore` gives."""
    operation = "Device.import_semaphore"
    device.loss.check(operation)
    as_handle_type(operation, handle_type, device, HandleType.NATIVE)
    exported = as_object(operation, "handle", handle, StreamSemaphore, device.domain)
    return StreamSemaphore(device, exported.timeline)
