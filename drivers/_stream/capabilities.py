"""What a device claims, each from what the vendor's library says (`Facts`)."""

from __future__ import annotations

from cts.hal import DeviceCapabilities, DeviceCapability, HandleType

from .._common import shared_memory
from .context import Context

ALWAYS = (
    DeviceCapability.TIMELINE_SEMAPHORES  # words, which streams write and wait for
    | DeviceCapability.CONCURRENT_SAFE
    | DeviceCapability.ATOMIC_SCOPE_DEVICE
    | DeviceCapability.HOST_COHERENT  # of memory that the host sees there is no other
)


def capabilities_of(context: Context) -> DeviceCapabilities:
    """Of a logical device: all of one physical device share its context, and so its handle."""
    facts = context.facts
    exported, imported = buffer_types(context)
    return DeviceCapabilities(
        flags=flags_of(context),
        semaphore_export_types=HandleType.NATIVE,
        semaphore_import_types=HandleType.NATIVE,
        buffer_export_types=exported,
        buffer_import_types=imported,
        numa_node=min(max(facts.numa_node, 0), 255),
        physical_device_uuid=facts.uuid,
        driver_device_handle=context.calls.identity(context.ordinal, context.handle),
    )


def flags_of(context: Context) -> DeviceCapability:
    """Its capability flags."""
    facts = context.facts
    claims = {
        DeviceCapability.UNIFIED_MEMORY: facts.concurrent_managed_access,
        DeviceCapability.SHARED_VIRTUAL_ADDRESS: facts.unified_addressing,
        DeviceCapability.HOST_ZERO_COPY_OK: facts.host_registration,
        DeviceCapability.ATOMIC_SCOPE_SYSTEM: facts.host_atomics,
        DeviceCapability.P2P_COPY: bool(facts.reaches),
        DeviceCapability.PEER_ADDRESSABLE: bool(facts.reaches) and facts.unified_addressing,
        DeviceCapability.ISOLATED: facts.is_isolated,
    }
    flags = ALWAYS
    for flag, holds in claims.items():
        if holds:
            flags |= flag
    return flags


def buffer_types(context: Context) -> tuple[HandleType, HandleType]:
    """Kinds of handle of buffers: what is exported, and what is imported."""
    facts = context.facts
    both = none = HandleType(0)
    if facts.exports_descriptors:
        both |= HandleType.OPAQUE_FD
    if facts.host_registration and shared_memory.IS_THERE:
        both |= HandleType.SHM
    exported = HandleType.DMA_BUF if facts.exports_dma_buf else none
    imported = HandleType.DMA_BUF if facts.imports_dma_buf else none
    return both | exported, both | imported
