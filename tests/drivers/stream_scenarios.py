"""What tests have the drivers over streams do in a process of its own, on a stand-in.

    python -m tests.drivers.stream_scenarios NAME DRIVER [ARGUMENT...]

A scenario, a function of this module, prints what it has seen as JSON, in its last line.
"""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from typing import Any

from cts import registry
from cts.hal import (
    Buffer,
    BufferRange,
    BufferUsage,
    Device,
    HandleType,
    MemoryType,
    Semaphore,
    live_counts,
)
from cts.work_cases import Waiter
from cts.work_cases.dispatch import USAGE
from cts.work_cases.kernels import COUNT
from cts.work_cases.operations import Bench

from .stream_subject import (
    FAILED,
    NEEDING_MEMORY,
    OUT_OF_MEMORY,
    PEER_ACCESS_UNSUPPORTED,
    Subject,
    fill_and_check,
    told,
)

BEYOND_POOL = 2 << 20
"""Bytes of a buffer that no pool has."""
OPERATIONS = (*Bench.OPERATIONS, *Bench.OPTIONAL)


# -- what it says -------------------------------------------------------------------------------


def absence(name: str) -> str:
    """Asks whether the driver is available: why not."""
    return str(registry.load(name)().available())


def start(name: str) -> str:
    """Asks whether the driver is available: what that comes to."""
    return told(registry.load(name)().available)


def devices(name: str) -> list[dict[str, Any]]:
    """Makes a device of each that there is: what it says of itself."""
    subject = Subject(name, 99)
    seen = []
    for number, info in enumerate(subject.infos):
        with subject.group(number) as (device,):
            capabilities = device.query_capabilities()
            seen.append(
                {
                    "path": info.path,
                    "obtained_on": info.obtained_on,
                    "flags": [flag.name for flag in capabilities.flags],
                    "numa_node": capabilities.numa_node,
                    "exports": [kind.name for kind in capabilities.buffer_export_types],
                    "imports": [kind.name for kind in capabilities.buffer_import_types],
                    "is_partition": device.query_i64(f"{name}.device", "is_partition"),
                    "multiprocessors": device.query_i64(f"{name}.device", "multiprocessors"),
                    "work": told(partial(fill_and_check, device)),
                }
            )
    return seen


def fill_and_wait(device: Device, target: Buffer) -> None:
    """Has a device fill another one's buffer."""
    with device.create_semaphore() as line:
        device.queue_fill(target, 0, 4, b"x", signal=[(line, 1)])
        line.wait(1)


def copy_and_check(owner: Device, source: Buffer, device: Device) -> None:
    """Has one device write the first bytes of its buffer, and another one copy them."""
    with owner.create_semaphore() as line:
        owner.queue_update(b"from", source, 0, signal=[(line, 1)])
        line.wait(1)
    with device.allocator.allocate(4) as target, device.create_semaphore() as line:
        device.queue_copy(source, 0, target, 0, 4, signal=[(line, 1)])
        line.wait(1)
        assert target.read() == b"from"


def edges(name: str, refused: str = "") -> dict[str, list[str]]:
    """Groups all devices, some of which may refuse: link, read modes and handles of each edge, and
    whether the one fills the other's memory, and copies from it."""
    subject = Subject(name, 99)
    numbers = range(len(subject.infos))
    calls = (refused,) if refused else ()
    seen = {}
    with (
        subject.failing(PEER_ACCESS_UNSUPPORTED[name], *calls),
        subject.group(*numbers) as made,
        ExitStack() as held,
    ):
        assert made[0].topology_info is not None
        topology = made[0].topology_info.topology
        buffers = [
            held.enter_context(
                device.allocator.allocate(
                    4, memory_type=MemoryType.DEVICE_LOCAL, usage=BufferUsage.TRANSFER
                )
            )
            for device in made
        ]
        for src in numbers:
            for dst in numbers:
                edge = topology.query_edge(src, dst)
                assert edge is not None
                use = partial(fill_and_wait, made[dst], buffers[src])
                copy = partial(copy_and_check, made[src], buffers[src], made[dst])
                seen[f"{src}{dst}"] = [
                    edge.link_class.name,
                    edge.buffer_read_mode_noncoherent.name,
                    "|".join(str(kind.name) for kind in HandleType(edge.buffer_import_types)),
                    told(use),
                    told(copy),
                ]
    return seen


# -- calls that fail ----------------------------------------------------------------------------


def shortage(name: str) -> dict[str, Any]:
    """Does one thing after another while a call that it makes has no memory, and then again."""
    subject = Subject(name)
    seen: dict[str, Any] = {}
    with subject.group(0) as (device,), ExitStack() as held:
        actions = _actions(subject, device, held)
        for what, call in NEEDING_MEMORY[name].items():
            device.trim()
            with subject.failing(OUT_OF_MEMORY[name], call):
                first = told(actions[what])
            seen[what] = [first, told(actions[what])]
        device.trim()
    seen["alive"] = alive()
    seen["new"] = subject.works()
    return seen


def _actions(subject: Subject, device: Device, held: ExitStack) -> dict[str, Callable[[], object]]:
    """What needs memory."""
    buffer = held.enter_context(device.allocator.allocate(64, usage=USAGE))
    format = subject.driver.properties.executable_formats[0]
    code = subject.driver.conformance_executable(format)

    def dispatch() -> None:
        with device.create_executable(format, code) as made:
            place = made.lookup(COUNT.name)
            device.queue_dispatch(made, place, (1, 1, 1), [BufferRange(buffer)])

    def allocate(**how: Any) -> Callable[[], None]:
        return lambda: device.allocator.allocate(BEYOND_POOL, **how).release()

    def allocate_in_queue() -> None:
        device.queue_dealloca(device.queue_alloca(BEYOND_POOL))

    bare = {"memory_type": MemoryType.DEVICE_LOCAL, "usage": BufferUsage.TRANSFER}
    on_host = {"memory_type": MemoryType.HOST_LOCAL}
    return {
        "allocate": allocate(),
        "of the device": allocate(**bare),
        "to let peers use": allocate(**bare),
        "of the host": allocate(**on_host),
        "to share": allocate(export_types=HandleType.OPAQUE_FD),
        "to map": allocate(export_types=HandleType.OPAQUE_FD),
        "for other drivers": allocate(export_types=HandleType.DMA_BUF),
        "by name": allocate(export_types=HandleType.SHM),
        "in the queue": allocate_in_queue,
        "update": lambda: device.queue_update(bytes(64), buffer, 0),
        "fill": lambda: device.queue_fill(buffer, 0, 2, b"xy"),
        "load": dispatch,
        "look up": dispatch,
        "launch": dispatch,
    }


def alive() -> dict[str, int]:
    """Objects that are there, by type."""
    return {name: n for name, n in live_counts().items() if n}


def creation(name: str, call: str, code: str) -> dict[str, Any]:
    """Makes a device while a call fails, and then another."""
    subject = Subject(name)
    with subject.failing(int(code), call):
        first = told(lambda: subject.driver.create_device(subject.infos[0]))
    left, then = alive(), subject.works()
    return {"first": first, "left": left, "then": then}


# -- code ---------------------------------------------------------------------------------------


def modules(name: str, *images: str) -> list[str]:
    """Prepares modules that are none, each in a good archive."""
    subject = Subject(name)
    kind = registry.load(name)
    archive = importlib.import_module("cts.drivers._stream.archive")
    format = kind.executable_format  # type: ignore[attr-defined]
    good = archive.unpack(format, subject.driver.conformance_executable(format.name))
    with subject.group(0) as (device,):

        def prepare(image: bytes) -> str:
            data = archive.pack(format, archive.Archive(good.entry_points, image))
            return told(lambda: device.create_executable(format.name, data).release())

        return [prepare(bytes.fromhex(image)) for image in images]


# -- loss ---------------------------------------------------------------------------------------


def _trap(subject: Subject, device: Device) -> None:
    subject.driver.provoke_loss(device)


def loss(name: str, call: str) -> dict[str, Any]:
    """Has a call tell of a sticky error with work pending: what that call came to, and all after
    it; whether the device of another GPU works, what is left alive, and a new device works."""
    subject = Subject(name)
    with subject.group(0, 1) as (device, other):
        bench = Bench(device)
        submits = {operation: bench.prepared(operation) for operation in OPERATIONS}
        line, never = device.create_semaphore(), device.create_semaphore()
        pending = {operation: device.create_semaphore() for operation in OPERATIONS}
        for operation, submit in submits.items():
            submit([(never, 1)], [(pending[operation], 1)])
        waiter = Waiter(line, 1)
        with subject.failing(FAILED[name], call):
            seen: dict[str, Any] = {"at once": told(lambda: _use(device))}
        seen["waiter"] = getattr(waiter.end(), "name", "waiting")
        seen["other"] = told(partial(fill_and_check, other))
        seen["pending"] = {key: told(partial(p.wait, 1, 5.0)) for key, p in pending.items()}
        seen["later"] = {key: told(partial(submit, [], [])) for key, submit in submits.items()}
        uses: dict[str, Callable[[], object]] = {
            "allocate": partial(device.allocator.allocate, 4),
            "read": bench.target.read,
            "create_semaphore": device.create_semaphore,
            "query": never.query,
            "signal": partial(never.signal, 1),
            "wait": partial(line.wait, 0, 1.0),
        }
        seen["later"] |= {key: told(use) for key, use in uses.items()}
        bench.release()
        seen["new"] = subject.works()
        for semaphore in (line, never, *pending.values()):
            semaphore.release()
    seen["alive"] = alive()
    return seen


def _use(device: Device) -> None:
    """Makes the calls that a device makes most."""
    with device.create_semaphore() as gate, device.create_semaphore() as after:
        device.queue_barrier(wait=[(gate, 1)], signal=[(after, 1)])
        gate.signal(1)
        after.wait(2 - 1)
        after.wait(2, 0.05)


def fault(name: str) -> dict[str, Any]:
    """Has a kernel write beyond its buffer: what its device comes to, and another one."""
    subject = Subject(name)
    with subject.group(0, 1) as (device, other), ExitStack() as held:
        format = subject.driver.properties.executable_formats[0]
        code = subject.driver.conformance_executable(format)
        executable = held.enter_context(device.create_executable(format, code))
        usage = BufferUsage.DISPATCH_STORAGE | BufferUsage.TRANSFER
        buffer = held.enter_context(
            device.allocator.allocate(BEYOND_POOL, memory_type=MemoryType.DEVICE_LOCAL, usage=usage)
        )
        line = held.enter_context(device.create_semaphore())
        far = executable.lookup(COUNT.name), (1 << 26, 1, 1), [BufferRange(buffer)]
        # Which tells of it already where the kernel was faster than what comes behind it.
        told(lambda: device.queue_dispatch(executable, *far, signal=[(line, 1)]))
        seen: dict[str, Any] = {"waiter": told(partial(line.wait, 1, 20.0))}
        seen["later"] = told(device.create_semaphore)
        seen["other"] = told(partial(fill_and_check, other))
    seen["new"] = subject.works()
    seen["alive"] = alive()
    return seen


def loss_across(name: str) -> dict[str, str]:
    """Loses a device on whose stream others wait natively, two of them in a chain."""
    subject = Subject(name, 4)
    with subject.group(0, 1, 2) as (device, other, third), ExitStack() as held:
        lines = [held.enter_context(made.create_semaphore()) for made in (device, other, third)]
        first, second, last = lines
        format = subject.driver.properties.executable_formats[0]
        code = subject.driver.conformance_executable(format)
        executable = held.enter_context(device.create_executable(format, code))
        buffer = held.enter_context(device.allocator.allocate(4 << 20, usage=USAGE))
        long = executable.lookup(COUNT.name), (1 << 20, 1, 1), [BufferRange(buffer)]
        for _ in range(60):
            device.queue_dispatch(executable, *long)
        held.callback(lambda: None)
        device.queue_barrier(signal=[(first, 1)])
        other.queue_barrier(wait=[(first, 1)], signal=[(second, 1)])
        third.queue_barrier(wait=[(second, 1)], signal=[(last, 1)])
        device.context.lose("a test", "LOST")  # type: ignore[attr-defined]
        ends = {str(n): told(partial(line.wait, 1, 5.0)) for n, line in enumerate(lines)}
        works = {
            "other": told(partial(fill_and_check, other)),
            "third": told(partial(fill_and_check, third)),
        }
    return ends | works | {"new": subject.works()}


def shared_timeline(name: str) -> dict[str, Any]:
    """Has a stream of one device wait for another's, while the host signals what comes before."""
    subject = Subject(name)
    seen: dict[str, Any] = {}
    with subject.group(0, 1) as (device, other), ExitStack() as held:
        here: Semaphore = held.enter_context(device.create_semaphore())
        handle = device.export_semaphore(here, HandleType.NATIVE)
        there = held.enter_context(other.import_semaphore(handle, HandleType.NATIVE))
        done = held.enter_context(other.create_semaphore())
        other.queue_barrier(wait=[(there, 2)], signal=[(done, 1)])
        device.queue_barrier(wait=[(here, 1)], signal=[(here, 2)])
        seen["before"] = done.query()
        there.signal(1)
        done.wait(1)
        seen["after"] = [here.query(), there.query(), done.query()]
    return seen


if __name__ == "__main__":
    print(json.dumps(globals()[sys.argv[1]](*sys.argv[2:])))
