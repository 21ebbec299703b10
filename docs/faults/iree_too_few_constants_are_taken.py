"""A dispatch with fewer constants than its kernel has is done, with what was there for the rest.

The rest are those of the dispatch before it in the same command buffer, or nought.

Requirement: EXE-6 of docs/spec.md
Drivers:     vulkan
Severity:    wrong data
Seen with:   iree-base-runtime 3.13.0rc20261016, vulkan on llvmpipe
Cause:       runtime/src/iree/hal/drivers/vulkan/command_buffer.c (line 2940 of the wheel): the
             length of the constants is compared with the kernel's for being greater only.
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

DRIVERS = ("vulkan",)
SEVERITY = "wrong data"
REQUIREMENTS = ("EXE-6",)
SEEN_WITH = "iree-base-runtime 3.13.0rc20261016, vulkan on llvmpipe"

MEMORY = int(rt.MemoryType.DEVICE_LOCAL | rt.MemoryType.HOST_VISIBLE)
USAGE = int(rt.BufferUsage.DEFAULT | rt.BufferUsage.MAPPING)

# The module that `Calls` calls, compressed. Compiled with --compile-from=vm from this, and the
# same for 0, 3 and 4 words:
#
#     !buffer = !vm.ref<!hal.buffer>
#     !commands = !vm.ref<!hal.command_buffer>
#     !executable = !vm.ref<!hal.executable>
#     vm.module public @calls {
#       vm.import private @hal.command_buffer.dispatch(%commands: !commands,
#           %executable: !executable, %function: i64, %x: i32, %y: i32, %z: i32, %flags: i64,
#           %constants: i32 ..., %bindings: tuple<i32, i32, !buffer, i64, i64> ...)
#       vm.func private @dispatch_1(%commands: !commands, %executable: !executable,
#           %buffer: !buffer, %word: i32) {
#         %zero = vm.const.i32.zero
#         %one = vm.const.i32 1
#         %none = vm.const.i64.zero
#         %length = vm.const.i64 16
#         vm.call.variadic @hal.command_buffer.dispatch(%commands, %executable, %none, %one, %one,
#             %one, %none, [%word], [(%zero, %zero, %buffer, %none, %length)])
#             : (!commands, !executable, i64, i32, i32, i32, i64, i32 ...,
#                tuple<i32, i32, !buffer, i64, i64> ...)
#         vm.return
#       }
#       vm.export @dispatch_1
#       ...
#     }
DISPATCH_CALLS = zlib.decompress(
    base64.b64decode(
        "eNqVUr1Kw1AYPUmvGrXaig6CIiodHEqpWpwchEYw4CQOKoWSppFeqD+kVXQRH8AnEB/AsZOzD+AD+BAOjg5qPbe9"
        "sTVm6Q0nud859zs5CV9SABYAZ297e+Gz3c5wnyW2CJvYIQ6ID4M3TME2gSHuPLdeb6C7bxEPxC1RIjYJdfxRP5XO"
        "12CXRZZIEm+au+O+SZQIm2gxg+JTxFLNref8K9+7aLqVuo8XrU2Hmnd2cuKeVsuVi+NjP8Cb1sdDXfPiq8snCLlR"
        "wEx/vb6GTF/NNuRYZ3W+La3NEPkgcKSUTlHaRSkDx7HLl+qvzHX7InFyVdk4d5teDTf0sLT/GBEK5QJwrzUzqq0D"
        "T1ozotoq8Kpz/eHzwLvmR7p5A8mI4vs/NxvDZWM4Vau1h3AZGOaXqJnY7+Msci09K/2cxfBHEa5G7ppDMNGZKUya"
        "SKX1AYFDNUijaP9ZqjMJPBvPpj5okjFgslYJe2/49TUxKXq+w/G+ymOi4yvYoC7RSamcBZt6zoP5JuiQ+ueLGO/B"
        "fAW707G+8amVkcUzFv+eui9j5bdDcWnO9ayu57GIDAZdPz5H1YE="
    )
)

# A kernel of four constants that stores them in its buffer, compressed; the function @constants
# of drivers/iree/compiled/kernels.mlir in an executable of its own, without debug information.
KERNEL = zlib.decompress(
    base64.b64decode(
        "eNqdlMlKA0EQhttkJjOamEyi0bjF7SIoohcJiIKCKHgRhVybGOKCS2Qm8eRT+Bw+ig+QN/AFPAgu4989f4dGPdmh"
        "qKmqr2vpnkz9cG9dYD054l/Lh9SR4+I9jgM81yArkAfIAESlfURMcRUYg9DN9m3Uadx2IjI56iVID2yF+5RvjnUC"
        "2mq9gnGs/F+wPYs3/umPhHuBpFOLnopUxFg/Z1GkNKu0WkMiK06O6vLw4FhGnXbYOG/J0+7ZWSvsm83rRqTaFnmR"
        "1nvU/oLICJdz2LMF8Od0/oQz4uLUMtBS3nWjC2m2yPtGKKWOe/qcpAxbUbsbNls6tIYfYu6vOvuYVnWT4dwHYFKc"
        "cZF6H4TypRj3/4j7jKt8qv58P5bYC7TLsB3rbpZpu+bc2Y/xVVk7rfc4+gwGWWuTdoa+KvswrMdz9cl65JRvBBmy"
        "us807k7oZ9NL/kdvBZ69sQPWN3bRqlliDYf2FOspewMTZWkn74wQb8g0DL2DKUq6r2SePGWLNUYZM1zZ4goWN8aY"
        "4cYtLrC4CmOGm7C4osVNMraL6JS+n2Q+0982Jp9mf4aZsZgCmRn2ZpiqxQRkquzLMLMWUyQzy54+cSM1yHMcx3M8"
        "316cfCtcznK1enN9Gf7+bvi4AUf/j3zonK7vaG++f1cJNUp/IL4B/FJnYQ=="
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
    """Calls of the HAL that Python cannot make, by the functions of `DISPATCH_CALLS`."""

    def __init__(self, device: Any) -> None:
        instance = rt.VmInstance()
        hal = rt.create_hal_module(instance, devices=[device])
        self.module = rt.VmModule.copy_buffer(instance, DISPATCH_CALLS)
        self.context = rt.VmContext(instance, modules=[hal, self.module])


def submitted(hal: Hal, device: Any, name: str, *args: Any) -> str:
    """Submits an operation of the queue that waits for nothing, and waits for its end."""
    done = device.create_semaphore(0)
    wait, signal = rt.HalFence(1), rt.HalFence.create_at(done, 1)
    hal(f"device.queue.{name}", hal.device, -1, wait, signal, *args, 0)
    return "done" if done.wait(1, timeout=2 * 10**9) else "not done after 2 s"


def bytes_of(buffer: Any) -> Any:
    """The bytes of a buffer, an array that writes through to it."""
    return buffer.map().asarray([buffer.byte_length()], np.dtype(np.uint8))


def executable_of(hal: Hal) -> Any:
    """The executable with the kernel, loaded."""
    texts = []
    for text in (b"vulkan-spirv-fb", KERNEL, b""):
        buffer = rt.VmBuffer(len(text))
        memoryview(buffer)[:] = text
        texts.append(buffer)
    return hal("executable.create", hal.device, -1, *texts)


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
    executable = executable_of(hal)
    before, buffer = (device.allocator.allocate_buffer(MEMORY, USAGE, 16) for _ in range(2))
    found = 0
    for count in (0, 1, 3):
        commands = hal("command_buffer.create", hal.device, 1, 3, -1, 0)
        calls("dispatch_4", commands, executable, before, 7)
        came = came_of(calls, f"dispatch_{count}", commands, executable, buffer, 9)
        if "no error" in came:
            hal("command_buffer.finalize", commands)
            came = came_of(submitted, hal, device, "execute", commands)
            came += f"; the kernel had {bytes_of(buffer).view('i4').tolist()}"
        doing = f"dispatch of {count} of 4 constants, all 9, after one whose constants were 7"
        found |= judged(doing, "INVALID_ARGUMENT", came)
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
