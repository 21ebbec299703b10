"""A fill over a binding table whose range wraps past 2**64 is done, and writes before the range.

What is written is in front of the range that the table has: here inside the buffer, and where
the range is the buffer's start, before the buffer.

Requirement: CMD-3 of docs/spec.md
Drivers:     local-task
Severity:    wrong data
Seen with:   iree-base-runtime 3.13.0rc20261016
Cause:       runtime/src/iree/hal/command_buffer_validation.c,
             iree_hal_command_buffer_fill_buffer_validation: the end of what is filled is offset
             + length without a check that it wraps, and the end alone is compared with the
             table's range. Where local-task adds the offset to the range's was not looked for;
             the other drivers check again.
"""

from __future__ import annotations

import base64
import os
import sys
import traceback
import zlib
from collections.abc import Callable
from typing import Any

import iree.runtime as rt
import numpy as np

DRIVERS = ("local-task",)
SEVERITY = "wrong data"
REQUIREMENTS = ("CMD-3",)
SEEN_WITH = "iree-base-runtime 3.13.0rc20261016"

MEMORY = int(rt.MemoryType.DEVICE_LOCAL | rt.MemoryType.HOST_VISIBLE)
USAGE = int(rt.BufferUsage.DEFAULT | rt.BufferUsage.MAPPING)

START = 512

# The module that `Calls` calls, compressed. Compiled with --compile-from=vm from:
#
#     !buffer = !vm.ref<!hal.buffer>
#     !commands = !vm.ref<!hal.command_buffer>
#     !device = !vm.ref<!hal.device>
#     !fence = !vm.ref<!hal.fence>
#     vm.module public @calls {
#       vm.import private @hal.command_buffer.fill_buffer(%commands: !commands, %target: !buffer,
#           %offset: i64, %length: i64, %slot: i32, %pattern: i64, %width: i32, %flags: i64)
#       vm.import private @hal.device.queue.execute.indirect(%device: !device, %affinity: i64,
#           %wait: !fence, %signal: !fence, %commands: !commands, %flags: i64,
#           %table: tuple<!buffer, i64, i64> ...)
#       vm.func private @fill(%commands: !commands, %slot: i32, %offset: i64, %length: i64,
#           %pattern: i64, %width: i32) {
#         %none = vm.const.ref.zero : !buffer
#         %flags = vm.const.i64.zero
#         vm.call @hal.command_buffer.fill_buffer(%commands, %none, %offset, %length, %slot,
#             %pattern, %width, %flags) : (!commands, !buffer, i64, i64, i32, i64, i32, i64) -> ()
#         vm.return
#       }
#       vm.export @fill
#       vm.func private @execute(%device: !device, %affinity: i64, %wait: !fence, %signal: !fence,
#           %commands: !commands, %buffer: !buffer, %offset: i64, %length: i64) {
#         %flags = vm.const.i64.zero
#         vm.call.variadic @hal.device.queue.execute.indirect(%device, %affinity, %wait, %signal,
#             %commands, %flags, [(%buffer, %offset, %length)])
#             : (!device, i64, !fence, !fence, !commands, i64, tuple<!buffer, i64, i64> ...)
#         vm.return
#       }
#       vm.export @execute
#     }
TABLE_CALLS = zlib.decompress(
    base64.b64decode(
        "eNqNkj9PwkAYxt9CrRVJg5HBwRg0DA6kIUqcSYTEJgzGCQkJYLmGJgVjpQQSB0YHP4ijg6NDJ2dHP4CjH0E5n2uv"
        "SXXyml/7vs/d++fu+pYh0onIumg2O9+cl2FXQAOcgXPQBp8KXrRFBaxfg2UPPO8WXw28gEfwAEagBapAhDwBhJAO"
        "51naXdh1Jbbv8O2DD9RW4efA/mjgmQ6b2IzoS+qbiT5kMxcTxVWsbye6fT0eDybD3lXgOMyn2upPnNRbUs8C96RG"
        "3bR/fEReykcYzVbxmQjtXs4ZYn++5fu+depbVqM3Q414vWzPvAlYwEw2Z3YwZaY7Gbo+s6dY84ocJZnvPdVjFcks"
        "Fw+S7clcv7dkOq7nJdsjg3OuyzNeB7IUVXicUyACxK3VebqO6Bu1UKct9Y1Idy00ILYS3YsYZUqGQnmoh7BqKU3H"
        "n9CHtSgoSyMX/SZL9BQqYSaqr2GFuM+OjFgYGl2i4SU65qmhiA5CZAwzYTbUSJXxSZzIo4J89D5AH6qcEVqBirQj"
        "/V0qpbr+z/gBt8Oe7w=="
    )
)


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


class Calls(Hal):
    """Calls of the HAL that Python cannot make, by the functions of `TABLE_CALLS`."""

    def __init__(self, device: Any) -> None:
        instance = rt.VmInstance()
        hal = rt.create_hal_module(instance, devices=[device])
        self.module = rt.VmModule.copy_buffer(instance, TABLE_CALLS)
        self.context = rt.VmContext(instance, modules=[hal, self.module])


def executed(hal: Hal, calls: Calls, device: Any, commands: Any, *table: Any) -> str:
    """Executes a command buffer over a table of one range, and waits for its end."""
    done = device.create_semaphore(0)
    wait, signal = rt.HalFence(1), rt.HalFence.create_at(done, 1)
    calls("execute", hal.device, -1, wait, signal, commands, *table)
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
    hal, calls = Hal(device), Calls(device)
    whole = device.allocator.allocate_buffer(MEMORY, USAGE, 1024)
    bytes_of(whole)[:] = ord(".")
    commands = hal("command_buffer.create", hal.device, 0, 3, -1, 1)  # a capacity of 1
    calls("fill", commands, 0, -4, 8, ord("x"), 1)
    hal("command_buffer.finalize", commands)
    came = came_of(executed, hal, calls, device, commands, whole, START, 16)
    changed = np.flatnonzero(bytes_of(whole) != ord(".")) - START
    came += f"; bytes of the range that were written: {changed.tolist()}"
    return judged("fill(2**64 - 4, 8) in a range of 16 bytes", "OUT_OF_RANGE", came)


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
