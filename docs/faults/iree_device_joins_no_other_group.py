"""A device that was made from Python joins no group with another device.

No program over several Vulkan devices can be run from Python. Over one device the same call
works, as often as it is made; the local drivers' devices join as many groups as one likes.

Requirement: MOD-4 of docs/spec.md
Drivers:     vulkan
Severity:    wrong code
Seen with:   iree-base-runtime 3.13.0rc20261016, vulkan on llvmpipe
Cause:       runtime/src/iree/hal/drivers/vulkan/queue.c, iree_hal_vulkan_queue_assign_frontier
             (line 6347 of the wheel): a queue takes its frontier once. It must have one as soon
             as the binding has made the device; where the binding assigns it was not looked
             for.
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
REQUIREMENTS = ("MOD-4",)
SEEN_WITH = "iree-base-runtime 3.13.0rc20261016, vulkan on llvmpipe"


def name_of_module_over(devices: list[Any]) -> str:
    """Makes a HAL module, and with it a group of these devices."""
    return str(rt.create_hal_module(rt.VmInstance(), devices=devices).name)


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
    driver = rt.get_driver(driver_name)
    devices = [driver.create_default_device() for _ in range(2)]
    found = 0
    for group in (devices[:1], devices):
        came = came_of(name_of_module_over, group)
        found |= judged(f"create_hal_module over {len(group)} of them", "no error: hal", came)
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
