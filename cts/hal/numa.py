"""NUMA distances as the platform tells them."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TypeAlias

NumaDistance: TypeAlias = Callable[[int, int], int | None]
"""SLIT distance between two NUMA nodes (10 = local), or none where it is not known."""

SYSFS_NODES = "/sys/devices/system/node"


@cache
def platform_distance(src: int, dst: int) -> int | None:
    """The SLIT distance from node `src` to `dst`, from Linux's sysfs; none where it has none.

    It is read once in a process: the firmware's table does not change.

    A node's ``distance`` file has one column for each online node, in their order
    (Documentation/ABI/stable/sysfs-devices-node).
    """
    try:
        with open(f"{SYSFS_NODES}/online") as file:
            column = _parse_node_list(file.read()).index(dst)
        with open(f"{SYSFS_NODES}/node{src}/distance") as file:
            return int(file.read().split()[column])
    except (OSError, ValueError, IndexError):
        return None


def _parse_node_list(text: str) -> list[int]:
    """``"0,2-3"`` → ``[0, 2, 3]``."""
    nodes: list[int] = []
    for part in text.strip().split(","):
        first, _, last = part.partition("-")
        nodes += range(int(first), int(last or first) + 1)
    return nodes
