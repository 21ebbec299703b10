"""A size that rounds up past 2**64 is allocated as a small one.

The buffer says that it has all of those bytes, so that every range is found inside, and a write
to one of them goes to whatever memory is there. Making a few, down to 2**64 - 17 bytes, is enough
for malloc to report a damaged heap.

Requirement: MEM-4 of docs/spec.md
Drivers:     local-sync, local-task
Severity:    crash
Seen with:   iree-base-runtime 3.13.0rc20261016
Cause:       runtime/src/iree/hal/buffer_heap.c, iree_hal_heap_buffer_allocate_slab: the
             header's size and the allocation's are added without a check.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable
from typing import Any

import iree.runtime as rt

DRIVERS = ("local-sync", "local-task")
SEVERITY = "crash"
REQUIREMENTS = ("MEM-4",)
SEEN_WITH = "iree-base-runtime 3.13.0rc20261016"

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
    size = 2**64 - 1
    try:
        buffer = device.allocator.allocate_buffer(MEMORY, USAGE, size)
    except (RuntimeError, ValueError, IndexError) as error:
        return judged(f"allocate_buffer({size})", "RESOURCE_EXHAUSTED", str(error))
    judged(f"allocate_buffer({size})", "RESOURCE_EXHAUSTED", f"no error: {buffer}")
    came = came_of(buffer.fill_zero, 2**40, 4096)  # the process dies here
    judged("fill_zero(2**40, 4096) of it", "RESOURCE_EXHAUSTED", came)
    return 1


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
