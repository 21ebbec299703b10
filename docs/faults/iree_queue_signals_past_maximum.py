"""A submission signals a payload above the maximum, and who waits for it is told INTERNAL.

It is to be refused at the call with INVALID_ARGUMENT, or the semaphore is to fail with that.

Requirement: QUE-11 of docs/spec.md
Drivers:     local-sync, local-task
Severity:    wrong code
Seen with:   iree-base-runtime 3.13.0rc20261016
Cause:       runtime/src/iree/hal/drivers/local_sync/sync_semaphore.c,
             iree_hal_sync_semaphore_signal and local_task's: no payload is compared with the
             maximum; a value from the range of failures, which start at
             IREE_HAL_SEMAPHORE_MAX_VALUE + 1, is read back as a failure, here INTERNAL.
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
REQUIREMENTS = ("QUE-11",)
SEEN_WITH = "iree-base-runtime 3.13.0rc20261016"

MAXIMUM = 2**31 - 2  # IREE_HAL_SEMAPHORE_MAX_VALUE


class Hal:
    """The functions of IREE's HAL VM module, called one by one; integers are of 64 bits."""

    def __init__(self, device: Any) -> None:
        instance = rt.VmInstance()
        self.module = rt.create_hal_module(instance, devices=[device])
        self.context = rt.VmContext(instance, modules=[self.module])
        self.device = self("devices.get", 0)

    def __call__(self, name: str, *args: Any) -> Any:
        pushed, results = rt.VmVariantList(len(args)), rt.VmVariantList(1)
        for arg in args:
            pushed.push_int(arg) if isinstance(arg, int) else pushed.push_ref(arg)
        self.context.invoke(self.module.lookup_function(name), pushed, results)
        return results.get_as_ref(0) if results.size else None


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
    hal = Hal(device)
    line = device.create_semaphore(MAXIMUM - 1)
    wait, signal = rt.HalFence(1), rt.HalFence.create_at(line, MAXIMUM + 1)
    came = came_of(hal, "device.queue.barrier", hal.device, -1, wait, signal, 0)
    if "INVALID_ARGUMENT" in came:
        return judged("barrier that signals maximum + 1", "INVALID_ARGUMENT", came)
    print(f"  barrier that signals maximum + 1: {came}", flush=True)
    came = came_of(line.wait, MAXIMUM + 1, 10**9)
    return judged("wait for it", "INVALID_ARGUMENT", came)


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
