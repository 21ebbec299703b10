"""Queues of AMD's stand-in do their packets as a device does, and no better; what a dispatch gets
wrong is told, and is the queue's end."""

from __future__ import annotations

import shutil
import signal
from pathlib import Path

import pytest

from . import HSA_HEADER, SOURCES, StandIn, build
from .hsa_child import answers, ended, run
from .test_prototypes import complaints

START = """
q, code = Queue(g), Code(g)
faults = []
def note(event, _data):
    faults.append(struct.unpack_from("<I4xQQ", ctypes.string_at(event, 32)))
    return 0
handler = EventHandler(note)
def kernel(name):
    return code.info(name, 22)
def count(address, groups=1, *, counts=None, place=None, **more):
    grid = groups, 1, 1
    given = arguments(m, struct.pack("<Q", address), counts or grid)
    return dispatch(kernel("count"), place or given, grid, **more)
def seen(address, count=1):
    host = m.host()
    wait(copy(host, address, (c, g), 4 * count))
    return words(host, count)
def zeros():
    address = m.memory(g)
    ok("hsa_amd_memory_fill", address, 0, 1024)
    return address
"""
INVALID_ARGUMENT, INVALID_ALLOCATION, INVALID_SIGNAL = 0x1001, 0x1003, 0x1006
OUT_OF_RESOURCES, INVALID_PACKET_FORMAT, INCOMPATIBLE = 0x1008, 0x1009, 0x100D
INVALID_CODE_OBJECT, FROZEN, INVALID_SYMBOL_NAME, EXCEPTION = 0x1010, 0x1012, 0x1013, 0x1016


# -- packets --------------------------------------------------------------------------------


def test_a_packet_is_held_by_the_doorbell_and_by_its_header(stand_in: StandIn) -> None:
    code = """
first, second = signal(1), signal(1)
index = q.put(barrier(done=first), BARRIER_AND), q.put(barrier(done=second), None)
before = wait(first, 0.1)
q.ring(index[1])
held = [wait(first), wait(second, 0.1), q.read()]
q.head(index[1], BARRIER_AND)
[before, held, wait(second), soon(lambda: q.read() == 2), words(q.shared.base_address)[0] & 0xFFFF]
"""
    assert run(stand_in, START + code) == [1, [0, 1, 1], 0, True, 1]


def test_a_ring_is_used_again(stand_in: StandIn) -> None:
    code = """
done = signal(200)
for _ in range(200):
    soon(lambda: q.read() + 64 > call("hsa_queue_load_write_index_relaxed", q.handle))
    q.give(barrier(done=done), BARRIER_AND)
[wait(done), q.shared.size, soon(lambda: q.read() == 200)]
"""
    assert run(stand_in, START + code) == [0, 64, True]


def test_barriers_wait_for_all_for_any_and_for_a_value(stand_in: StandIn) -> None:
    before = """
def held(packet, kind, *steps):
    s, t, done = signal(1), signal(1), signal(1)
    q.give(packet(s, t, done), kind)
    seen = []
    for one, other in ((1, 1), *steps):
        call("hsa_signal_store_screlease", s, one)
        call("hsa_signal_subtract_screlease", t, load(t) - other)
        seen.append(wait(done, 0.1))
    return seen
def both(s, t, done):
    return barrier(s, t, done=done)
def value(wanted, mask, condition):
    return lambda s, t, done: barrier_value(s, wanted, mask, condition, done)
"""
    wanted = {
        "held(both, BARRIER_AND, (0, 1), (0, 0))": [1, 1, 0],
        "held(both, BARRIER_OR, (1, 0))": [1, 0],
        "held(value(5, 0xFF, EQ), VENDOR, (0x105, 1))": [1, 0],
        "held(value(1, -1, NE), VENDOR, (0, 1))": [1, 0],
        "held(value(1, -1, LT), VENDOR, (0, 1))": [1, 0],
        "held(value(2, -1, GTE), VENDOR, (0, 1), (2, 1))": [1, 1, 0],
    }
    assert answers(stand_in, START + before, wanted) == wanted


@pytest.mark.parametrize(("bit", "wanted"), [("0", [2, 1]), ("BARRIER_BIT", [1, 2])])
def test_dispatches_are_in_order_by_the_barrier_bit_alone(
    stand_in: StandIn, bit: str, wanted: list[int]
) -> None:
    code = f"""
s, t, gate, out = signal(1), signal(1), signal(1), zeros()
q.give(barrier(gate), BARRIER_AND)
def set_to(value, done):
    given = arguments(m, struct.pack("<Q4I", out, value, 0, 0, 0))
    return dispatch(kernel("constants"), given, done=done)
q.give(set_to(1, s), DISPATCH)
q.give(set_to(2, t), DISPATCH | {bit})
call("hsa_signal_store_screlease", gate, 0)
last = (wait(s), wait(t), seen(out)[0])[2]
[3 - last, last]
"""
    assert run(stand_in, START + code) == wanted


# -- dispatches -----------------------------------------------------------------------------


def test_kernels_are_run_on_the_gpus_memory(stand_in: StandIn) -> None:
    code = """
out, done = zeros(), signal(2)
q.give(count(out, 1024, done=done), DISPATCH)
q.give(count(out, 1000, done=done), DISPATCH)
[wait(done), seen(out, 1024) == [2] * 1000 + [1] * 24]
"""
    assert run(stand_in, START + code) == [0, True]


def test_what_a_dispatch_gets_wrong_is_told_and_ends_its_queue(stand_in: StandIn) -> None:
    wanted = {
        "told(count(zeros()))": [0],
        "told(count(zeros(), group=(2, 1, 1)))": [1, INVALID_ARGUMENT],
        "told(count(zeros(), group=(0, 1, 1)))": [1, INCOMPATIBLE],
        "told(count(zeros(), 0))": [1, INCOMPATIBLE],
        "told(count(zeros(), 2, counts=(1, 1, 1)))": [1, INCOMPATIBLE],
        "told(count(zeros(), place=m.host(512) + 8))": [1, INVALID_ARGUMENT],
        "told(count(zeros(), place=m.host(512, place=1)))": [1, INVALID_ALLOCATION],
        "told(dispatch(kernel('count') + 16 * 999, m.host(512)))": [1, INVALID_CODE_OBJECT],
        "told(dispatch(code.symbol('count'), m.host(512)))": [1, INVALID_CODE_OBJECT],
        "told(dispatch(Code(h).info('count', 22), m.host(512)))": [1, INVALID_CODE_OBJECT],
        "told(dispatch(kernel('trap'), 0))": [1, EXCEPTION],
        "told(barrier(77), BARRIER_AND)": [1, INVALID_SIGNAL],
        "told(barrier(), 4)": [1, INVALID_PACKET_FORMAT],
    }
    told = """
def told(packet, header=DISPATCH):
    q = Queue(g)
    end = signal(1)
    q.give(packet, header)
    q.give(barrier(done=end), BARRIER_AND | BARRIER_BIT)
    soon(lambda: q.errors or not load(end))
    return [wait(end, 0.05), *q.errors]
"""
    assert answers(stand_in, START + told, wanted) == wanted


@pytest.mark.parametrize(
    ("packet", "place"),
    [
        ("count(out, 1025)", "out"),
        ("count(far)", "far"),
        ("count(host)", "host"),
        ("count(out, place=1 << 20)", "1 << 20"),
    ],
)
def test_a_memory_fault_is_an_event(stand_in: StandIn, packet: str, place: str) -> None:
    code = f"""
out, far, host, end = zeros(), m.memory(h), m.memory(c), signal(1)
again = [call("hsa_amd_register_system_event_handler", handler, None) for _ in range(2)]
q.give({packet}, DISPATCH)
q.give(barrier(done=end), BARRIER_AND)
soon(lambda: faults)
[again, wait(end, 0.1), faults == [(0, g, {place})], q.errors]
"""
    assert run(stand_in, START + code) == [[0, 0x1000], 1, True, []]


def test_a_memory_fault_that_nobody_takes_ends_the_process(stand_in: StandIn) -> None:
    done = ended(stand_in, START + "q.give(count(zeros(), 1025), DISPATCH)\ntime.sleep(5)")
    assert (done.returncode, done.stderr[:12]) == (-signal.SIGABRT, "HSA stand-in")


def test_a_queue_ends_while_it_waits(stand_in: StandIn) -> None:
    code = """
gate, done = signal(1), signal(1)
q.give(barrier(gate, done=done), BARRIER_AND)
ended = call("hsa_queue_destroy", q.handle)
call("hsa_signal_store_screlease", gate, 0)
[ended, wait(done, 0.1)]
"""
    assert run(stand_in, START + code) == [0, 1]


# -- code -----------------------------------------------------------------------------------


def test_symbols_say_what_their_kernels_need(stand_in: StandIn) -> None:
    needs = {"scale": [288, 16, 0, 0], "constants": [24, 16, 0, 0], "trap": [0, 16, 0, 0]}
    code = f"{{name: [code.info(name, n) for n in (11, 12, 13, 14)] for name in {list(needs)}}}"
    assert run(stand_in, START + code) == needs


def test_wrong_code_is_refused(stand_in: StandIn) -> None:
    before = """
hsaco, code_object_for = code_objects.hsaco, code_objects.code_object_for
def loaded(image, agent=g, executable=None):
    kept.append(image)
    into = executable or made("hsa_executable_create_alt", 1, 1, None)
    reader = made("hsa_code_object_reader_create_from_memory", image, len(image))
    return call("hsa_executable_load_agent_code_object", into, agent, reader, None, None)
def named(name, agent):
    given = code.executable, name, agent, byref(c_uint64())
    return call("hsa_executable_get_symbol_by_name", *given)
image = code.image
other = code_object_for("amdgcn-amd-amdhsa--gfx90a:sramecc+:xnack-", hsaco())
"""
    wanted = {
        "loaded(image)": 0,
        "loaded(other)": INCOMPATIBLE,
        "loaded(image, c)": INCOMPATIBLE,
        "loaded(hsaco())": INVALID_CODE_OBJECT,
        "loaded(image[:3])": INVALID_CODE_OBJECT,
        "loaded(image[:5000])": INVALID_CODE_OBJECT,
        "loaded(image[:-1])": INVALID_CODE_OBJECT,
        "loaded(image, g, code.executable)": FROZEN,
        "named(b'count.kd', byref(code.agent))": 0,
        "named(b'count', byref(code.agent))": INVALID_SYMBOL_NAME,
        "named(b'coun.kd', byref(code.agent))": INVALID_SYMBOL_NAME,
        "named(b'count.kd', None)": INVALID_SYMBOL_NAME,
        "named(b'count.kd', byref(c_uint64(h)))": INVALID_SYMBOL_NAME,
    }
    assert answers(stand_in, START + before, wanted) == wanted


# -- the library ----------------------------------------------------------------------------


def test_calls_fail_and_do_nothing_on_purpose(stand_in: StandIn) -> None:
    code = """
address = m.host()
again = [call("hsa_amd_memory_fill", address, 1, 1) for _ in range(3)]
[again, words(address)[0], call("hsa_signal_load_scacquire", signal(5))]
"""
    fail = "hsa_amd_memory_fill=0x1008@2!,hsa_signal_load_scacquire=7"
    assert run(stand_in, code, FAIL=fail) == [[0, OUT_OF_RESOURCES, 0], 1, 7]
    assert run(stand_in, code, IDLE="hsa_amd_memory_fill") == [[0, 0, 0], 0, 5]


def test_it_says_that_it_is_one(stand_in: StandIn) -> None:
    assert run(stand_in, 'hasattr(lib, "hal_cts_stand_in")') is True


def test_a_wrong_prototype_does_not_compile(tmp_path: Path) -> None:
    vendor = ("hsa_", HSA_HEADER, ())
    assert complaints(vendor, SOURCES) == ""
    for path in (*SOURCES.glob("*.c"), *SOURCES.glob("*.h")):
        shutil.copy(path, tmp_path)
    text = (tmp_path / "hsa_memory.c").read_text()
    right, wrong = "uint32_t value, size_t", "int value, size_t"
    assert right in text
    (tmp_path / "hsa_memory.c").write_text(text.replace(right, wrong))
    assert "conflicting types" in complaints(vendor, tmp_path)


def test_amds_headers_are_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compiler = tmp_path / "cc"
    compiler.write_text('#!/bin/sh\ncase "$*" in *hsa*) exit 1;; esac\nexec cc "$@"\n')
    compiler.chmod(0o755)
    monkeypatch.setenv("CC", str(compiler))
    with pytest.raises(RuntimeError, match="apt-get install libhsa-runtime-dev"):
        build(tmp_path)
