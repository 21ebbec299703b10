"""The probe: what a driver's trial in a child process finds out, and what it does to this one."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

import pytest

from cts.hal import Topology, slots
from cts.probe import availability, probe, probe_all
from cts.results import DeviceRecord
from tests.conftest import still_running
from tests.outside_drivers import HANG, QUIET_EXIT, SEGFAULT, UNAVAILABLE, driver_source

from .conftest import Package

Register = Callable[..., None]


@pytest.fixture
def register(
    package: Package, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> Register:
    """Installs a driver that this process, and so its children, can find."""
    monkeypatch.syspath_prepend(pytester.path)

    def install(name: str, **arguments: str) -> None:
        source = driver_source(name, **arguments)
        package(f"{name}_probed", source, f"[cts.drivers]\n{name} = {name}_probed:OutsideDriver\n")

    return install


def test_a_sound_driver_is_described(register: Register) -> None:
    register("sound", destroy="print('noise')")
    record = probe("sound")
    assert (record.status, record.reason, record.stage) == ("available", "", "")
    assert record.version == "1.2.3"
    assert record.devices == [
        DeviceRecord(path="sound/0", name="Outside 0", obtained_on="software"),
        DeviceRecord(path="sound/1", name="Outside 1", obtained_on="software"),
    ]
    assert record.properties["work"] is False
    assert record.slot_faults == {}
    assert record.optional_slots == []
    assert record.exit_fault == ""
    assert record.topology is not None
    assert Topology.from_plain(record.topology).device_count == 2
    assert [found["identifier"] for found in record.capabilities] == ["sound:7", "sound:8"]
    assert "sound_probed" not in sys.modules


def test_it_keeps_to_the_devices_there_can_be(register: Register) -> None:
    register("lonely", properties="work=False, max_devices=1")
    record = probe("lonely")
    assert (record.status, record.reason) == ("available", "")
    assert record.topology is not None
    assert Topology.from_plain(record.topology).device_count == 1


def test_each_broken_core_slot_is_found_and_no_other(register: Register) -> None:
    """And with one of them broken neither work slots nor a group are tried."""
    core = [name for name, slot in slots().items() if slot.kind == "core"]
    spoilt = {name: "raise RuntimeError('one\\ntwo')" for name in core if name != "identifier"}
    for name, code in spoilt.items():
        register(name, properties="", **{name: code})
    register("all_of_them", **spoilt)
    for name in spoilt:
        record = probe(name)
        assert record.status == "available"
        assert record.slot_faults == {name: "RuntimeError: one two"}
        assert record.topology is None
    assert probe("all_of_them").slot_faults.keys() == spoilt.keys()


def test_where_it_hangs_it_is_given_up_and_leaves_no_process(register: Register) -> None:
    """Not even one that the driver started."""
    wait = "import time; time.sleep(600)"
    start = f"import subprocess; p = subprocess.Popen([sys.executable, '-c', {wait!r}])\n"
    note = "open('pids', 'w').write(f'{os.getpid()} {p.pid}')\n"
    register("hangs", create_device=start + note + HANG)
    record = probe("hangs", timeout=4)
    assert (record.status, record.stage) == ("broken", "create_device")
    assert record.reason == "no answer within 4 s"
    with open("pids") as file:
        pids = [int(pid) for pid in file.read().split()]
    assert len(pids) == 2
    assert still_running(pids) == []


def test_the_time_is_that_of_one_step(register: Register) -> None:
    """Three steps take longer than one may."""
    slow = "time.sleep(1.2)"
    register("slow", construct=slow, available=slow, enumerate=slow)
    assert probe("slow", timeout=3).status == "available"


def test_the_last_words_of_a_dying_driver_are_kept(register: Register) -> None:
    register("dying", construct=f"print('reset the board'); sys.stdout.flush(); {SEGFAULT}")
    assert probe("dying").reason == "killed by SIGSEGV; reset the board"


def test_several_are_tried_each_on_its_own(register: Register) -> None:
    register("fine")
    register("gone", available=UNAVAILABLE)
    register("crashes", enumerate=SEGFAULT)
    register("leaves", import_=f"atexit.register(lambda: {QUIET_EXIT.replace('0', '9')})")
    names = ["leaves", "gone", "fine", "crashes", "nobody"]
    records = probe_all(names)
    assert list(records) == names
    assert {name: record.status for name, record in records.items()} == {
        "leaves": "available",
        "gone": "unavailable",
        "fine": "available",
        "crashes": "broken",
        "nobody": "broken",
    }
    assert {name: record.exit_fault for name, record in records.items() if record.exit_fault} == {
        "leaves": "exited with status 9"
    }
    assert "unknown driver 'nobody'" in records["nobody"].reason


def test_availability_stops_after_asking_and_blames_the_right_one(register: Register) -> None:
    """One child tries them all; where it dies another one goes on."""
    register("a_fine", enumerate="raise RuntimeError('not asked for')")
    register("b_leaves", import_=f"atexit.register(lambda: {QUIET_EXIT.replace('0', '9')})")
    register("c_crashes", construct=SEGFAULT)
    register("d_gone", import_=UNAVAILABLE)
    register("e_fine", import_="open('children', 'a').write(f'{os.getpid()}\\n')")
    register("f_leaves", import_=f"atexit.register(lambda: {QUIET_EXIT.replace('0', '7')})")
    register("g_fine", import_="open('children', 'a').write(f'{os.getpid()}\\n')")
    names = ["a_fine", "b_leaves", "c_crashes", "d_gone", "e_fine", "f_leaves", "g_fine"]
    records = availability(names)
    assert list(records) == names
    assert [record.status for record in records.values()] == [
        *("available", "available", "broken", "unavailable", "available", "available", "available")
    ]
    faults = {name: record.exit_fault for name, record in records.items() if record.exit_fault}
    assert faults == {"f_leaves": "exited with status 7"}
    assert records["c_crashes"].reason == "killed by SIGSEGV"
    assert availability(["a_fine"], devices=True)["a_fine"].stage == "enumerate"


def test_one_child_is_enough_for_those_that_behave(register: Register) -> None:
    note = "open('children', 'a').write(f'{os.getpid()}\\n')"
    for name in ("one", "two", "three"):
        register(name, import_=note)
    availability(["one", "two", "three"])
    with open("children") as file:
        pids = file.read().split()
    assert len(pids) == 3
    assert len(set(pids)) == 1
    assert str(os.getpid()) not in pids


def test_the_child_sees_the_modules_that_this_process_sees(
    register: Register, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A module of the user's, in the folder pytest runs in, does not stand in for another."""
    register("sound")
    folder = pytester.mkdir("work")
    (folder / "json.py").write_text("raise RuntimeError('the user has a json.py')\n")
    (folder / "cts.py").write_text("raise RuntimeError('and a cts.py')\n")
    monkeypatch.chdir(folder)
    monkeypatch.delenv("PYTHONPATH")
    assert probe("sound").status == "available"
