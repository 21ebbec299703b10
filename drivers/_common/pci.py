"""What the platform says of PCI devices: Linux's sysfs, and nothing elsewhere."""

from __future__ import annotations

from pathlib import Path

DEVICES = Path("/sys/bus/pci/devices")


def numa_node(address: str | None) -> int | None:
    """The node next to a device, 0 where the platform says that there is none; none for a device
    that the platform does not know."""
    if address is None:
        return None
    try:
        return max(int((DEVICES / address / "numa_node").read_text()), 0)
    except (OSError, ValueError):
        return None


def share_a_root(one: str, other: str) -> bool | None:
    """Whether two devices are below one root complex; none where the platform does not know."""
    roots = []
    for address in (one, other):
        path = DEVICES / address
        if not path.exists():
            return None
        roots.append(next((part for part in path.resolve().parts if part.startswith("pci")), ""))
    return roots[0] == roots[1]
