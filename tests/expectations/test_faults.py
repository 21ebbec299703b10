"""The scripts of docs/faults: each shows its fault, with nothing of this project, and is named.

Those of IREE's drivers take the name of one, and those of Vulkan that of an implementation.
"""

from __future__ import annotations

import ast
import functools
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from cts import registry
from cts.expectations.entries import Entry, read
from cts.expectations.queries import names
from reports.fault import SEVERITIES, TEMPLATE

ROOT = Path(__file__).resolve().parent.parent.parent
FOLDER = ROOT / "docs" / "faults"
IREE, VULKAN = (ROOT / "drivers" / name for name in ("iree", "vulkan"))
PREFIX = "iree-"
"""What this project has before IREE's names of its drivers."""
NOT_HERE = "LookupError: no device of "
"""What a script of Vulkan's prints where there is no such implementation."""
SWIFTSHADER = "/usr/lib/chromium/vk_swiftshader_icd.json"
"""Of Debian's chromium-common; the loader does not look there by itself."""
TIMEOUT = 20.0
"""Seconds for a script; one that hangs bounds its waits by a few."""

MENDED, SHOWN, KILLED, HUNG = "0", "1", "a signal", "a time-out"
SHOWS: Mapping[str, set[str]] = {
    "wrong data": {SHOWN, KILLED},
    "crash": {KILLED},
    "hang": {SHOWN, HUNG},
    "wrong code": {SHOWN},
}
"""How a script may end that shows its fault, by severity."""


@dataclass(frozen=True)
class Script:
    """One of the scripts, as its text says.

    Attributes
    ----------
    drivers, severity, requirements, seen_with : its constants.
    head : its docstring.
    """

    path: Path
    drivers: tuple[str, ...]
    severity: str
    requirements: tuple[str, ...]
    seen_with: str
    head: str

    @property
    def is_irees(self) -> bool:
        """Whether it is of IREE's drivers; else it is of Vulkan's implementations."""
        return self.path.name.startswith("iree_")

    @property
    def row(self) -> str:
        """Its row in the table of the folder's README."""
        cells = [
            f"[`{self.path.name}`]({self.path.name})",
            ", ".join(self.drivers),
            ", ".join(self.requirements),
            self.severity,
            " ".join(self.head.partition("\n\n")[0].split()),
        ]
        return f"| {' | '.join(cells)} |"


def parsed(path: Path) -> Script:
    """Reads a script without running it."""
    module = ast.parse(path.read_text(encoding="utf-8"))
    constants: dict[str, Any] = {}
    for node in module.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]).isupper():
            try:
                constants[ast.unparse(node.targets[0])] = ast.literal_eval(node.value)
            except ValueError:  # no literal, which metadata is
                continue
    return Script(
        path=path,
        drivers=constants["DRIVERS"],
        severity=constants["SEVERITY"],
        requirements=constants["REQUIREMENTS"],
        seen_with=constants["SEEN_WITH"],
        head=ast.get_docstring(module) or "",
    )


SCRIPTS = {path.name: parsed(path) for path in sorted(FOLDER.glob("*.py"))}
ENTRIES = [
    entry for folder in (IREE, VULKAN) for entry in read(folder / "expectations.toml").entries
]

GUARD = "if __name__"

each_script = pytest.mark.parametrize("script", SCRIPTS.values(), ids=SCRIPTS)


@functools.cache
def is_here(driver: str) -> bool:
    """Whether IREE's driver of that name has a device on this machine."""
    pytest.importorskip("iree.runtime")
    return registry.load(f"{PREFIX}{driver}")().available() is None


def environment_of(script: Script) -> dict[str, str]:
    """The loader's own drivers for IREE's, and for Vulkan's Chromium's SwiftShader as well."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("VK_")}
    return own if script.is_irees else own | {"VK_ADD_DRIVER_FILES": SWIFTSHADER}


def end_of(script: Script, driver: str) -> tuple[str, str]:
    """How a script ends on a driver, and what it prints."""
    command = [sys.executable, str(script.path), driver]
    try:
        done = subprocess.run(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=TIMEOUT,
            env=environment_of(script),
        )
    except subprocess.TimeoutExpired as late:
        return HUNG, str(late.stdout)
    return (KILLED if done.returncode < 0 else str(done.returncode)), done.stdout


# -- what a script does -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("script", "driver"),
    [
        pytest.param(script, driver, id=f"{script.path.stem}-{driver}")
        for script in SCRIPTS.values()
        for driver in script.drivers
    ],
)
def test_each_shows_its_fault(script: Script, driver: str) -> None:
    if script.is_irees and not is_here(driver):
        pytest.skip(f"IREE's {driver} has no device here")
    end, printed = end_of(script, driver)
    if NOT_HERE in printed and not os.environ.get("CI"):
        pytest.skip(f"{driver} is not here: apt-get install chromium-common")
    assert end != MENDED, f"mended: take out {script.path.name} and what names it\n{printed}"
    assert end in SHOWS[script.severity], printed


@each_script
def test_each_needs_the_wheel_or_the_loader_alone(script: Script) -> None:
    imported = set()
    for node in ast.walk(ast.parse(script.path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            imported |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            imported.add(str(node.module).partition(".")[0])
    assert ("iree" in imported) is script.is_irees
    assert imported - sys.stdlib_module_names <= {"iree", "numpy"}


# -- what a script says -------------------------------------------------------------------


@each_script
def test_each_says_at_its_head_what_its_constants_say(script: Script) -> None:
    facts = script.head.rpartition("\n\n")[2]
    told = dict(re.findall(r"^([A-Z][a-z ]+): +(.+)$", facts, re.MULTILINE))
    assert told.pop("Cause")
    assert told == {
        "Requirement": f"{', '.join(script.requirements)} of docs/spec.md",
        "Drivers": ", ".join(script.drivers),
        "Severity": script.severity,
        "Seen with": script.seen_with,
    }
    assert script.head.partition("\n\n")[0].endswith(".")


@each_script
def test_each_has_a_severity_and_requirements_that_there_are(script: Script) -> None:
    rows = (ROOT / "docs" / "spec.md").read_text(encoding="utf-8")
    assert script.severity in SEVERITIES
    assert script.requirements
    assert [id for id in script.requirements if f"\n| {id} |" not in rows] == []


def test_every_severity_says_how_it_shows() -> None:
    assert SHOWS.keys() == set(SEVERITIES)


@each_script
def test_what_scripts_share_is_the_same_text_in_each(script: Script) -> None:
    template = (IREE if script.is_irees else ROOT / "reports") / TEMPLATE
    shared, own = (blocks_of(path.read_text(encoding="utf-8")) for path in (template, script.path))
    differing = [name for name in own if name in shared and own[name] != shared[name]]
    assert differing == ["main"]
    assert own[GUARD] == shared[GUARD]


def blocks_of(text: str) -> dict[str, str]:
    """The functions and classes of a script, and its last block, by name."""
    block = r"^(?:(?:def|class) (\w+)|(if __name__)).*\n(?:(?:    .*)?\n)*"
    found = re.finditer(block, text, re.MULTILINE)
    return {match[1] or match[2]: match[0].rstrip() for match in found}


def test_the_readme_lists_them_all() -> None:
    text = (FOLDER / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| \[`.*$", text, re.MULTILINE)
    assert rows == [script.row for script in SCRIPTS.values()]


# -- which expectations name them ---------------------------------------------------------


def test_every_expectation_names_a_script_for_its_drivers() -> None:
    assert [fault for entry in ENTRIES for fault in faults_of(entry)] == []


def faults_of(entry: Entry) -> list[str]:
    """What is wrong with the script that an expectation names."""
    folder, _, name = entry.reproducer.rpartition("/")
    script = SCRIPTS.get(name) if folder == "docs/faults" else None
    if script is None:
        return [f"{entry}: there is no script {entry.reproducer!r}"]
    named = entry.driver if script.is_irees else entry.implementation
    prefix = PREFIX if script.is_irees else ""
    if not any(names(named, prefix + driver) for driver in script.drivers):
        return [f"{entry}: {name} is for {', '.join(script.drivers)}"]
    return []


def test_every_script_is_named() -> None:
    assert {entry.reproducer.rpartition("/")[2] for entry in ENTRIES} == SCRIPTS.keys()


def test_what_has_one_reason_has_one_script() -> None:
    by_reason = {entry.reason: entry.reproducer for entry in ENTRIES}
    assert [str(entry) for entry in ENTRIES if by_reason[entry.reason] != entry.reproducer] == []
