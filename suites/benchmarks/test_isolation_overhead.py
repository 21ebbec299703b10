"""What isolation costs: empty cases in a child beside the same in process, and a fresh child.

No verdict: pytest-benchmark prints a table. A session is a process of its own, so its start is in
each of the first two.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

COUNT = 1000
DEATHS = 5
"""Each is two crashes and three fresh children: a canary's goes on to the second attempt."""

CASES = f"""
import pytest

@pytest.mark.spec("GRP-7")
@pytest.mark.parametrize("n", range({COUNT}))
def test_nothing(device_group, n):
    pass
"""

CRASHES = """
import os, signal, pytest

@pytest.mark.spec("GRP-7")
@pytest.mark.parametrize("n", range({}))
def test_dies(device_group, n):
    if n < {}:
        os.kill(os.getpid(), signal.SIGKILL)
"""


def run_session(folder: Path, source: str, *options: str) -> str:
    """Runs cases on the null driver; what was printed."""
    (folder / "test_it.py").write_text(source)
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"),
            *("--hal-driver=null", "--hal-probe=off", *options, "test_it.py"),
        ],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout


@pytest.mark.parametrize("mode", ["off", "auto"])
@pytest.mark.benchmark(group=f"a session of {COUNT} empty cases, --isolate")
def test_run_empty_cases(benchmark: Any, tmp_path: Path, mode: str) -> None:
    """Runs a whole session, its start included."""

    def run() -> None:
        printed = run_session(tmp_path, CASES, f"--isolate={mode}")
        assert f"{COUNT} passed" in printed, printed[-2000:]

    benchmark.pedantic(run, rounds=5, warmup_rounds=1)


@pytest.mark.parametrize("deaths", [0, DEATHS])
@pytest.mark.benchmark(group=f"a session of {COUNT} cases, so many of which kill their process")
def test_run_crashing_cases(benchmark: Any, tmp_path: Path, deaths: int) -> None:
    """The difference, over ten deaths, is what a death and a fresh child take."""

    def run() -> None:
        printed = run_session(tmp_path, CRASHES.format(COUNT, deaths))
        assert f"{COUNT - deaths} passed" in printed, printed[-2000:]

    benchmark.pedantic(run, rounds=3, warmup_rounds=1)
