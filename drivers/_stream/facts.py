"""What a vendor's library says of a physical device."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

from cts.hal import LinkClass

Counts: TypeAlias = tuple[int, int, int]


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What the vendor's library says of one physical device."""

    name: str
    uuid: bytes | None
    """16 bytes, or none where there is none."""
    pci_address: str | None
    """``0000:41:00.0``"""
    numa_node: int
    """Of the host's memory next to it; negative where the vendor does not know."""
    total_memory: int
    """Bytes."""
    multiprocessors: int
    max_workgroups: Counts
    max_workgroup_size: int
    """Threads."""
    stream_memory_operations: bool
    """Streams wait for 64-bit values, and write them."""
    unified_addressing: bool
    """Host and devices have one address space."""
    concurrent_managed_access: bool
    """Host and device use managed memory at the same time."""
    pageable_memory_access: bool
    """Device code uses whatever memory the host has."""
    host_atomics: bool
    """Atomic operations hold between host and device."""
    memory_pools: bool
    host_registration: bool
    """Takes pages of the host's for its own use."""
    exports_descriptors: bool
    """Memory can be exported as POSIX file descriptors."""
    exports_dma_buf: bool
    imports_dma_buf: bool = False
    copies_between_all: bool = True
    """Copies are made between memory of any two devices; else of what the device reaches alone."""
    shares_host_memory: bool = True
    """Memory of the host's is used by all devices; else it is a device's own as well."""
    is_isolated: bool = False
    """It is a part of a device, cut off from all others (MIG)."""
    reaches: frozenset[int] = frozenset()
    """Ordinals of the devices whose memory it can be let use."""
    links: dict[int, LinkClass] = field(default_factory=dict)
    """To other devices, by ordinal, as far as they are known."""
    hops: dict[int, int] = field(default_factory=dict)
    """Links one after the other on the way there; one where it is not said."""
    atomics: frozenset[int] | None = None
    """Ordinals of devices on whose memory its atomic operations hold; none where that is not
    known, and all are taken to be."""
