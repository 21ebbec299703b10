"""What NVML says of links between GPUs, and of GPUs that are divided (MIG).

It comes from nvidia-ml-py; where there is none, or its library is not here, the platform's PCI
tree tells of links what it can.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from cts.hal import LinkClass

from .._common import pci

NVLINK = 2
"""NVML_P2P_CAPS_INDEX_NVLINK"""
OK = 0
"""NVML_P2P_STATUS_OK"""
HOST_BRIDGE = 30
"""NVML_TOPOLOGY_HOSTBRIDGE: further apart than this is another root complex."""


@contextmanager
def session() -> Iterator[Any]:
    """pynvml, started for the time of the block; none where it is not here."""
    try:
        import pynvml
    except ImportError:
        yield None
        return
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        yield None
        return
    try:
        yield pynvml
    finally:
        pynvml.nvmlShutdown()


def is_part(nvml: Any, address: str) -> bool:
    """Whether a GPU is divided, so that what a process sees of it is a part, cut off."""
    if nvml is None:
        return False
    try:
        current, _ = nvml.nvmlDeviceGetMigMode(_gpu(nvml, address))
    except nvml.NVMLError:  # not a GPU that can be
        return False
    return bool(current)


def links(nvml: Any, address: str, addresses: Sequence[str]) -> dict[int, LinkClass]:
    """Links from a GPU to others, by their places; those that are not known are left out."""
    found = {}
    for ordinal, other in enumerate(addresses):
        link = None if other == address else _link(nvml, address, other)
        if link is not None:
            found[ordinal] = link
    return found


def _link(nvml: Any, one: str, other: str) -> LinkClass | None:
    if nvml is None:
        return link_by_pci(one, other)
    try:
        here, there = _gpu(nvml, one), _gpu(nvml, other)
        if nvml.nvmlDeviceGetP2PStatus(here, there, NVLINK) == OK:
            return LinkClass.NVLINK_IF
        ancestor = nvml.nvmlDeviceGetTopologyCommonAncestor(here, there)
    except nvml.NVMLError:
        return link_by_pci(one, other)
    is_near = ancestor <= HOST_BRIDGE
    return LinkClass.PCIE_SAME_ROOT if is_near else LinkClass.PCIE_CROSS_ROOT


def link_by_pci(one: str, other: str) -> LinkClass | None:
    """As the platform's tree has it."""
    shares = pci.share_a_root(one, other)
    if shares is None:
        return None
    return LinkClass.PCIE_SAME_ROOT if shares else LinkClass.PCIE_CROSS_ROOT


def _gpu(nvml: Any, address: str) -> Any:
    return nvml.nvmlDeviceGetHandleByPciBusId(address.encode())
