"""What the tests of AMD's stand-in do in a process of their own: its functions by ctypes, without
any of the driver's code.

Handles and addresses are integers of 64 bits, which is how the calling convention passes them.
"""

from __future__ import annotations

import ctypes
import importlib
import struct
import time
from collections.abc import Callable, Sequence
from ctypes import byref, c_int64, c_uint32, c_uint64, c_void_p
from typing import Any

code_objects = importlib.import_module("cts.drivers._code_objects")
ISA = "amdgcn-amd-amdhsa--gfx942:sramecc+:xnack-"
VENDOR, INVALID, DISPATCH, BARRIER_AND, BARRIER_OR = 0, 1, 2, 3, 5
BARRIER_BIT = 1 << 8
EQ, NE, LT, GTE = range(4)
FOREVER = 2**64 - 1
SECOND = 100_000_000
"""Ticks."""
GPU_ONLY = 1
Visitor = ctypes.CFUNCTYPE(ctypes.c_int, c_uint64, c_void_p)
QueueError = ctypes.CFUNCTYPE(None, ctypes.c_int, c_void_p, c_void_p)
EventHandler = ctypes.CFUNCTYPE(ctypes.c_int, c_void_p, c_void_p)
OF_VALUES = ("load", "wait", "add")

lib = ctypes.CDLL("libhsa-runtime64.so.1")
kept: list[Any] = []
"""What has to outlive its call."""


def call(name: str, *arguments: Any) -> int:
    """A function's status, or its value."""
    function = getattr(lib, name)
    is_value = any(f"_{word}_" in name for word in OF_VALUES)
    function.restype = c_int64 if is_value else ctypes.c_int
    given = [c_uint64(a % 2**64) if isinstance(a, int) else a for a in arguments]
    answer: int = function(*given)
    return answer


def ok(name: str, *arguments: Any) -> None:
    """Calls what has to succeed."""
    status = call(name, *arguments)
    assert not status, f"{name}: {status:#x}"


def made(name: str, *arguments: Any) -> int:
    """What a call gives back by its last parameter."""
    place = c_uint64()
    ok(name, *arguments, byref(place))
    return place.value


def visited(name: str, *arguments: Any) -> list[int]:
    """All handles that a function calls back with."""
    found: list[int] = []

    def visit(handle: int, _data: object) -> int:
        found.append(handle)
        return 0

    ok(name, *arguments, Visitor(visit), None)
    return found


def told(name: str, *arguments: Any) -> int:
    """An attribute that is a number."""
    return made(name, *arguments)


class Machine:
    """The runtime, started.

    Attributes
    ----------
    cpus, gpus : agents.
    """

    def __init__(self) -> None:
        ok("hsa_init")
        agents = visited("hsa_iterate_agents")
        kinds = [told("hsa_agent_get_info", agent, 17) for agent in agents]
        self.cpus = [a for a, kind in zip(agents, kinds, strict=True) if kind == 0]
        self.gpus = [a for a, kind in zip(agents, kinds, strict=True) if kind == 1]

    def pool(self, agent: int, place: int = 0) -> int:
        """A pool of an agent's."""
        return visited("hsa_amd_agent_iterate_memory_pools", agent)[place]

    def memory(self, agent: int, size: int = 4096, *, place: int = 0) -> int:
        """Memory of a pool of an agent's."""
        return made("hsa_amd_memory_pool_allocate", self.pool(agent, place), size, 0)

    def host(self, size: int = 4096, *, place: int = 0) -> int:
        """Memory of the host's that all GPUs may use."""
        address = self.memory(self.cpus[0], size, place=place)
        assert not allow(address, self.gpus)
        return address


def allow(address: int, agents: Sequence[int]) -> int:
    """The status of allowing agents to use memory."""
    some = (c_uint64 * len(agents))(*agents)
    return call("hsa_amd_agents_allow_access", len(agents), some, None, address)


def signal(value: int = 0, attributes: int = 0) -> int:
    """A new signal."""
    return made("hsa_amd_signal_create", value, 0, None, attributes)


def load(handle: int) -> int:
    """A signal's value."""
    return call("hsa_signal_load_scacquire", handle)


def wait(handle: int, seconds: float = 5.0, *, until: int = 0) -> int:
    """A signal's value once it is less than or equal to that, or after a time."""
    return call("hsa_signal_wait_scacquire", handle, LT, until + 1, int(seconds * SECOND), 0)


def copy(target: int, source: int, agents: tuple[int, int], size: int, *after: int) -> int:
    """The completion signal of a copy that waits for others."""
    done = signal(1)
    signals = (c_uint64 * len(after))(*after) if after else None
    given = target, agents[0], source, agents[1], size, len(after), signals, done
    ok("hsa_amd_memory_async_copy", *given)
    return done


def words(address: int, count: int = 1) -> list[int]:
    """What is in memory of the host's."""
    return list((c_uint32 * count).from_address(address))


class SharedQueue(ctypes.Structure):
    """What a queue shows of itself."""

    _fields_ = (
        ("type", c_uint32),
        ("features", c_uint32),
        ("base_address", c_uint64),
        ("doorbell", c_uint64),
        ("size", c_uint32),
        ("reserved", c_uint32),
        ("id", c_uint64),
    )


class Queue:
    """A queue, its packets, and what it tells.

    Attributes
    ----------
    handle : its address.
    errors : statuses that it has told.
    """

    def __init__(self, agent: int, size: int = 64) -> None:
        self.errors: list[int] = []

        def note(status: int, _queue: object, _data: object) -> None:
            self.errors.append(status)

        callback = QueueError(note)
        kept.append(callback)
        given = agent, size, 0, callback, None, 2**32 - 1, 2**32 - 1
        self.handle = made("hsa_queue_create", *given)
        self.shared = SharedQueue.from_address(self.handle)

    def put(self, body: bytes, header: int | None) -> int:
        """Writes a packet's bytes behind its header, and then that; gives its index."""
        index = call("hsa_queue_add_write_index_screlease", self.handle, 1)
        place = self.shared.base_address + 64 * (index % self.shared.size)
        ctypes.memmove(place + 2, body.ljust(62, b"\0"), 62)
        if header is not None:
            self.head(index, header)
        return index

    def head(self, index: int, header: int) -> None:
        """Writes a packet's header."""
        place = self.shared.base_address + 64 * (index % self.shared.size)
        ctypes.c_uint16.from_address(place).value = header

    def ring(self, index: int) -> None:
        """Rings the doorbell."""
        call("hsa_signal_store_screlease", self.shared.doorbell, index)

    def give(self, body: bytes, header: int) -> None:
        """Puts a packet, and rings."""
        self.ring(self.put(body, header))

    def read(self) -> int:
        """How many packets were taken."""
        return call("hsa_queue_load_read_index_scacquire", self.handle)


def barrier(*after: int, done: int = 0) -> bytes:
    """What follows the header of a packet that waits for signals to be 0."""
    dependencies = [*after, *[0] * (5 - len(after))]
    return struct.pack("<HI5QQQ", 0, 0, *dependencies, 0, done)


def barrier_value(handle: int, value: int, mask: int, condition: int, done: int = 0) -> bytes:
    """What follows the header of a packet that waits for a value."""
    return struct.pack("<BBIQqqIIQQQ", 2, 0, 0, handle, value, mask, condition, 0, 0, 0, done)


class Code:
    """The suite's kernels, loaded for a GPU."""

    def __init__(self, agent: int) -> None:
        self.agent = c_uint64(agent)
        self.image: bytes = code_objects.code_object_for(ISA, code_objects.hsaco())
        reader = made("hsa_code_object_reader_create_from_memory", self.image, len(self.image))
        self.executable = made("hsa_executable_create_alt", 1, 1, None)
        loading = self.executable, agent, reader, None, None
        ok("hsa_executable_load_agent_code_object", *loading)
        ok("hsa_executable_freeze", self.executable, None)

    def symbol(self, name: str) -> int:
        """A kernel's."""
        given = self.executable, f"{name}.kd".encode(), byref(self.agent)
        return made("hsa_executable_get_symbol_by_name", *given)

    def info(self, name: str, attribute: int) -> int:
        """A number of a kernel's."""
        return told("hsa_executable_symbol_get_info", self.symbol(name), attribute)


def dispatch(
    kernel: int,
    arguments: int,
    grid: tuple[int, int, int] = (1, 1, 1),
    *,
    group: tuple[int, int, int] = (1, 1, 1),
    sizes: tuple[int, int] = (0, 0),
    done: int = 0,
) -> bytes:
    """What follows the header of a packet that runs a kernel."""
    return struct.pack("<4HH3I2IQQQQ", 3, *group, 0, *grid, *sizes, kernel, arguments, 0, done)


def arguments(machine: Machine, explicit: bytes, counts: tuple[int, int, int] = (1, 1, 1)) -> int:
    """A kernel's arguments, with the counts of workgroups behind them."""
    place = machine.host(512)
    size = -(-len(explicit) // 8) * 8
    given = explicit.ljust(size, b"\0") + struct.pack("<3I", *counts)
    ctypes.memmove(place, given, len(given))
    return place


def soon(condition: Callable[[], bool], patience: float = 5.0) -> bool:
    """Whether something comes to be."""
    end = time.monotonic() + patience
    while not condition() and time.monotonic() < end:
        time.sleep(0.002)
    return condition()
