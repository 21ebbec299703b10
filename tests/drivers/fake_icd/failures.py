"""Scenarios in which calls of Vulkan fail."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from typing import Any

from cts.hal import BufferRange, Device, Driver, Semaphore
from cts.work_cases import Waiter
from cts.work_cases.dispatch import USAGE
from cts.work_cases.kernels import COUNT
from cts.work_cases.operations import Bench

from .doings import FORMAT, alive, failing, fill_and_check, group_of, make_driver, said, told, works

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


def creation(call: str, result: str) -> dict[str, Any]:
    """Makes a device while a call fails, and then another."""
    driver = make_driver()
    with failing(int(result), call):
        first = said(driver.create_device)
    left, then = alive(), works(driver)
    driver.close()
    return {"first": first, "left": left, "then": then}


def shortage() -> dict[str, Any]:
    """Does one thing after another while a call that it makes has no memory, and then again."""
    driver = make_driver()
    seen: dict[str, Any] = {}
    with group_of(driver, 1) as (device,), ExitStack() as held:
        for name, (call, action) in _actions(device, driver, held).items():
            device.trim()
            with failing(OUT_OF_MEMORY, call):
                first = told(action)
            seen[f"{name}: {call}"] = [first, told(action)]
        device.trim()
        seen["a held fill"] = _held_fill(device)
    driver.close()
    seen["alive"] = alive()
    return seen


def _actions(
    device: Device, driver: Driver, held: ExitStack
) -> dict[str, tuple[str, Callable[[], object]]]:
    """What needs memory, and the call that has none."""
    buffer = held.enter_context(device.allocator.allocate(64, usage=USAGE))
    unmapped = held.enter_context(device.allocator.allocate(BEYOND_POOL))
    line = held.enter_context(device.create_semaphore())
    code = driver.conformance_executable(FORMAT)

    def fill() -> None:
        device.queue_fill(buffer, 0, 4, b"x")

    def fill_a_part() -> None:
        device.queue_fill(buffer, 1, 2, b"x")

    def dispatch() -> None:
        with device.create_executable(FORMAT, code) as made:
            place = made.lookup(COUNT.name)
            device.queue_dispatch(made, place, (1, 1, 1), [BufferRange(buffer)])

    def record() -> None:
        with device.create_command_buffer() as commands:
            commands.begin()
            commands.fill(buffer, 0, 4, b"x")
            commands.end()

    def allocate() -> None:
        device.allocator.allocate(BEYOND_POOL).release()

    def allocate_in_queue() -> None:
        device.queue_dealloca(device.queue_alloca(BEYOND_POOL))

    return {
        "allocate": ("vkAllocateMemory", allocate),
        "make a buffer": ("vkCreateBuffer", allocate),
        "bind": ("vkBindBufferMemory", allocate),
        "allocate in the queue": ("vkAllocateMemory", allocate_in_queue),
        "map": ("vkMapMemory", lambda: unmapped.write(0, b"x")),
        "fill a part of a word": ("vkAllocateMemory", fill_a_part),
        "update one": ("vkCreateBuffer", lambda: device.queue_update(b"xyz", buffer, 3)),
        "begin": ("vkBeginCommandBuffer", fill),
        "end": ("vkEndCommandBuffer", fill),
        "record": ("vkEndCommandBuffer", record),
        "submit": ("vkQueueSubmit", device.queue_barrier),
        "semaphore": ("vkCreateSemaphore", lambda: device.create_semaphore().release()),
        "event": ("vkCreateEvent", lambda: device.create_event().release()),
        "signal": ("vkSignalSemaphore", lambda: line.signal(1)),
        "bindings": ("vkCreateDescriptorSetLayout", dispatch),
        "constants": ("vkCreatePipelineLayout", dispatch),
        "shader": ("vkCreateShaderModule", dispatch),
        "pipeline": ("vkCreateComputePipelines", dispatch),
        "pool": ("vkCreateDescriptorPool", dispatch),
        "sets": ("vkAllocateDescriptorSets", dispatch),
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
        seen["waiter"] = getattr(waiter.end(), "name", "waiting")
        seen["pending"] = {name: told(partial(p.wait, 1, 5.0)) for name, p in pending.items()}
        seen["later"] = {name: told(partial(it, [], [])) for name, it in submits.items()}
        uses: dict[str, Callable[[], object]] = {
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
