"""An update in a command buffer holds about 2 KiB, where up to 64 KiB are promised.

Other drivers take them; so does the queue of this one.

Requirement: QUE-2 of docs/spec.md
Drivers:     local-task
Severity:    wrong code
Seen with:   iree-base-runtime 3.13.0rc20261016
Cause:       runtime/src/iree/hal/drivers/local_task/block_builder.c:456 of the wheel: a
             command, in which an update has its bytes, has to fit into one block; there is no
             way to split one.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable
from typing import Any

import iree.runtime as rt

DRIVERS = ("local-task",)
SEVERITY = "wrong code"
REQUIREMENTS = ("QUE-2",)
SEEN_WITH = "iree-base-runtime 3.13.0rc20261016"

MEMORY = int(rt.MemoryType.DEVICE_LOCAL | rt.MemoryType.HOST_VISIBLE)
USAGE = int(rt.BufferUsage.DEFAULT | rt.BufferUsage.MAPPING)


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
    buffer = device.allocator.allocate_buffer(MEMORY, USAGE, 65536)
    found = 0
    for size in (1024, 2048, 65536):
        commands = hal("command_buffer.create", hal.device, 1, 3, -1, 0)
        data = rt.VmBuffer(size)
        what = (commands, data, 0, buffer, 0, size, -1, 0)
        came = came_of(hal, "command_buffer.update_buffer", *what)
        found |= judged(f"update_buffer of {size} bytes", "no error", came)
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
