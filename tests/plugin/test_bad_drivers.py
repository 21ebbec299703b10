"""Drivers that are broken before any slot can be tried: none takes the run, or another one, down.

All of them take part in one run, with two sound ones. For each: its cases are blocked by one line
that names driver, stage and fault.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import CtsRun, OutsideDriver, RunCts
from tests.outside_drivers import (
    HANG,
    PASSING_CASE,
    QUIET_EXIT,
    SEGFAULT,
    STUB_CASE,
    UNAVAILABLE,
    driver_source,
    install_package,
)

CaseFile = Callable[[str], Path]

STEP_TIMEOUT = 5
RUN_TIMEOUT = 300.0


@dataclass(frozen=True)
class Bad:
    """A bad driver: its source, and what is to be said of it."""

    source: str
    stage: str
    fault: str
    """How the rest of the line starts."""
    entry_point: str = "{module}:OutsideDriver"


def bad(stage: str, fault: str, **code: str) -> Bad:
    """The sound driver with one line more."""
    return Bad(driver_source("NAME", **code), stage, fault)


def renamed(stage: str, fault: str, old: str, new: str) -> Bad:
    """The sound driver with one line changed."""
    source = driver_source("NAME")
    assert old in source
    return Bad(source.replace(old, new), stage, fault)


IMPORT_FAILS = "entry point '{name}' = '{module}:OutsideDriver' fails to import: "
BAD = {
    "import-raises": bad(
        "import", IMPORT_FAILS + "RuntimeError('no')", import_="raise RuntimeError('no')"
    ),
    "import-no-python": bad("import", IMPORT_FAILS + "SyntaxError(", import_="def ("),
    "import-dies": bad("import", "killed by SIGSEGV", import_=SEGFAULT),
    "import-exits": bad("import", "exited with status 0", import_="sys.exit()"),
    "no-module": Bad(
        "",
        "import",
        "entry point 'no-module' = 'no_such_module:X' fails to import: ModuleNotFoundError(",
        "no_such_module:X",
    ),
    "no-attribute": Bad("", "import", IMPORT_FAILS + "AttributeError("),
    "no-class": Bad(
        "OutsideDriver = 7", "import", "entry point '{name}' names 7: it is a Driver class"
    ),
    "no-driver": Bad(
        "class OutsideDriver: pass",
        "import",
        "entry point '{name}' names <class '{module}.OutsideDriver'>: it is a Driver class",
    ),
    "other-name": renamed(
        "import",
        "entry point '{name}' names a driver that calls itself 'elsewhere'",
        '    name = "NAME"',
        '    name = "elsewhere"',
    ),
    "no-name": renamed("import", "AttributeError(", '    name = "NAME"', ""),
    "construct-raises": bad(
        "construct",
        "RuntimeError('line one\\nline two')",
        construct="raise RuntimeError('line one\\nline two')",
    ),
    "construct-wants-more": renamed(
        "construct", "TypeError(", "__init__(self):", "__init__(self, x):"
    ),
    "construct-hangs": bad("construct", f"no answer within {STEP_TIMEOUT} s", construct=HANG),
    "construct-dies": bad("construct", "killed by SIGSEGV", construct=SEGFAULT),
    "construct-exits": bad("construct", "exited with status 0", construct=QUIET_EXIT),
    "available-is-true": bad("available", "available() answered True", available="return True"),
    "available-other-code": bad(
        "available",
        "available() answered UNKNOWN: asking: one two",
        available="return HalError(StatusCode.UNKNOWN, 'asking', 'one\\ntwo')",
    ),
    "enumerate-dies": bad("enumerate", "killed by SIGSEGV", enumerate=SEGFAULT),
    "enumerate-exits": bad("enumerate", "exited with status 0", enumerate=QUIET_EXIT),
    "version-no-text": bad(
        "enumerate", "ValidationError('Expected `str`", enumerate="self.version = 7"
    ),
    "devices-on-nothing": renamed(
        "enumerate", 'ValidationError("Invalid enum value', '"software"', '"the moon"'
    ),
    "enumerate-finds-none": bad("enumerate", "enumerate() found no device", enumerate="return []"),
    "create-dies": bad("create_device", "killed by SIGSEGV", create_device=SEGFAULT),
    "create-exits": bad("create_device", "exited with status 0", create_device=QUIET_EXIT),
    "create-is-unavailable": bad("create_device", "UNAVAILABLE: ", create_device=UNAVAILABLE),
    "create-gives-none": bad("create_device", "TypeError(", create_device="return None"),
    "device-other-name": bad(
        "create_device",
        "its device has the driver_name 'elsewhere': it is the driver's, '{name}'",
        construct="OutsideDevice.driver_name = 'elsewhere'",
    ),
    "slot-dies": bad("slot query_capabilities", "killed by SIGSEGV", query_capabilities=SEGFAULT),
    "slot-hangs": bad(
        "slot refine_topology_edge", f"no answer within {STEP_TIMEOUT} s", refine_topology_edge=HANG
    ),
    "group-fails": bad(
        "group",
        "INTERNAL: ",
        refine_topology_edge="if dst is not self: raise RuntimeError('no way')",
    ),
    "close-raises": bad("tear-down", "RuntimeError('no')", close="raise RuntimeError('no')"),
    "exit-dies": bad(
        "at the end", "killed by SIGSEGV", import_=f"atexit.register(lambda: {SEGFAULT})"
    ),
    "exit-status": bad(
        "at the end", "exited with status 3", import_="atexit.register(lambda: os._exit(3))"
    ),
}
LOUD = (
    "print('{\"record\": 1}\\n' * 1000); os.write(1, b'\\xff{\"stage\": 0}\\n');"
    " os.write(2, b'\\xfe\\x00\\x1b[31m')"
)


def install(folder: Path, name: str, source: str, entry_point: str) -> None:
    """Makes a driver known to whoever has the folder on its path."""
    module = name.replace("-", "_")
    points = f"[cts.drivers]\n{name} = {entry_point.format(module=module)}\n"
    install_package(folder, module, source.replace("NAME", name), points)


@pytest.fixture(scope="module")
def everyone(tmp_path_factory: pytest.TempPathFactory) -> CtsRun:
    """A run of all the bad drivers with two sound ones, of which one prints a lot."""
    folder = tmp_path_factory.mktemp("bad_drivers")
    for name, driver in BAD.items():
        install(folder, name, driver.source, driver.entry_point)
    install(folder, "sound", driver_source("sound"), "{module}:OutsideDriver")
    loud = driver_source("loud", import_=LOUD, construct=LOUD, query_capabilities=LOUD)
    install(folder, "loud", loud, "{module}:OutsideDriver")
    for package in ("twice", "twice_again"):
        points = f"[cts.drivers]\ntwice = {package}:OutsideDriver\n"
        install_package(folder, package, driver_source("twice"), points)
    cases = folder / "area" / "test_it.py"
    cases.parent.mkdir()
    cases.write_text("import pytest\n" + re.sub("^    ", "", PASSING_CASE + STUB_CASE, flags=re.M))
    names = [*BAD, "twice"]
    command = [
        *(sys.executable, "-m", "pytest", "area", "--results=out"),
        *(f"--driver=sound,{','.join(names)},loud", f"--hal-probe-timeout={STEP_TIMEOUT}"),
    ]
    done = subprocess.run(
        command,
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        timeout=RUN_TIMEOUT,
        check=False,
    )
    result = pytest.RunResult(
        done.returncode, done.stdout.splitlines(), done.stderr.splitlines(), 0.0
    )
    return CtsRun(result, folder / "out")


def test_the_run_ends_by_itself_and_says_so(everyone: CtsRun) -> None:
    assert everyone.ret == 1
    assert len(everyone.cases) == 2 * (len(BAD) + 3)
    assert "Traceback" not in everyone.text


@pytest.mark.parametrize("driver", ["sound", "loud"])
def test_the_others_are_unharmed(everyone: CtsRun, driver: str) -> None:
    assert set(everyone.outcomes(driver).values()) == {"pass"}
    assert f"{driver}: 2 passed, 0 failed, 0 unsupported, 0 blocked" in everyone.text
    assert everyone.driver(driver).status == "available"
    assert everyone.driver(driver).exit_fault == ""


AT_THE_END = [name for name, driver in BAD.items() if driver.stage == "at the end"]


@pytest.mark.parametrize("name", AT_THE_END)
def test_a_bad_end_of_its_process_is_told_beside_its_cases(everyone: CtsRun, name: str) -> None:
    lines = [line for line in everyone.text.splitlines() if line.startswith(f"{name}: ")]
    cause, counts = lines
    assert cause.startswith(f"{name}: at the end: {BAD[name].fault}")
    assert counts == f"{name}: 2 passed, 0 failed, 0 unsupported, 0 blocked"
    assert BAD[name].fault in everyone.driver(name).exit_fault


@pytest.mark.parametrize("name", AT_THE_END)
def test_in_process_a_bad_end_would_be_the_runs(
    cts: RunCts, case_file: CaseFile, outside_driver: OutsideDriver, name: str
) -> None:
    outside_driver(BAD[name].source.replace("NAME", name), name)
    run = cts(f"--driver={name}", "--isolate=off", case_file(PASSING_CASE))
    assert [case.outcome for case in run.cases] == ["blocked"]
    assert f"{name}: at the end: {BAD[name].fault}" in run.text


@pytest.mark.parametrize("name", [name for name in BAD if name not in AT_THE_END])
def test_its_cases_are_blocked_by_one_line(everyone: CtsRun, name: str) -> None:
    driver = BAD[name]
    start = f"{name}: {driver.stage}: "
    start += driver.fault.format(name=name, module=name.replace("-", "_"))
    lines = [line for line in everyone.text.splitlines() if line.startswith(f"{name}: ")]
    cause, counts, unproven = lines
    assert cause.startswith(start)
    assert cause.endswith(" (2 cases blocked)")
    assert counts == f"{name}: 0 passed, 0 failed, 0 unsupported, 2 blocked"
    assert unproven == f"{name}: nothing was proven: no case passed"
    assert set(everyone.outcomes(name).values()) == {"blocked"}
    record = everyone.driver(name)
    assert record.status == "broken"
    assert f"{record.reason} (2 cases blocked)" in cause


def test_a_name_that_two_packages_have_is_nobodys(everyone: CtsRun) -> None:
    assert (
        "twice: import: driver 'twice' is registered more than once:"
        " twice:OutsideDriver, twice_again:OutsideDriver (2 cases blocked)"
    ) in everyone.text.splitlines()


@pytest.mark.parametrize(
    "name", ["import-raises", "construct-dies", "enumerate-exits", "slot-dies", "exit-dies"]
)
def test_alone_each_makes_the_exit_status_1(
    cts: RunCts, case_file: CaseFile, outside_driver: OutsideDriver, name: str
) -> None:
    outside_driver(BAD[name].source.replace("NAME", name), name)
    run = cts(f"--driver={name}", case_file(PASSING_CASE))
    assert run.ret == 1
    outcome = "pass" if name in AT_THE_END else "blocked"
    assert [case.outcome for case in run.cases] == [outcome]


@pytest.mark.parametrize("place", ["import_", "construct", "available", "enumerate"])
def test_unavailable_is_believed_until_there_are_devices(
    cts: RunCts, case_file: CaseFile, outside_driver: OutsideDriver, place: str
) -> None:
    outside_driver(driver_source(**{place: UNAVAILABLE}))
    run = cts("--driver=outside", case_file(PASSING_CASE))
    assert run.ret == 4
    assert run.cases == []
    assert "driver 'outside' is not here: UNAVAILABLE: " in run.text
    assert "install acme-runtime" in run.text
