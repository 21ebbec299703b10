"""The command `hal-cts drivers`: a row a driver, with what runs elsewhere add."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Literal

import pytest

from cts.results import DeviceRecord, DriverRecord

ObtainedOn = Literal["hardware", "software", "stand-in"]
ABSENT = DriverRecord(
    driver="red", status="unavailable", reason="UNAVAILABLE: Driver.available: none; install it"
)


def run_on(kind: ObtainedOn, *names: str, driver: str = "red", version: str = "7") -> DriverRecord:
    """A driver as a run had it."""
    devices = [DeviceRecord(path=name, name=name, obtained_on=kind) for name in names]
    return DriverRecord(driver=driver, status="available", version=version, devices=devices)


@pytest.fixture
def table() -> ModuleType:
    return importlib.import_module("cts.reports.drivers_table")


def test_a_driver_that_is_here(table: ModuleType) -> None:
    (row,) = table.rows([run_on("hardware", "GPU 0", "GPU 1")], [])
    assert row == ("red", "available", "hardware", "GPU 0 and 1 more", "7", "")


def test_one_that_is_not_here_is_not_made_so_by_a_run(table: ModuleType) -> None:
    (row,) = table.rows([ABSENT], [])
    assert row == ("red", "unavailable", "no-device", "", "", "none; install it")
    old, new = run_on("stand-in", "old", version="6"), run_on("stand-in", "new")
    (row,) = table.rows([ABSENT], [old, new, run_on("hardware", "blue", driver="blue")][:2])
    assert row == ("red", "unavailable", "stand-in", "new", "7", "none; install it")


def test_what_is_here_comes_before_what_was_elsewhere(table: ModuleType) -> None:
    (row,) = table.rows([run_on("software", "CPU")], [run_on("stand-in", "fake", version="1")])
    assert row == ("red", "available", "software, stand-in", "CPU", "7", "")


def test_a_driver_of_another_runs_environment_has_a_row(table: ModuleType) -> None:
    rows = table.rows([ABSENT], [run_on("hardware", "GPU", driver="blue"), ABSENT])
    assert [row.driver for row in rows] == ["red", "blue"]
    assert rows[1] == ("blue", "not registered here", "hardware", "GPU", "7", "")


def test_markdown_is_a_line_a_driver_whatever_is_in_it(table: ModuleType) -> None:
    odd = DriverRecord(driver="a|b", status="broken", reason="<x>\nline *two*; more")
    lines = table.markdown(table.rows([odd], []))
    assert lines[0] == "| driver | state | run on | device | version | reason |"
    assert lines[2:] == [r"| a\|b | broken | no-device | | | \<x> line \*two\* |"]


def test_the_command_reads_runs(tmp_path: Path) -> None:
    def run(*words: str) -> tuple[int, str]:
        command = [sys.executable, "-m", "cts.cli", "drivers", *words]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
        return done.returncode, done.stdout + done.stderr

    assert run(str(tmp_path / "none")) == (4, f"{tmp_path / 'none'}: No such file or directory\n")
    (tmp_path / "results.json").write_text("{")
    status, text = run(str(tmp_path))
    assert (status, text.startswith(str(tmp_path))) == (4, True)
    assert run("--format=svg")[0] == 2
