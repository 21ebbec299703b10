"""An allocation whose size rounds up past 2**64 is refused with OUT_OF_RANGE.

Other sizes that no memory holds are RESOURCE_EXHAUSTED.

Requirement: MEM-4 of docs/spec.md
Drivers:     vulkan
Severity:    wrong code
Seen with:   iree-base-runtime 3.13.0rc20261016, vulkan on llvmpipe
Cause:       runtime/src/iree/hal/drivers/vulkan/allocator.c,
             iree_hal_vulkan_allocator_align_allocation_size (line 987 of the wheel): the code
             is the one of that check.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable
from typing import Any

import iree.runtime as rt

DRIVERS = ("vulkan",)
SEVERITY = "wrong code"
REQUIREMENTS = ("MEM-4",)
SEEN_WITH = "iree-base-runtime 3.13.0rc20261016, vulkan on llvmpipe"

MEMORY = int(rt.MemoryType.DEVICE_LOCAL | rt.MemoryType.HOST_VISIBLE)
USAGE = int(rt.BufferUsage.DEFAULT | rt.BufferUsage.MAPPING)


def came_of(call: Callable[..., Any], *args: Any) -> str:
    """What a call came to: its error, or that there was none and what it returned."""
    try:
        return f"no error: {call(*args)}"
    except (RuntimeError, ValueError, IndexError) as error:
        return str(error).partition("; while invoking")[0]


def judged(doing: str, expected: str, came: str) -> int:
    """Prints what was expected and what came; 1 where they differ, which is the fault."""
    print(f"  {doing}\n    expected: {expected}\n    came:     {came}", flush=True)
    return int(expected not in came)


def main(driver_name: str) -> int:
    """The calls: 0 where they behave as the contract says, 1 where the fault is there."""
    device = rt.get_device(driver_name)
    found = 0
    for name, size in (("2**63", 2**63), ("2**64 - 1", 2**64 - 1)):
        came = came_of(device.allocator.allocate_buffer, MEMORY, USAGE, size)
        found |= judged(f"allocate_buffer({name})", "RESOURCE_EXHAUSTED", came)
    return found


if __name__ == "__main__":
    status = 0
    for name in sys.argv[1:] or DRIVERS:
        print(f"{name}:", flush=True)
        try:
            status = max(status, main(name))
        except Exception:
            traceback.print_exc()
            status = 2
    os._exit(status)  # the tear-down is not what is shown here
