"""A semaphore takes a payload that none can be, and the query after it kills the process.

Requirement: SEM-2 of docs/spec.md
Drivers:     local-sync, local-task
Severity:    crash
Seen with:   iree-base-runtime 3.13.0rc20261016
Cause:       runtime/src/iree/hal/drivers/local_sync/sync_semaphore.c,
             iree_hal_sync_semaphore_signal and local_task's: no payload is compared with the
             maximum; one with the highest bit set is read back as the address of a status.
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
REQUIREMENTS = ("SEM-2",)
SEEN_WITH = "iree-base-runtime 3.13.0rc20261016"

IMPOSSIBLE = (2**63, 2**64 - 1, 2**64 - 2)


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
    for value in IMPOSSIBLE:
        semaphore = device.create_semaphore(0)
        found |= judged(f"signal({value})", "INVALID_ARGUMENT", came_of(semaphore.signal, value))
        print("  query after it", flush=True)
        found |= judged("query after it", "no error: 0", came_of(semaphore.query))
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
