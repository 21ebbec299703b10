"""Counted resources at a process's exit, and in a forked child."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap

import pytest

TIMEOUT = 20.0

_PROGRAM = """
import gc, os, sys, threading
from cts.hal import *
from cts.hal.testing import MockDevice, before_destruction

kept = []

def note(thing, name):
    before_destruction(thing, lambda: print(name, flush=True))
    kept.append(thing)
    return thing

"""


def run_program(source: str) -> tuple[int, list[str], str]:
    """Exit status, lines of output and the error stream of a program in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", _PROGRAM + textwrap.dedent(source)],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(map(str, sys.path))},
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )
    return done.returncode, done.stdout.split(), done.stderr


def test_at_exit_what_holds_goes_before_what_it_holds() -> None:
    # Several times over: where the order is left to chance, one of them goes wrong.
    found = run_program(
        """
        for number in range(8):
            device = note(MockDevice("d"), "d")
            source = note(DeviceGroup.from_device(device), "s")
            wrapper = note(MockDevice("w", wraps=device), "w")
            group = note(source.with_replacements([wrapper]), "g")
            note(Module(group), "m")
        """
    )
    assert found == (0, ["m"] * 8 + ["g", "s"] * 8 + ["w", "d"] * 8, "")


def test_at_exit_a_failing_destruction_is_told_and_the_others_go() -> None:
    status, lines, stderr = run_program(
        """
        note(MockDevice("first"), "first")
        bad = MockDevice("bad")
        bad._destroy = lambda: 1 / 0
        note(MockDevice("last"), "last")
        kept.append(bad)
        """
    )
    assert (status, lines) == (0, ["last", "first"])
    assert "ZeroDivisionError" in stderr


needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="the platform has no fork")

_FORK = """
def in_child(function):
    pid = os.fork()
    if pid == 0:
        function()
        sys.exit(0)
    print("child", os.waitpid(pid, 0)[1], flush=True)
"""


@needs_fork
def test_a_forked_child_destroys_nothing_and_says_nothing() -> None:
    found = run_program(
        _FORK
        + textwrap.dedent(
            """
            device = note(MockDevice("d"), "device")
            group = note(DeviceGroup.from_device(device), "group")

            def child():
                for thing in (group, device, device):
                    thing.release()
                assert live_counts() == {}, live_counts()
                try:
                    device.query_capabilities()
                except HalError as error:
                    assert error.code is StatusCode.FAILED_PRECONDITION
                else:
                    raise AssertionError
                kept.clear()
                gc.collect()

            in_child(child)
            assert device.topology_info.topology is group.topology
            """
        )
    )
    assert found == (0, ["child", "0", "group", "device"], "")


@needs_fork
def test_a_forked_child_may_have_devices_of_its_own() -> None:
    found = run_program(
        _FORK
        + textwrap.dedent(
            """
            from cts.hal import membership
            locked, done = threading.Event(), threading.Event()

            def hold():
                with membership._membership_lock:
                    locked.set()
                    done.wait()

            threading.Thread(target=hold, daemon=True).start()
            locked.wait()

            def child():
                device = note(MockDevice("d"), "of-the-child")
                DeviceGroup.from_device(device).release()
                device.release()

            in_child(child)
            done.set()
            """
        )
    )
    assert found == (0, ["of-the-child", "child", "0"], "")


@needs_fork
def test_what_is_being_destroyed_at_a_fork_refuses_in_the_child() -> None:
    found = run_program(
        _FORK
        + textwrap.dedent(
            """
            device = MockDevice("d")

            def child():
                try:
                    device.query_capabilities()
                except HalError as error:
                    print(error.code.name, flush=True)

            device._destroy = lambda: in_child(child)
            device.release()
            """
        )
    )
    assert found == (0, ["FAILED_PRECONDITION", "child", "0"], "")
