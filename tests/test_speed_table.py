"""The benchmarks of work run, and end with one table of drivers, each beside what is underneath it
or beside numpy."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from cts.benchmarks.speed_table import SpeedTable
from reports.runs import read

from .conftest import OutsideDriver, RunCts

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the benchmarks put theirs."""
    return tmp_path_factory.mktemp("results")


@pytest.fixture(scope="module")
def printed(results: Path) -> str:
    """What the benchmarks that take a moment print, in a process of their own."""
    command = [
        *(sys.executable, "-m", "pytest", "suites/benchmarks/test_work_speed.py"),
        *("-q", "-k", "empty or fill and not 64 and not 10", "-p", "no:cacheprovider"),
        *("--driver=local-sync,iree-local-task", f"--results={results}"),
    ]
    here = {k: v for k, v in os.environ.items() if "XDIST" not in k}  # which disables benchmarks
    done = subprocess.run(command, cwd=ROOT, env=here, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout  # nothing is proven, and nothing was to be
    return done.stdout


def test_a_row_has_every_subject_and_its_ratio_to_numpy() -> None:
    table = SpeedTable()
    table.add("copy", "numpy", 3e-6)
    table.add("copy", "slow", 6e-6)
    table.add("signal", "slow", 12.34e-6)
    assert list(table.lines()) == [
        "         numpy         slow",
        "copy       3.0   6.0 (0.50)",
        "signal       -         12.3",
    ]


def test_what_is_underneath_a_driver_comes_before_numpy() -> None:
    table = SpeedTable()
    table.add("copy", "numpy", 3e-6)
    table.add("copy", "slow", 6e-6)
    table.add("copy", "slow bare", 4.5e-6)
    table.add("signal", "slow", 12e-6)
    table.add("signal", "slow bare", 9e-6)
    table.add("group", "slow", 6e-6)
    assert list(table.lines()) == [
        "         numpy          slow   slow bare",
        "copy       3.0    6.0 (0.75)         4.5",
        "signal       -   12.0 (0.75)         9.0",
        "group        -           6.0           -",
    ]


def test_no_measure_is_no_table() -> None:
    assert list(SpeedTable().lines()) == []


def test_the_run_ends_with_the_table(printed: str) -> None:
    rows = printed.partition("speed of work")[2].splitlines()
    assert rows[1].split() == ["local-sync", "iree-local-task", "numpy"]
    assert re.match(r"empty submission +[0-9.]+ +[0-9.]+ +-$", rows[2])
    assert re.match(r"fill 4 KiB( +[0-9.]+ \([0-9.]+\)){2} +[0-9.]+$", rows[3])


def test_measures_of_named_drivers_go_into_their_results(printed: str, results: Path) -> None:
    run = read(results)
    assert run.record.expectation_faults == []
    measured = {(record.driver, record.name): record for record in run.benchmarks}
    assert measured.keys() == {
        (driver, measure)
        for driver in ("local-sync", "iree-local-task")
        for measure in ("empty submission", "fill 4 KiB")
    }
    filled = measured["local-sync", "fill 4 KiB"]
    assert (filled.bytes, filled.rounds) == (4096, 3000)
    assert 0 < filled.median < 1
    assert measured["local-sync", "empty submission"].bytes is None


WITH_A_LIBRARY = """
    from dataclasses import replace
    from itertools import count

    from cts.drivers.local_sync.device import LocalSyncDevice
    from cts.drivers.local_sync.driver import LocalSyncDriver

    numbers = count()

    class Library:
        def empty(self):
            pass

        def release(self):
            open("released", "x").close()

    class OutsideDevice(LocalSyncDevice):
        driver_name = "outside"

    class OutsideDriver(LocalSyncDriver):
        name = "outside"

        def create_device(self, info=None):
            self.resolve(info)
            return OutsideDevice(f"outside:{next(numbers)}", self.properties)

        def enumerate(self):
            return [replace(info, implementation="twin 1") for info in super().enumerate()]

        def bare(self, info):
            assert info.implementation == "twin 1"
            return Library()
"""


def test_what_a_driver_calls_bare_is_measured_beside_it(
    cts: RunCts,
    outside_driver: OutsideDriver,
    monkeypatch: pytest.MonkeyPatch,
    pytester: pytest.Pytester,
) -> None:
    """What it can do of the measures; it is given back, and the driver alone is in the results."""
    for name in [name for name in os.environ if "XDIST" in name]:
        monkeypatch.delenv(name)
    outside_driver(WITH_A_LIBRARY)
    wanted = ("-q", "-k", "empty or two and not threads", "--driver=outside")
    run = cts(ROOT / "suites/benchmarks/test_work_speed.py", *wanted)
    assert run.ret == 0, run.text
    rows = run.text.partition("speed of work")[2].splitlines()
    assert re.match(r" +outside +outside bare$", rows[1])
    assert re.match(r"empty submission +[0-9.]+ \([0-9.]+\) +[0-9.]+$", rows[2])
    assert re.match(r"group of two +[0-9.]+ +-$", rows[3])
    assert (pytester.path / "released").exists()
    measured = {(record.driver, record.name) for record in read(pytester.path / "out").benchmarks}
    assert measured == {
        ("outside[twin 1]", "empty submission"),
        ("outside[twin 1]", "group of two"),
    }
