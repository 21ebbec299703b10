"""A payload above IREE_HAL_SEMAPHORE_MAX_VALUE is refused with OUT_OF_RANGE.

The same holds for what is negative in 64 bits. Nothing is changed by it.

Requirement: SEM-1, SEM-2, QUE-11 of docs/spec.md
Drivers:     vulkan
Severity:    wrong code
Seen with:   iree-base-runtime 3.13.0rc20261016, vulkan on llvmpipe
Cause:       runtime/src/iree/hal/drivers/vulkan/semaphore.c, iree_hal_vulkan_semaphore_create
             and iree_hal_vulkan_semaphore_signal (lines 122 and 322 of the wheel), and queue.c
             (line 2912 of the wheel): the code is the one of those checks.
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
REQUIREMENTS = ("SEM-1", "SEM-2", "QUE-11")
SEEN_WITH = "iree-base-runtime 3.13.0rc20261016, vulkan on llvmpipe"

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
    semaphore = device.create_semaphore(0)
    found = 0
    for name, value in (("the maximum + 1", MAXIMUM + 1), ("2**64 - 1", 2**64 - 1)):
        came = came_of(device.create_semaphore, value)
        found |= judged(f"create_semaphore({name})", "INVALID_ARGUMENT", came)
        came = came_of(semaphore.signal, value)
        found |= judged(f"signal({name})", "INVALID_ARGUMENT", came)
        wait, signal = rt.HalFence(1), rt.HalFence.create_at(semaphore, value)
        came = came_of(hal, "device.queue.barrier", hal.device, -1, wait, signal, 0)
        found |= judged(f"barrier that signals {name}", "INVALID_ARGUMENT", came)
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
