"""A forked child dies of SIGSEGV at its exit where the parent has two devices.

The child does nothing but end, and keeps every object, so that nothing of IREE ends there. The
script ends as the child does. (A child that keeps none has not ended after 5 s, on any driver;
it waits on a futex.)

It is llvmpipe's, not IREE's: two Vulkan instances and a fork do the same with no IREE, and
nothing happens where MESA_SHADER_CACHE_DISABLE=true is set.

Requirement: LIF-10 of docs/spec.md
Drivers:     vulkan
Severity:    crash
Seen with:   iree-base-runtime 3.13.0rc20261016, vulkan on llvmpipe of Mesa 22.3.6
Cause:       Mesa, src/util/u_queue.c: atexit_handler joins the threads of every queue, among
             them the shader caches', and a child has none of them. (It dies in exit,
             libvulkan_lvp.so, pthread_join.)
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import time
import traceback

import iree.runtime as rt

DRIVERS = ("vulkan",)
SEVERITY = "crash"
REQUIREMENTS = ("LIF-10",)
SEEN_WITH = "iree-base-runtime 3.13.0rc20261016, vulkan on llvmpipe of Mesa 22.3.6"

SECONDS = 5


def judged(doing: str, expected: str, came: str) -> int:
    """Prints what was expected and what came; 1 where they differ, which is the fault."""
    print(f"  {doing}\n    expected: {expected}\n    came:     {came}", flush=True)
    return int(expected not in came)


def main(driver_name: str) -> int:
    """The calls: 0 where they behave as the contract says, 1 where the fault is there."""
    rt._binding.disable_leak_checker()  # it would print what the child keeps on purpose
    driver = rt.get_driver(driver_name)
    devices = [driver.create_default_device() for _ in range(2)]
    child = os.fork()
    if child == 0:
        for kept in (driver, *devices):
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(kept))
        sys.exit(0)
    deadline = time.monotonic() + SECONDS
    while not (ended := os.waitpid(child, os.WNOHANG))[0]:
        if time.monotonic() > deadline:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return judged("exit of a forked child", "status 0", f"none after {SECONDS} s")
        time.sleep(0.01)
    status = os.waitstatus_to_exitcode(ended[1])
    found = judged("exit of a forked child", "status 0", f"status {status}")
    if status < 0:
        signal.raise_signal(signal.Signals(-status))
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
