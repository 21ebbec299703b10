"""Links between AMD's GPUs, as HIP and the platform's PCI tree tell them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cts.hal import LinkClass

from .._common import pci
from .._stream.calls import NativeError

if TYPE_CHECKING:
    from .calls import HipCalls

XGMI, PCIE = 4, 2
"""Types of a link, as the HSA runtime numbers them."""


def links_of(calls: HipCalls, ordinal: int) -> dict[int, LinkClass]:
    """To other devices; those that are not known are left out."""
    found = {}
    for other in calls.others(ordinal):
        try:
            kind, hops = map(int, calls.call("hipExtGetLinkTypeAndHopCount", ordinal, other))
        except NativeError:
            continue
        if kind == XGMI:
            found[other] = LinkClass.NVLINK_IF
        elif kind == PCIE:
            shares = pci.share_a_root(calls.address(ordinal), calls.address(other))
            is_near = hops <= 1 if shares is None else shares
            found[other] = LinkClass.PCIE_SAME_ROOT if is_near else LinkClass.PCIE_CROSS_ROOT
    return found
