"""A semaphore takes payloads above IREE_HAL_SEMAPHORE_MAX_VALUE, and is a failed one then.

Requirement: SEM-1, SEM-2 of docs/spec.md
Drivers:     local-sync, local-task
Severity:    wrong code
Seen with:   iree-base-runtime 3.13.0rc20261016
Cause:       runtime/src/iree/hal/drivers/local_sync/sync_semaphore.c,
             iree_hal_sync_semaphore_signal and local_task's: no payload is compared with the
             maximum; a value from the range of failures, which start at
             IREE_HAL_SEMAPHORE_MAX_VALUE + 1, is read back as a failure. The same holds for the
             initial payload.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable
from typing import Any

import iree.runtime as rt

DRIVERS = ("local-sync", "local-task")
SEVERITY = "wrong code"
REQUIREMENTS = ("SEM-1", "SEM-2")
SEEN_WITH = "iree-base-runtime 3.13.0rc20261016"

MAXIMUM = 2**31 - 2  # IREE_HAL_SEMAPHORE_MAX_VALUE


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
    came = came_of(lambda: device.create_semaphore(MAXIMUM + 1) and "a semaphore")
    found = judged("create_semaphore(maximum + 1)", "INVALID_ARGUMENT", came)
    semaphore = device.create_semaphore(MAXIMUM - 1)
    semaphore.signal(MAXIMUM)
    came = came_of(semaphore.signal, MAXIMUM + 1)
    found |= judged("signal(maximum + 1) at the maximum", "INVALID_ARGUMENT", came)
    return found | judged("query after it", str(MAXIMUM), came_of(semaphore.query))


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
