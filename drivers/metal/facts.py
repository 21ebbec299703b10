"""What Metal says of a GPU.

Nothing is said of links: a buffer is of one GPU, and what goes from one to another goes through the
host, whatever lies between.
"""

from __future__ import annotations

from typing import Any

from .._stream.facts import Facts

MOST_WORKGROUPS = 2**32 - 1
"""Along a side of a grid: a workgroup's number in it has 32 bits."""
PREFIX = b"MTLDevic"
"""Of an identity, before the registry's 8 bytes."""


def facts_of(device: Any) -> Facts:
    """Of one device."""
    number = int(device.registryID())
    return Facts(
        name=str(device.name()),
        uuid=PREFIX + number.to_bytes(8, "big"),
        pci_address=None,
        numa_node=-1,
        total_memory=int(device.recommendedMaxWorkingSetSize()),
        multiprocessors=0,  # which Metal does not tell
        max_workgroups=(MOST_WORKGROUPS,) * 3,
        max_workgroup_size=int(device.maxThreadsPerThreadgroup().width),
        stream_memory_operations=True,
        unified_addressing=False,
        concurrent_managed_access=bool(device.hasUnifiedMemory()),
        pageable_memory_access=False,
        host_atomics=False,
        memory_pools=True,
        host_registration=True,
        exports_descriptors=False,
        exports_dma_buf=False,
        copies_between_all=False,
        shares_host_memory=False,
    )
