"""What tests have the Vulkan driver do in a process of its own, by whose environment its ICD is.

    python -m tests.drivers.fake_icd.scenarios NAME [ARGUMENT...]

A scenario, a function of this module or of `failures`, prints what it has seen as JSON, in its last
line.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import struct
import sys
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path
from typing import Any

from cts import registry
from cts.hal import DeviceGroup, HandleType, Semaphore
from cts.work_cases import Waiter, submitted

from . import failures
from .doings import FORMAT, fill_and_check, group_of, make_driver, said, told

AT_WORK = 64 << 20
"""Bytes of a fill that takes longer than its call."""


def absence() -> str:
    """Asks whether the driver is available: why not."""
    return str(registry.load("vulkan")().available())


def found() -> dict[str, Any]:
    """Enumerates, and makes a device of each that there is."""
    driver = registry.load("vulkan")()
    infos = driver.enumerate()
    codes = []
    for info in infos:
        with driver.create_device(info) as device, DeviceGroup.from_device(device):
            codes.append(told(partial(fill_and_check, device)))
    driver.close()
    return {"devices": [info.name for info in infos], "work": codes}


def executables() -> dict[str, Any]:
    """Prepares modules that are none, and that ask for what devices have and have not."""
    driver = make_driver()
    archive = importlib.import_module("cts.drivers.vulkan.archive")
    good = archive.unpack(driver.conformance_executable(FORMAT))[0]
    with group_of(driver, 1) as (device,):

        def prepare(*modules: bytes) -> str:
            data = archive.pack(modules)
            return said(lambda: device.create_executable(FORMAT, data).release())

        seen: dict[str, Any] = {name: prepare(module) for name, module in NO_MODULES.items()}
        seen["good and none"] = prepare(good, b"")
        seen["no archive"] = said(lambda: device.create_executable(FORMAT, good))
        seen["good"] = prepare(good)
        for name, number in CAPABILITIES.items():
            seen[name] = prepare(asking_for(good, number))
        seen["device"] = driver.enumerate()[0].name
    driver.close()
    return seen


NO_MODULES = {
    "empty": b"",
    "text": b"void main() {}\n\n",
    "header alone": struct.pack("<5I", 0x07230203, 0x00010000, 0, 8, 0),
    "big-endian": struct.pack(">5I", 0x07230203, 0x00010000, 0, 8, 0),
}
CAPABILITIES = {
    "Kernel": 6,
    "Float16": 9,
    "Float64": 10,
    "Int64": 11,
    "ImageBasic": 13,
    "unknown": 65535,
}
"""By their names in SPIR-V, their numbers."""


def asking_for(module: bytes, capability: int) -> bytes:
    """A module that asks for one capability more: the capabilities come first in it."""
    header = 5 * 4
    return module[:header] + struct.pack("<2I", 2 << 16 | 17, capability) + module[header:]


def answers() -> dict[str, Any]:
    """What a device and the driver say of themselves, and what becomes of what is past it."""
    driver = make_driver()
    properties = driver.properties
    with group_of(driver, 1) as (device,):

        def allocate_for(kind: HandleType) -> str:
            return told(lambda: device.allocator.allocate(4, export_types=kind).release())

        told_of = device.query_capabilities()
        seen: dict[str, Any] = {
            "flags": [flag.name for flag in told_of.flags],
            "exports": [kind.name for kind in told_of.buffer_export_types],
            "imports": [kind.name for kind in told_of.buffer_import_types],
            "jump": properties.max_semaphore_jump,
            "allocation": properties.max_allocation,
        }
        for kind in (HandleType.OPAQUE_FD, HandleType.SHM):
            seen[f"allocate for {kind.name}"] = allocate_for(kind)
    driver.close()
    return seen


def limits(jump: str, allocation: str) -> dict[str, list[str]]:
    """Goes up to a largest jump and allocation, and one further, in each way there is."""
    driver, most = make_driver(), int(jump)
    with group_of(driver, 1) as (device,), ExitStack() as held:
        lines = [held.enter_context(device.create_semaphore()) for _ in range(2)]

        def signal(line: Semaphore, value: int) -> str:
            return told(lambda: line.signal(value))

        def barrier(line: Semaphore, value: int) -> str:
            return told(lambda: device.queue_barrier(signal=[(line, value)]))

        def allocate(size: int) -> str:
            return told(lambda: device.allocator.allocate(size).release())

        seen = {
            "signal": [signal(lines[0], most + 1), signal(lines[0], most)],
            "again": [signal(lines[0], 2 * most + 1), signal(lines[0], 2 * most)],
            "barrier": [barrier(lines[1], most + 1), barrier(lines[1], most)],
            "after it": [barrier(lines[1], 2 * most + 1), barrier(lines[1], most + 1)],
            "allocate": [allocate(int(allocation) + 1), allocate(int(allocation))],
        }
    driver.close()
    return seen


def mappings() -> list[str]:
    """Writes through mappings, and has the queue copy what they have written: one that ends well,
    and one that ends with an error."""
    driver, seen = make_driver(), []
    with group_of(driver, 1) as (device,):
        source, target = device.allocator.allocate(8), device.allocator.allocate(8)
        for n, data in enumerate((b"it ended", b"it broke")):
            with suppress(ZeroDivisionError), source.map() as view:
                view[:] = data
                1 // (1 - n)
            with submitted(device) as signal:
                device.queue_copy(source, 0, target, 0, 8, signal=signal)
            seen.append(target.read().decode())
        source.release()
        target.release()
    driver.close()
    return seen


def fork() -> dict[str, Any]:
    """Forks with work under way, work held back and a thread that waits: the child exits, the
    parent goes on."""
    driver = make_driver()
    with group_of(driver, 1) as (device,), ExitStack() as held:
        large = held.enter_context(device.allocator.allocate(AT_WORK))
        gate, line = (held.enter_context(device.create_semaphore()) for _ in range(2))
        device.queue_fill(large, 0, AT_WORK, b"\x11")
        device.queue_fill(large, 1, 3, b"\x22", wait=[(gate, 1)], signal=[(line, 1)])
        waiter = Waiter(line, 1)
        child = os.fork()
        if child == 0:
            signal.alarm(10)
            sys.exit(0)
        _, status = os.waitpid(child, 0)
        gate.signal(1)
        seen = {"child": status, "waiter": waiter.end(), "bytes": large.read(0, 5).hex()}
    driver.close()
    return seen


def signals_past() -> list[Any]:
    """Signals from the host past what a submission under way signals, again and again.

    Gives what becomes of a signal that is not past it and of one that is, the payload and a byte
    after it, and what becomes of a wait.
    """
    driver, seen = make_driver(), []
    with (
        group_of(driver, 1) as (device,),
        device.allocator.allocate(AT_WORK) as buffer,
        device.create_semaphore() as line,
    ):
        for n in range(0, 20, 2):
            device.queue_fill(buffer, 0, AT_WORK, bytes([n]), signal=[(line, n + 1)])
            waiter = Waiter(line, n + 2)
            signals = [told(partial(line.signal, value)) for value in (n + 1, n + 2)]
            after = [line.query() - n, buffer.read(AT_WORK - 1, 1)[0] - n, waiter.end()]
            seen.append([*signals, *after])
    driver.close()
    return seen


def late_semaphores() -> list[str]:
    """Gives up semaphores that a submission has waited for and signalled, once it is done: what
    is called from there up to the end of another submission's, and after that."""
    driver, log = make_driver(), Path(os.environ["FAKE_LOG"])
    with group_of(driver, 1) as (device,), device.create_semaphore() as line:
        before, after = device.create_semaphore(1), device.create_semaphore()
        device.queue_barrier(wait=[(before, 1)], signal=[(after, 1)])
        after.wait(1)
        log.unlink()
        before.release()
        after.release()
        device.trim()
        called = [log.read_text()]
        device.queue_barrier(signal=[(line, 1)])
        line.wait(1)
        device.trim()
        called.append(log.read_text())
    driver.close()
    return called


if __name__ == "__main__":
    scenarios = vars(failures) | globals()
    print(json.dumps(scenarios[sys.argv[1]](*sys.argv[2:])))
