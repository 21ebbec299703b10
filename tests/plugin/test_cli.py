"""The command `hal-cts`."""

from __future__ import annotations

import subprocess
import sysconfig
from pathlib import Path

import pytest

from tests.conftest import OutsideDriver
from tests.outside_drivers import SEGFAULT, UNAVAILABLE, driver_source

from .conftest import Package

SCRIPT = Path(sysconfig.get_path("scripts"), "hal-cts")
COMMANDS = """
    import typer

    app = typer.Typer()

    @app.command()
    def greet(name: str):
        print("hello", name)
"""


@pytest.fixture(autouse=True)
def _folder(pytester: pytest.Pytester) -> None:
    """Each test has a folder of its own."""


def hal_cts(*args: str) -> tuple[int, str]:
    """Exit status and output of the command."""
    done = subprocess.run([SCRIPT, *args], capture_output=True, text=True, timeout=120, check=False)
    return done.returncode, done.stdout + done.stderr


def test_drivers_lists_every_one_and_why_it_is_not_here(outside_driver: OutsideDriver) -> None:
    detail = f"install it: pip install x[red] and {'more ' * 30}end"
    absent = f"raise HalError(StatusCode.UNAVAILABLE, 'asking', {detail!r})"
    outside_driver(driver_source("absent", available=absent), "absent")
    outside_driver(driver_source("broken", construct="raise RuntimeError('no')"), "broken")
    outside_driver(driver_source("sound"), "sound")
    status, text = hal_cts("drivers")
    assert status == 0
    rows = {line.split()[0]: line.split() for line in text.splitlines() if line.strip()}
    assert rows["sound"][:5] == ["sound", "available", "software", "Outside", "0"]
    assert rows["mock"] == ["mock", "available", "software", "mock"]
    assert rows["broken"][:4] == ["broken", "broken", "no-device", "RuntimeError('no')"]
    assert rows["absent"][:3] == ["absent", "unavailable", "no-device"]
    assert "pip install x[red] and more" in " ".join(text.split())
    assert "more end" in " ".join(text.split())


def test_doctor_of_a_sound_driver(outside_driver: OutsideDriver) -> None:
    outside_driver(driver_source(enumerate="print('garbage')"))
    status, text = hal_cts("doctor", "outside")
    assert status == 0
    lines = [line.strip() for line in text.splitlines()]
    assert lines[:3] == [
        "outside 1.2.3",
        "device 'outside/0': Outside 0 (software)",
        "device 'outside/1': Outside 1 (software)",
    ]
    assert "max_devices = None" in lines
    assert "core slot assign_topology_info: works" in lines
    assert "topology of a group:" in lines
    assert "BROKEN" not in text
    assert "garbage" not in text


@pytest.mark.parametrize(
    ("code", "line"),
    [
        (
            {"query_capabilities": "raise unimplemented(self, 'query_capabilities')"},
            "core slot query_capabilities: BROKEN: UNIMPLEMENTED: *(breaks STB-2)",
        ),
        (
            {"assign_topology_info": "assert 0, 'not\\nyet'"},
            "core slot assign_topology_info: BROKEN: AssertionError: not yet (breaks STB-1)",
        ),
        ({"construct": SEGFAULT}, "BROKEN at construct: killed by SIGSEGV (breaks STA-4)"),
        (
            {"topology_info": SEGFAULT},
            "BROKEN at slot topology_info: killed by SIGSEGV (breaks STB-1)",
        ),
        (
            {"refine_topology_edge": "if dst is not self: raise KeyError(1)"},
            "BROKEN at group: INTERNAL: *(breaks STB-7)",
        ),
        (
            {"import_": "atexit.register(lambda: os._exit(3))"},
            "BROKEN at its process's exit: exited with status 3 (breaks LIF-10)",
        ),
    ],
    ids=["query", "assign", "construct", "dies", "group", "exit"],
)
def test_doctor_says_which_requirement_a_broken_driver_breaks(
    outside_driver: OutsideDriver, pytester: pytest.Pytester, code: dict[str, str], line: str
) -> None:
    outside_driver(driver_source(**code))
    status, text = hal_cts("doctor", "outside")
    assert status == 1
    pytest.LineMatcher([found.strip() for found in text.splitlines()]).fnmatch_lines([line])
    assert text.count("BROKEN") == 1


def test_doctor_of_one_that_is_absent_or_unknown(outside_driver: OutsideDriver) -> None:
    outside_driver(driver_source(available=UNAVAILABLE))
    status, text = hal_cts("doctor", "outside")
    assert status == 4
    assert text.startswith("outside is not here: UNAVAILABLE: ")
    assert "install acme-runtime" in text
    status, text = hal_cts("doctor", "nobody")
    assert status == 4
    assert text.startswith("unknown driver 'nobody'; there are: ")
    assert "outside" in text


def test_doctor_keeps_to_its_time(outside_driver: OutsideDriver) -> None:
    outside_driver(driver_source())
    status, text = hal_cts("doctor", "outside", "--timeout=0.01")
    assert status == 1
    assert "BROKEN at start: no answer within 0.01 s" in text
    status, text = hal_cts("drivers", "--timeout=0.01")
    assert status == 0
    assert "no answer within 0.01 s" in " ".join(text.split())


def test_other_packages_add_commands_and_take_no_other_down(package: Package) -> None:
    package("more", COMMANDS, "[cts.commands]\npolite = more:app\nbroken = more:nothing\n")
    status, text = hal_cts("polite", "world")
    assert status == 0
    assert "hello world" in text
    assert "the command 'broken' is left out: AttributeError" in text
    status, text = hal_cts("--help")
    assert status == 0
    for command in ("drivers", "doctor", "polite"):
        assert command in text
