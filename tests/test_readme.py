"""The README holds: its matrix is what the suite prints, its options are those there are."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from cts import registry
from cts.expectations.entries import read
from tests.standin import StandIn

from .conftest import RunCts

ON_STAND_INS = "cuda,hip,amdgpu,metal"
NEEDS_NOTHING = ("local-sync", "local-task", "mock", "null")
ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_matrix_is_what_the_suite_prints(cts: RunCts) -> None:
    """Compares the columns of the drivers that need nothing installed."""
    shown = re.search(r"```text\n(.*?)```", README, re.DOTALL)
    assert shown is not None
    rows = {
        line.split()[0]: line for line in shown[1].splitlines() if re.match(r"[A-Z]{3} 1-", line)
    }
    run = cts("--pyargs", "cts.suites", "--driver=local-sync,local-task")
    printed = [line for line in run.text.splitlines() if re.match(r"[A-Z]{3} 1-", line)]
    assert len(printed) == len(rows)
    for line in printed:
        assert rows[line.split()[0]].startswith(line)
    for driver in ("local-sync", "local-task"):
        counts = re.search(rf"^{driver}: .*$", run.text, re.MULTILINE)
        assert counts is not None
        assert counts[0] in shown[1]


def test_its_drivers_are_those_there_are(
    cts: RunCts, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Compares the table with what its command prints: in CI, which has what the README's machine
    has, but for versions; elsewhere the rows of drivers that need nothing."""
    with monkeypatch.context() as environment:
        for name, value in stand_in.environment().items():
            environment.setenv(name, value)
        run = cts("--pyargs", "cts.suites.stubs.test_core_slots", f"--driver={ON_STAND_INS}")
    assert run.ret == 0, run.text
    command = [sys.executable, "-m", "cts.cli", "drivers", "out", "--format=md"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    between = README.partition("--format md -->\n")[2].partition("<!-- end -->")[0]
    shown, printed = (
        {row[0].partition("[")[0]: row for row in map(_row, text.splitlines())}
        for text in (between, done.stdout)
    )
    assert list(shown) == list(printed) == ["driver", "---", *registry.names()]
    for name, row in shown.items():
        if "CI" in os.environ or name in NEEDS_NOTHING:
            assert printed[name] == row


def _row(line: str) -> list[str]:
    """The cells of a line, without what differs between versions."""
    cells = [re.sub(r"[0-9]+", "0", cell.strip()) for cell in line.strip("|").split("|")]
    cells[4] = cells[4].partition(" ")[0]
    return cells


def test_every_option_it_names_is_there(cts: RunCts) -> None:
    help_text = cts("--help").text
    rows = re.findall(r"^\| (`--[^|]+)\|", README, re.MULTILINE)
    options = {option for row in rows for option in re.findall(r"`(--[a-z-]+)", row)}
    assert options
    assert not [option for option in options if option not in help_text]


def test_every_file_it_links_is_there() -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", README)
    assert links
    assert not [link for link in links if not (ROOT / link).exists()]


def test_the_expectations_that_it_shows_can_be_read(tmp_path: Path) -> None:
    shown = re.search(r"```toml\n(.*?)```", README, re.DOTALL)
    assert shown is not None
    path = tmp_path / "expectations.toml"
    path.write_text(shown[1])
    file = read(path)
    assert file.faults == ()
    assert [entry.kind for entry in file.entries] == ["expected-fail"]


def test_every_command_it_names_is_there() -> None:
    commands = set(re.findall(r"`hal-cts ([a-z]+)", README))
    assert commands >= {"gate", "diff", "matrix", "badge", "accept", "drivers", "doctor"}
    for command in commands:
        done = subprocess.run(
            [sys.executable, "-m", "cts.cli", command, "--help"], capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
