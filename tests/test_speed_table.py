"""The benchmarks of work run, and end with one table of drivers beside numpy."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from cts.benchmarks.speed_table import SpeedTable

ROOT = Path(__file__).resolve().parent.parent


def run_benchmarks(*options: str) -> subprocess.CompletedProcess[str]:
    """The benchmarks that take a moment, in a process of their own."""
    command = [sys.executable, "-m", "pytest", "suites/benchmarks/test_work_speed.py"]
    chosen = ["-q", "-k", "empty or allocate", "-p", "no:cacheprovider", *options]
    return subprocess.run(command + chosen, cwd=ROOT, capture_output=True, text=True)


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


def test_no_measure_is_no_table() -> None:
    assert list(SpeedTable().lines()) == []


def test_the_run_ends_with_the_table() -> None:
    done = run_benchmarks("--benchmark-drivers=local-sync,local-task")
    assert done.returncode == 0, done.stdout
    rows = done.stdout.partition("speed of work")[2].splitlines()
    assert rows[1].split() == ["local-sync", "local-task", "numpy"]
    assert re.match(r"empty submission +[0-9.]+ +[0-9.]+ +-$", rows[2])
    assert re.match(r"allocate and free 4 KiB( +[0-9.]+ \([0-9.]+\)){2} +[0-9.]+$", rows[3])


def test_an_unknown_driver_is_a_usage_error() -> None:
    done = run_benchmarks("--benchmark-drivers=local-sync,nobody")
    assert done.returncode != 0
    assert "unknown drivers ['nobody']; there are: amdgpu, cuda" in done.stdout + done.stderr
