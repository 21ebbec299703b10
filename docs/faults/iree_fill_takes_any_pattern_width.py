"""A fill on the queue with a pattern of 5 or 8 bytes is done, with a part of the pattern.

Requirement: QUE-1 of docs/spec.md
Drivers:     local-task
Severity:    wrong data
Seen with:   iree-base-runtime 3.13.0rc20261016
Cause:       runtime/src/iree/hal/drivers/local_task/task_queue.c,
             iree_hal_task_queue_submit_fill: as many bytes as the pattern has are copied into
             the four of operation->fill.pattern, over the width that is kept behind them; the
             width is checked later, as the fifth byte of the pattern has it.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable
from typing import Any

import iree.runtime as rt
import numpy as np

DRIVERS = ("local-task",)
SEVERITY = "wrong data"
REQUIREMENTS = ("QUE-1",)
SEEN_WITH = "iree-base-runtime 3.13.0rc20261016"

MEMORY = int(rt.MemoryType.DEVICE_LOCAL | rt.MemoryType.HOST_VISIBLE)
USAGE = int(rt.BufferUsage.DEFAULT | rt.BufferUsage.MAPPING)

PATTERNS = (b"abcd\x01", b"abcd\x04\0\0\0")
"""Their fifth byte is a width that there is."""


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


def bytes_of(buffer: Any) -> Any:
    """The bytes of a buffer, an array that writes through to it."""
    return buffer.map().asarray([buffer.byte_length()], np.dtype(np.uint8))


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
    buffer = device.allocator.allocate_buffer(MEMORY, USAGE, 40)
    found = 0
    for pattern in PATTERNS:
        bytes_of(buffer)[:] = 0
        word = int.from_bytes(pattern, "little")
        came = came_of(submitted, hal, device, "fill", buffer, 0, 40, word, len(pattern))
        came += f"; the buffer begins with {bytes_of(buffer)[:8].tobytes()!r}"
        found |= judged(f"fill with the pattern {pattern!r}", "INVALID_ARGUMENT", came)
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
