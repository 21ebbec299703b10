"""What tests have the Vulkan driver do in a process of its own, by whose environment its ICD is.

    python -m tests.drivers.fake_icd.scenarios NAME [ARGUMENT...]

A scenario prints what it has seen as JSON, in its last line.
"""

from __future__ import annotations

import importlib
import json
import os
import struct
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

from cts import registry
from cts.hal import (
    BufferRange,
    Device,
    DeviceGroup,
    DeviceGroupBuilder,
    Driver,
    Executable,
    HalError,
    Semaphore,
    live_counts,
)
from cts.work_cases import Waiter
from cts.work_cases.dispatch import USAGE, recording
from cts.work_cases.kernels import COUNT
from cts.work_cases.operations import Bench

FORMAT = "hal-cts-spirv"
OUT_OF_MEMORY, LOST = -2, -4
TELL_OF_LOSS = (
    "vkQueueSubmit",
    "vkWaitSemaphores",
    "vkGetSemaphoreCounterValue",
    "vkSignalSemaphore",
    "vkDeviceWaitIdle",
)
"""The calls by which a lost device shows."""
BEYOND_POOL = 2 << 20
"""Bytes of a buffer that no pool has."""
OPERATIONS = (*Bench.OPERATIONS, *Bench.OPTIONAL)


def make_driver() -> Driver:
    """The driver, with what it finds selected."""
    driver = registry.load("vulkan")()
    driver.select(driver.enumerate()[:1])
    return driver


@contextmanager
def group_of(driver: Driver, count: int) -> Iterator[list[Device]]:
    """So many devices in a group, which end with the block."""
    devices = [driver.create_device() for _ in range(count)]
    builder = DeviceGroupBuilder()
    for device in devices:
        builder.add_device(device)
    group: DeviceGroup = builder.finalize()
    yield devices
    for resource in (group, *devices):
        resource.release()


@contextmanager
def failing(result: int, *calls: str) -> Iterator[None]:
    """Has Vulkan functions fail within the block."""
    os.environ["FAKE_FAIL"] = ",".join(f"{call}={result}" for call in calls)
    try:
        yield
    finally:
        del os.environ["FAKE_FAIL"]


def told(action: Callable[[], object]) -> str:
    """The code that an action is refused with, or that it is done."""
    try:
        action()
    except HalError as error:
        return error.code.name
    return "done"


def said(action: Callable[[], object]) -> str:
    """The same with all that the error says."""
    try:
        action()
    except HalError as error:
        return str(error)
    return "done"


def works(driver: Driver) -> str:
    """Whether a new device does."""
    with group_of(driver, 1) as (device,):
        return told(lambda: fill_and_check(device))


def fill_and_check(device: Device) -> None:
    """Fills a new buffer, part of its words too."""
    with device.allocator.allocate(64) as buffer, device.create_semaphore() as line:
        device.queue_fill(buffer, 1, 62, b"\x77", signal=[(line, 1)])
        line.wait(1)
        assert buffer.read(1, 62) == b"\x77" * 62


def alive() -> dict[str, int]:
    """Objects that are there, by type."""
    return {name: n for name, n in live_counts().items() if n}


# -- scenarios ----------------------------------------------------------------------------------


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


def creation(call: str, result: str) -> dict[str, Any]:
    """Makes a device while a call fails, and then another."""
    driver = make_driver()
    with failing(int(result), call):
        first = said(driver.create_device)
    left, then = alive(), works(driver)
    driver.close()
    return {"first": first, "left": left, "then": then}


def shortage() -> dict[str, list[str]]:
    """Does one thing after another while a call that it needs has no memory, and then again."""
    driver = make_driver()
    code = driver.conformance_executable(FORMAT)
    with group_of(driver, 1) as (device,), device.create_executable(FORMAT, code) as made:
        seen = {}
        for name, (call, action) in _actions(device, made).items():
            device.trim()
            with failing(OUT_OF_MEMORY, call):
                first = told(action)
            seen[f"{name}, {call}"] = [first, told(action)]
        seen["a held fill, vkAllocateMemory"] = [_held_fill(device), told(device.trim)]
    driver.close()
    seen["alive"] = [str(alive())]
    return seen


def _actions(device: Device, made: Executable) -> dict[str, tuple[str, Callable[[], object]]]:
    """What needs memory, and the call that has none."""
    buffer = device.allocator.allocate(64, usage=USAGE)
    fresh = device.allocator.allocate(BEYOND_POOL)
    line = device.create_semaphore()

    def dispatch() -> None:
        place = made.lookup(COUNT.name)
        device.queue_dispatch(made, place, (1, 1, 1), [BufferRange(buffer)])

    def execute() -> None:
        with recording(device) as commands:
            commands.fill(buffer, 0, 4, b"\1")
        commands.release()

    def allocate() -> None:
        device.allocator.allocate(BEYOND_POOL).release()

    def allocate_in_queue() -> None:
        device.queue_dealloca(device.queue_alloca(BEYOND_POOL))

    things = (buffer, fresh, line)
    return {
        "allocate": ("vkAllocateMemory", allocate),
        "make a buffer": ("vkCreateBuffer", allocate),
        "bind": ("vkBindBufferMemory", allocate),
        "allocate in the queue": ("vkAllocateMemory", allocate_in_queue),
        "map": ("vkMapMemory", lambda: fresh.write(0, b"x")),
        "fill parts of words": ("vkAllocateMemory", lambda: device.queue_fill(buffer, 1, 2, b"x")),
        "update them": ("vkCreateBuffer", lambda: device.queue_update(b"xyz", buffer, 3)),
        "begin": ("vkBeginCommandBuffer", lambda: device.queue_fill(buffer, 0, 4, b"x")),
        "end": ("vkEndCommandBuffer", lambda: device.queue_fill(buffer, 0, 4, b"x")),
        "record": ("vkEndCommandBuffer", execute),
        "submit": ("vkQueueSubmit", device.queue_barrier),
        "semaphore": ("vkCreateSemaphore", lambda: device.create_semaphore().release()),
        "event": ("vkCreateEvent", lambda: device.create_event().release()),
        "signal": ("vkSignalSemaphore", lambda: line.signal(line.query() + 1)),
        "layout of bindings": ("vkCreateDescriptorSetLayout", dispatch),
        "layout": ("vkCreatePipelineLayout", dispatch),
        "shader": ("vkCreateShaderModule", dispatch),
        "pipeline": ("vkCreateComputePipelines", dispatch),
        "pool": ("vkCreateDescriptorPool", dispatch),
        "sets": ("vkAllocateDescriptorSets", dispatch),
        "the end": ("vkNothing", lambda: [thing.release() for thing in things]),
    }


def _held_fill(device: Device) -> str:
    """A fill that has no memory once what it waits for is reached."""
    with (
        device.allocator.allocate(64) as buffer,
        device.create_semaphore() as gate,
        device.create_semaphore() as line,
    ):
        device.queue_fill(buffer, 1, 2, b"x", wait=[(gate, 1)], signal=[(line, 1)])
        with failing(OUT_OF_MEMORY, "vkAllocateMemory"):
            gate.signal(1)
        return told(lambda: line.wait(1, 5))


WAYS: dict[str, tuple[str, Callable[[Device, Semaphore], object]]] = {
    "submit": ("vkQueueSubmit", lambda device, line: device.queue_barrier()),
    "held submit": ("vkQueueSubmit", lambda device, line: _gate_opens(device)),
    "wait": ("vkWaitSemaphores", lambda device, line: line.wait(0, 1)),
    "query": ("vkGetSemaphoreCounterValue", lambda device, line: line.query()),
    "signal": ("vkSignalSemaphore", lambda device, line: line.signal(1)),
    "create": ("vkCreateSemaphore", lambda device, line: device.create_semaphore()),
}
"""How a device is lost: the call that tells of it, and what makes that call."""


def _gate_opens(device: Device) -> None:
    with device.create_semaphore() as gate, device.create_semaphore() as after:
        device.queue_barrier(wait=[(gate, 1)], signal=[(after, 1)])
        gate.signal(1)
        after.wait(1)


def loss(way: str, lasts: str) -> dict[str, Any]:
    """Has a call tell of a device's loss with work pending: once, or all calls from then on.

    Gives what that call came to, and all after it; whether the other device of the group works,
    what is left alive, and whether a new device works.
    """
    driver = make_driver()
    call, lose = WAYS[way]
    with ExitStack() as fault, group_of(driver, 2) as (device, other):
        bench = Bench(device)
        submits = {name: bench.prepared(name) for name in OPERATIONS}
        line, never = device.create_semaphore(), device.create_semaphore()
        pending = {name: device.create_semaphore() for name in OPERATIONS}
        for name, submit in submits.items():
            submit([(never, 1)], [(pending[name], 1)])
        waiter = Waiter(line, 1)
        calls = (call,) if lasts == "once" else (call, *TELL_OF_LOSS)
        fault.enter_context(failing(LOST, *calls))
        seen: dict[str, Any] = {"at once": told(lambda: lose(device, line))}
        if lasts == "once":
            fault.close()
            seen["other"] = told(lambda: fill_and_check(other))
        code = waiter.end()
        seen["waiter"] = code if isinstance(code, str) else code.name
        seen["pending"] = {name: told(partial(p.wait, 1, 5.0)) for name, p in pending.items()}
        seen["later"] = {name: told(partial(it, [], [])) for name, it in submits.items()}
        uses = {
            "allocate": partial(device.allocator.allocate, 4),
            "read": bench.target.read,
            "create_semaphore": device.create_semaphore,
            "query": never.query,
            "signal": partial(never.signal, 1),
            "wait": partial(line.wait, 0, 1.0),
        }
        seen["later"] |= {name: told(use) for name, use in uses.items()}
        bench.release()
        for semaphore in (line, never, *pending.values()):
            semaphore.release()
    seen["alive"], seen["new"] = alive(), works(driver)
    driver.close()
    return seen


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
        seen["device"] = device.made_from.name if device.made_from else ""
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


if __name__ == "__main__":
    print(json.dumps(globals()[sys.argv[1]](*sys.argv[2:])))
