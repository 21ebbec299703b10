"""A signal on a failed semaphore, the host's or a queue's, loses the device.

Whatever the device is asked for after it ends with DATA_LOSS; another device of the same
process works.

Requirement: SEM-4, QUE-11 of docs/spec.md
Drivers:     vulkan
Severity:    wrong code
Seen with:   iree-base-runtime 3.13.0rc20261016, vulkan on llvmpipe
Cause:       runtime/src/iree/hal/drivers/vulkan/semaphore.c, iree_hal_vulkan_semaphore_on_fail:
             a failure signals Vulkan's semaphore to IREE_HAL_SEMAPHORE_FAILURE_VALUE.
             iree_hal_vulkan_semaphore_signal (line 336 of the wheel) does not look for the
             failure before it signals a lower value, which Vulkan does not allow; llvmpipe
             answers with VK_ERROR_DEVICE_LOST. The queue's way to it was not looked for.
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
REQUIREMENTS = ("SEM-4", "QUE-11")
SEEN_WITH = "iree-base-runtime 3.13.0rc20261016, vulkan on llvmpipe"

KEPT: list[Any] = []  # devices: they have to outlive what is theirs


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


def submitted(hal: Hal, device: Any, name: str, *args: Any) -> str:
    """Submits an operation of the queue that waits for nothing, and waits for its end."""
    done = device.create_semaphore(0)
    wait, signal = rt.HalFence(1), rt.HalFence.create_at(done, 1)
    hal(f"device.queue.{name}", hal.device, -1, wait, signal, *args, 0)
    return "done" if done.wait(1, timeout=2 * 10**9) else "not done after 2 s"


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
    found = 0
    for by in ("the host", "a queue"):
        device = rt.get_driver(driver_name).create_default_device()
        KEPT.append(device)
        hal = Hal(device)
        failed = device.create_semaphore(0)
        failed.fail("on purpose")
        if by == "the host":
            came = came_of(failed.signal, 1)
            found |= judged("signal of a failed semaphore", "on purpose", came)
        else:
            wait, signal = rt.HalFence(1), rt.HalFence.create_at(failed, 1)
            came = came_of(hal, "device.queue.barrier", hal.device, -1, wait, signal, 0)
            print(f"  barrier that signals a failed semaphore: {came}", flush=True)
        came = came_of(submitted, hal, device, "barrier")
        found |= judged(f"barrier that waits for nothing, after {by}'s signal", "done", came)
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
