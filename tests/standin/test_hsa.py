"""AMD's stand-in for the HSA runtime does what its header says, and forgives nothing."""

from __future__ import annotations

import signal

import pytest

from . import StandIn
from .hsa_child import answers, ended, run

INVALID_ARGUMENT, INVALID_ALLOCATION, INVALID_AGENT = 0x1001, 0x1003, 0x1004
INVALID_SIGNAL, INVALID_QUEUE, OUT_OF_RESOURCES = 0x1006, 0x1007, 0x1008
INVALID_PACKET_FORMAT, NOT_INITIALIZED, INCOMPATIBLE = 0x1009, 0x100B, 0x100D
INVALID_CODE_OBJECT, INVALID_EXECUTABLE, FROZEN = 0x1010, 0x1011, 0x1012
INVALID_SYMBOL_NAME, EXCEPTION, INVALID_SYMBOL, INVALID_READER = 0x1013, 0x1016, 0x1019, 0x1021
INVALID_POOL = 40
PCIE, QPI, XGMI = 2, 1, 4
NEVER, BY_DEFAULT, ONCE_ALLOWED = range(3)


# -- what there is --------------------------------------------------------------------------


def test_the_agents_are_the_machines(stand_in: StandIn) -> None:
    code = """
def text(agent, attribute):
    place = ctypes.create_string_buffer(64)
    ok("hsa_agent_get_info", agent, attribute, place)
    return place.value.decode()
numbers = [[told("hsa_agent_get_info", a, n) for n in (16, 0xA006, 0xA00F)] for a in m.gpus]
near = [told("hsa_agent_get_info", a, 0xA113) == m.cpus[i // 2] for i, a in enumerate(m.gpus)]
[len(m.cpus), len(m.gpus), text(g, 0), text(g, 0xA011), text(c, 0xA011), numbers, near]
"""
    cpus, gpus, name, uuid, of_cpu, numbers, near = run(stand_in, code)
    assert (cpus, gpus, name, of_cpu, near) == (2, 4, "gfx942", "CPU-XX", [True] * 4)
    assert len(uuid) == len("GPU-") + 16
    assert numbers == [[2 + n, bus << 8, 0xFFFF] for n, bus in enumerate((0x41, 0x42, 0x81, 0x82))]


@pytest.mark.parametrize(("machine", "cpus", "gpus"), [("one", 1, 1), ("two", 1, 2)])
def test_there_are_other_machines(stand_in: StandIn, machine: str, cpus: int, gpus: int) -> None:
    assert run(stand_in, "[len(m.cpus), len(m.gpus)]", MACHINE=machine) == [cpus, gpus]


def test_without_a_gpu_it_does_not_start(stand_in: StandIn) -> None:
    start = "import json\nfrom tests.standin.hsa_process import *\n"
    code = '[call("hsa_init"), call("hsa_iterate_agents", Visitor(print), None)]'
    assert run(stand_in, code, start=start, MACHINE="none") == [OUT_OF_RESOURCES, NOT_INITIALIZED]


def test_starts_are_counted_and_the_last_end_ends_all(stand_in: StandIn) -> None:
    code = """
s, address, q = signal(), m.host(), Queue(g)
ok("hsa_init"); ok("hsa_shut_down")
before = call("hsa_signal_destroy", signal())
ok("hsa_shut_down")
without = call("hsa_shut_down")
ok("hsa_init")
gone = [call("hsa_signal_destroy", s), call("hsa_queue_destroy", q.handle)]
[before, without, *gone, call("hsa_amd_memory_pool_free", address)]
"""
    gone = [INVALID_SIGNAL, INVALID_QUEUE, INVALID_ALLOCATION]
    assert run(stand_in, code) == [0, NOT_INITIALIZED, *gone]


@pytest.mark.parametrize(("machine", "wanted"), [("two", [1, 1, 1, 0]), ("plain", [1, 0, 0, 0])])
def test_the_system_says_what_it_can(stand_in: StandIn, machine: str, wanted: list[int]) -> None:
    code = '[told("hsa_system_get_info", n) for n in (0x201, 0x202, 0x204, 0x205)]'
    assert run(stand_in, code, MACHINE=machine) == wanted


LINKS = """
def link(agent, owner):
    given = agent, m.pool(owner)
    access, count = (told("hsa_amd_agent_memory_pool_get_info", *given, n) for n in (0, 1))
    hops = ctypes.create_string_buffer(28 * 3)
    ok("hsa_amd_agent_memory_pool_get_info", *given, 2, hops)
    return [access, *(struct.unpack_from("<I", hops, 28 * n + 20)[0] for n in range(count))]
"""


def test_links_are_the_machines(stand_in: StandIn) -> None:
    wanted = {
        "link(g, g)": [BY_DEFAULT],
        "link(g, h)": [ONCE_ALLOWED, XGMI],
        "link(m.gpus[2], m.gpus[3])": [ONCE_ALLOWED, PCIE, PCIE],
        "link(g, m.gpus[2])": [NEVER],
        "link(g, c)": [ONCE_ALLOWED, PCIE],
        "link(g, m.cpus[1])": [ONCE_ALLOWED, PCIE, QPI],
        "link(c, g)": [NEVER],
        "link(c, m.cpus[1])": [BY_DEFAULT, QPI],
    }
    assert answers(stand_in, LINKS, wanted) == wanted


def test_pools_say_what_they_are_for(stand_in: StandIn) -> None:
    code = """
pools = [m.pool(agent, place) for agent in (c, g) for place in (0, 1)]
[[told("hsa_amd_memory_pool_get_info", p, n) for n in (0, 1, 5, 15)] for p in pools]
"""
    assert run(stand_in, code) == [[0, 3, 1, 1], [0, 4, 1, 1], [0, 4, 1, 0], [3, 0, 0, 0]]


# -- memory ---------------------------------------------------------------------------------


def test_wrong_memory_is_refused(stand_in: StandIn) -> None:
    before = 'take = lambda *given: call("hsa_amd_memory_pool_allocate", *given, byref(c_uint64()))'
    wanted = {
        "take(m.pool(g), 0, 0)": INVALID_ARGUMENT,
        "take(m.pool(g), 64, 1)": INVALID_ARGUMENT,
        "take(m.pool(g) + 77, 64, 0)": INVALID_POOL,
        "take(m.pool(g, 1), 64, 0)": INVALID_ALLOCATION,
        "take(m.pool(g), (8 << 30) + 1, 0)": INVALID_ALLOCATION,
        "(m.memory(g, 5 << 30), take(m.pool(g), 5 << 30, 0))[1]": OUT_OF_RESOURCES,
        "take(m.pool(m.gpus[3]), 8 << 30, 0)": 0,
        'call("hsa_amd_memory_pool_free", m.memory(g) + 64)': INVALID_ALLOCATION,
        'call("hsa_amd_memory_fill", m.memory(g) + 2, 1, 1)': INVALID_ARGUMENT,
        'call("hsa_amd_memory_fill", m.memory(g), 1, 1025)': INVALID_ALLOCATION,
        "allow(m.memory(g), [g, h])": 0,
        "allow(m.memory(g), [m.gpus[2]])": INVALID_ARGUMENT,
        "allow(m.memory(g), [c])": INVALID_ARGUMENT,
        "allow(m.memory(g) + 64, [g])": INVALID_ARGUMENT,
        "allow(m.memory(c), [12345])": INVALID_AGENT,
        'call("hsa_amd_memory_unlock", m.host())': INVALID_ARGUMENT,
    }
    assert answers(stand_in, before, wanted) == wanted


def test_the_host_cannot_touch_a_gpus_memory(stand_in: StandIn) -> None:
    assert ended(stand_in, "ctypes.memset(m.memory(g), 0, 1)").returncode == -signal.SIGSEGV


def test_a_dma_buf_is_the_same_memory(stand_in: StandIn) -> None:
    code = """
fd, offset, size, there = ctypes.c_int(), c_uint64(), c_uint64(), c_uint64()
here = m.memory(g)
export = "hsa_amd_portable_export_dmabuf"
ok(export, here + 64, 64, byref(fd), byref(offset))
one = (c_uint64 * 1)(g)
ok("hsa_amd_interop_map_buffer", 1, one, fd.value, 0, byref(size), byref(there), None, None)
closed = [call("hsa_amd_portable_close_dmabuf", fd.value) for _ in range(2)]
ok("hsa_amd_memory_fill", here, 7, 1024)
seen = m.host()
done = copy(seen, there.value, (c, g), 4096)
wait(done)
ok("hsa_amd_interop_unmap_buffer", there.value)
host = call(export, seen, 64, byref(fd), byref(offset))
[offset.value, size.value, closed, words(seen, 2), host, wait(copy(seen, there.value, (g, g), 64))]
"""
    assert run(stand_in, code) == [64, 4096, [0, 0x100A], [7, 7], INVALID_AGENT, -1]


def test_what_is_no_dma_buf_is_not_mapped(stand_in: StandIn) -> None:
    code = """
import os
fd = os.memfd_create("some")
os.truncate(fd, 4096)
two = byref(c_uint64()), byref(c_uint64())
call("hsa_amd_interop_map_buffer", 1, (c_uint64 * 1)(g), fd, 0, *two, None, None)
"""
    assert run(stand_in, code) == INVALID_ARGUMENT


# -- copies ---------------------------------------------------------------------------------

COPIES = """
def filled(address, value):
    ok("hsa_amd_memory_fill", address, value, 16)
    return address
near, far, host = filled(m.memory(g), 1), filled(m.memory(h), 2), filled(m.host(), 3)
locked = made("hsa_amd_memory_lock", buffer := ctypes.create_string_buffer(64), 64, None, 0)
pageable = ctypes.addressof(ctypes.create_string_buffer(64))
kept.append(buffer)
"""


def test_a_copy_needs_memory_that_its_agents_may_use(stand_in: StandIn) -> None:
    wanted = {
        "wait(copy(host, near, (c, g), 64))": 0,
        "wait(copy(near, host, (g, c), 64))": 0,
        "wait(copy(near, host, (g, g), 64))": 0,
        "wait(copy(locked, near, (c, g), 64))": 0,
        "wait(copy(ctypes.addressof(buffer), near, (c, g), 64))": -1,
        "wait(copy(host, pageable, (c, c), 64))": 0,
        "wait(copy(near, pageable, (g, c), 64))": -1,
        "wait(copy(near, host, (g, g), 4097))": -1,
        "wait(copy(near, m.memory(c), (g, c), 64))": -1,
        "wait(copy(far, near, (h, g), 64))": -1,
        "wait((allow(near, [h]), copy(far, near, (h, h), 64))[1])": 0,
        "wait((allow(near, [h]), copy(far, near, (h, g), 64))[1])": -1,
        "wait((allow(near, [h]), allow(far, [g]), copy(far, near, (h, g), 64))[2])": 0,
        "wait((allow(near, [h]), allow(near, [g]), copy(far, near, (h, h), 64))[2])": -1,
        'wait((ok("hsa_amd_memory_pool_free", near), copy(host, near, (g, g), 64))[1])': -1,
        "wait(copy(near, host, (c, g), 64))": -1,
        "wait(copy(near, host, (c, c), 64))": -1,
        "wait(copy(host, near, (c, g), 0), 0.1)": 1,
    }
    assert answers(stand_in, COPIES, wanted) == wanted


def test_a_copy_waits_for_what_it_depends_on_and_for_nothing_else(stand_in: StandIn) -> None:
    code = """
gate, other, target = signal(1), signal(1), m.host()
held = copy(target, filled(m.memory(g), 4), (c, g), 64, gate)
first, second = copy(target, near, (c, g), 64, other), copy(target, host, (c, c), 64, other)
call("hsa_signal_store_screlease", other, 0)
wait(first), wait(second)
seen = [load(held), *words(target)]
call("hsa_signal_store_screlease", gate, 0)
[seen, wait(held), words(target), load(gate)]
"""
    latest_first = [1, 1]
    assert run(stand_in, COPIES + code) == [latest_first, 0, [4], 0]


def test_a_copys_signals_are_looked_at(stand_in: StandIn) -> None:
    given = 'call("hsa_amd_memory_async_copy", host, g, near, g, 64'
    wanted = {
        f"{given}, 0, None, signal())": 0,
        f"{given}, 0, (c_uint64 * 1)(), signal())": INVALID_ARGUMENT,
        f"{given}, 1, (c_uint64 * 1)(77), signal())": INVALID_SIGNAL,
        f"{given}, 0, None, 0)": INVALID_ARGUMENT,
        f"{given}, 0, None, 77)": INVALID_SIGNAL,
    }
    assert answers(stand_in, COPIES, wanted) == wanted


# -- signals --------------------------------------------------------------------------------


def test_a_wait_ends_with_its_condition_or_in_ticks(stand_in: StandIn) -> None:
    code = """
s = signal(5)
def waits(condition, value, ticks=SECOND // 10):
    start = time.monotonic()
    seen = call("hsa_signal_wait_scacquire", s, condition, value, ticks, 0)
    return [seen, time.monotonic() - start > 0.09]
pairs = (EQ, 5), (EQ, 4), (NE, 4), (NE, 5), (LT, 6), (LT, 5), (GTE, 5), (GTE, 6)
[waits(*pair)[1] for pair in pairs] + [waits(EQ, 4)[0]]
"""
    assert run(stand_in, code) == [False, True] * 4 + [5]


def test_only_a_shared_signal_has_a_place(stand_in: StandIn) -> None:
    code = """
import threading
plain, shared, place = signal(3), signal(3, GPU_ONLY), c_uint64()
refused = call("hsa_amd_signal_value_pointer", plain, byref(place))
place = made("hsa_amd_signal_value_pointer", shared)
value = c_int64.from_address(place)
threading.Timer(0.1, lambda: setattr(value, "value", 0)).start()
start = time.monotonic()
by_host = [value.value, wait(shared), time.monotonic() - start < 3]
ok("hsa_amd_memory_fill", source := m.host(8), 9, 2)
by_copy = [wait(copy(place, source, (h, h), 8)), load(shared)]
[refused, by_host, by_copy]
"""
    assert run(stand_in, code) == [INVALID_ARGUMENT, [3, 0, True], [0, 9 << 32 | 9]]


def test_wrong_handles_are_refused(stand_in: StandIn) -> None:
    before = "s, q, rest = signal(), Queue(g).handle, (None, None, 0, 0, byref(c_uint64()))"
    wanted = {
        'call("hsa_signal_destroy", 0)': INVALID_ARGUMENT,
        'call("hsa_signal_destroy", 77)': INVALID_SIGNAL,
        '(ok("hsa_signal_destroy", s), call("hsa_signal_destroy", s))[1]': INVALID_SIGNAL,
        'call("hsa_queue_destroy", 77)': INVALID_QUEUE,
        '(ok("hsa_queue_destroy", q), call("hsa_queue_destroy", q))[1]': INVALID_QUEUE,
        'call("hsa_agent_get_info", 77, 0, byref(c_uint64()))': INVALID_AGENT,
        'call("hsa_agent_get_info", g, 0xB000, byref(c_uint64()))': INVALID_ARGUMENT,
        'call("hsa_queue_create", g, 65, 0, *rest)': INVALID_ARGUMENT,
        'call("hsa_queue_create", g, 1 << 18, 0, *rest)': INVALID_ARGUMENT,
        'call("hsa_queue_create", c, 64, 0, *rest)': 0x1002,
        'call("hsa_executable_destroy", 77)': INVALID_EXECUTABLE,
        'call("hsa_executable_freeze", Code(g).executable, None)': FROZEN,
        'call("hsa_code_object_reader_destroy", 77)': INVALID_READER,
        'call("hsa_executable_symbol_get_info", s, 22, byref(c_uint64()))': INVALID_SYMBOL,
    }
    assert answers(stand_in, before, wanted) == wanted


@pytest.mark.parametrize(
    "code",
    ["load(77)", 'call("hsa_queue_load_read_index_scacquire", 77)', "early"],
)
def test_a_wrong_handle_that_cannot_be_refused_ends_the_process(
    stand_in: StandIn, code: str
) -> None:
    early = """
held = copy(host, near, (c, g), 64, gate := signal(1))
ok("hsa_signal_destroy", held)
call("hsa_signal_store_screlease", gate, 0)
time.sleep(5)
"""
    done = ended(stand_in, COPIES + (early if code == "early" else code))
    assert (done.returncode, done.stderr[:12]) == (-signal.SIGABRT, "HSA stand-in")
