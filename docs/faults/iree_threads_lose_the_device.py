"""The first submissions of several threads to a fresh device may lose it.

Requirement: QUE-12 of docs/spec.md
Drivers:     vulkan
Severity:    wrong code
Seen with:   iree-base-runtime 3.13.0rc20261016
Cause:       not looked for; on lavapipe of Mesa 22.3.6 the error is vkSignalSemaphore's. It took
             1 to 4 fresh devices with 16 threads, and a minute or more on one device with 4.
"""

from __future__ import annotations

import os
import sys
import threading
import time
import traceback
from collections.abc import Callable
from typing import Any

import iree.runtime as rt

DRIVERS = ("vulkan",)
SEVERITY = "wrong code"
REQUIREMENTS = ("QUE-12",)
SEEN_WITH = "iree-base-runtime 3.13.0rc20261016"

THREADS = 16
TURNS = 20
SIZE = 64
LIMIT = 60
"""Seconds after which it is taken not to happen."""


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


def work(device: Any, thread: int, buffers: Any, errors: list[str]) -> None:
    """Updates a part of one buffer, copies it to another, and so on, by a semaphore of its own."""
    source, target = buffers
    hal = Hal(device)
    line = device.create_semaphore(0)
    data = rt.VmBuffer(SIZE)
    try:
        for turn in range(0, 2 * TURNS, 2):
            start, middle, end = (rt.HalFence.create_at(line, turn + step) for step in range(3))
            at = thread * SIZE
            update = (data, 0, source, at, SIZE, 0)
            hal("device.queue.update", hal.device, -1, start, middle, *update)
            copy = (source, at, target, at, SIZE, 0)
            hal("device.queue.copy", hal.device, -1, middle, end, *copy)
            if turn % 20 == 18:
                line.wait(turn + 2)
    except RuntimeError as error:
        errors.append(str(error).partition("; while invoking")[0])


def main(driver_name: str) -> int:
    """The calls: 0 where they behave as the contract says, 1 where the fault is there."""
    driver = rt.get_driver(driver_name)
    kind = int(rt.MemoryType.DEVICE_LOCAL | rt.MemoryType.HOST_VISIBLE)
    usage = int(rt.BufferUsage.DEFAULT)
    kept: list[Any] = []
    errors: list[str] = []
    end = time.monotonic() + LIMIT
    while not errors and time.monotonic() < end:
        device = driver.create_default_device()
        make = device.allocator.allocate_buffer
        buffers = [make(kind, usage, THREADS * SIZE) for _ in range(2)]
        kept = [*kept[-7:], (device, buffers)]
        threads = [
            threading.Thread(target=work, args=(device, number, buffers, errors), daemon=True)
            for number in range(THREADS)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(LIMIT)
    return judged(
        f"submissions on {THREADS} threads", "no error", errors[0] if errors else "no error"
    )


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
