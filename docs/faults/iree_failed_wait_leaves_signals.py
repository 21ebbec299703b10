"""A submission whose wait fails does not fail its signals: who waits for them waits for ever.

The call itself raises the failure. The wait that would not end is given a second here.

Requirement: QUE-5 of docs/spec.md
Drivers:     local-sync
Severity:    hang
Seen with:   iree-base-runtime 3.13.0rc20261016
Cause:       runtime/src/iree/hal/drivers/local_sync/sync_device.c,
             iree_hal_sync_device_queue_op_begin: the error of the wait is returned from the
             operation before anything is done with its signals.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable
from typing import Any

import iree.runtime as rt

DRIVERS = ("local-sync",)
SEVERITY = "hang"
REQUIREMENTS = ("QUE-5",)
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
    source, target = (device.allocator.allocate_buffer(MEMORY, USAGE, 16) for _ in range(2))
    failed, signalled = device.create_semaphore(0), device.create_semaphore(0)
    failed.fail("on purpose")
    came = came_of(device.queue_copy, source, target, [(failed, 1)], [(signalled, 1)])
    print(f"  queue_copy behind a failed semaphore: {came}", flush=True)
    found = judged("wait for its signal", "UNKNOWN", came_of(signalled.wait, 1, 10**9))
    return found | judged("query of its signal", "UNKNOWN", came_of(signalled.query))


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
