"""The table: every fault in every place, what came of it, and whether that is right."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from cts.results import CaseRecord, DriverRecord, read, read_cases

from .driver import CASES_OF_A_DRIVER, FAULTS, PLACES, install

SCALE = 0.2
"""Of the time limits in these runs: 3 s for a phase, 6 s for an end or an exit."""
MEMORY = 400
"""MiB that a child may take in them."""
TIMEOUT = 120.0

ONGOING = ("create_device", "case", "teardown")
"""Places that a driver comes to in more than one case."""

HARMLESS = {
    *(("signal handler changed", place) for place in PLACES if place not in ONGOING),
    *(("environment changed", place) for place in PLACES if place not in ONGOING),
    ("descriptors closed", "exit"),
    ("descriptors exhausted", "exit"),
    ("thread that dies later", "end of the session"),
    ("thread that dies later", "exit"),
}
"""What leaves nothing that is a fault: it happens once, or when nothing comes after it."""


LIMITS = {"memory": "MiB of memory", "flood of output": "it printed"}
"""What is said of a fault that a limit of its own ends, before its time is over."""

A_RACE = {("thread that dies later", "end of the session")}
"""It may come first, or the process's exit."""


@dataclass(frozen=True)
class Outcome:
    """What came of one run.

    Attributes
    ----------
    verdicts : outcome of each of the bad driver's cases, and how often it came.
    culprit : the first words that blame something, or empty.
    """

    exit_status: int
    seconds: float
    verdicts: dict[str, int]
    sound_passed: int
    culprit: str
    lost: int
    left_running: int

    def faults(self, fault: str, place: str) -> Iterator[str]:
        """What is not as it should be."""
        wanted = 0 if (fault, place) in HARMLESS else 1
        if self.exit_status != wanted and (fault, place) not in A_RACE:
            yield f"exit status {self.exit_status}, not {wanted}"
        if self.lost:
            yield f"{self.lost} cases without a verdict"
        if self.sound_passed != CASES_OF_A_DRIVER:
            yield f"only {self.sound_passed} cases of the sound driver passed"
        if self.left_running:
            yield f"{self.left_running} processes left running"
        if wanted and not self._is_named(fault, place):
            yield f"the culprit is not named: {self.culprit!r}"

    def _is_named(self, fault: str, place: str) -> bool:
        if fault == "thread that dies later":
            return "SIGSEGV" in self.culprit
        if fault in ("signal handler changed", "environment changed"):
            what = "SIGTERM" if "signal" in fault else "OF_THE_DRIVER"
            return what in self.culprit
        if fault in LIMITS:
            return LIMITS[fault] in self.culprit
        if fault.startswith("descriptors"):
            words = ("descriptors", "Too many open files", place)
            return any(word in self.culprit for word in words)
        places = {"group": "assign_topology_info", "case": "call", "end of the session": "close"}
        raised = {"exception": "KeyError", "sys.exit": "SystemExit"}
        wanted = {raised.get(fault, fault), places.get(place, place)}
        return any(word in self.culprit for word in wanted)


def run_cell(folder: Path, library: Path, fault: str, place: str, *options: str) -> Outcome:
    """Runs the cases of both drivers in a session of its own."""
    install(folder, library, fault, place)
    started = time.monotonic()
    command = [
        *(sys.executable, "-m", "pytest", "--driver=bad,sound", "--hal-probe=off"),
        *("--hal-timeout=15", f"--timeout-scale={SCALE}", "--hal-probe-timeout=5"),
        *(f"--hal-memory-limit={MEMORY}", "--results=out"),
        *("-p", "no:cacheprovider", "-q", "--rootdir=.", *options, "area"),
    ]
    done = subprocess.run(
        command,
        cwd=folder,
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(folder), *map(str, sys.path)])},
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )
    seconds = time.monotonic() - started
    (folder / "printed").write_text(done.stdout + done.stderr)
    results = folder / "out" / "results.jsonl"
    cases = read_cases(results)
    bad = [case for case in cases if case.driver == "bad"]
    sound = [case for case in cases if case.driver == "sound"]
    verdicts: dict[str, int] = {}
    for case in bad:
        verdicts[case.outcome] = verdicts.get(case.outcome, 0) + 1
    return Outcome(
        exit_status=done.returncode,
        seconds=seconds,
        verdicts=verdicts,
        sound_passed=sum(case.outcome == "pass" for case in sound),
        culprit=_culprit(bad, results),
        lost=2 * CASES_OF_A_DRIVER - len(cases),
        left_running=_left_running(folder),
    )


def _culprit(cases: list[CaseRecord], results: Path) -> str:
    blamed = [case.message for case in cases if case.outcome not in ("pass", "blocked")]
    blamed += [case.message for case in cases if case.outcome == "blocked"]
    ends = [r.exit_fault for r in read(results) if isinstance(r, DriverRecord) and r.exit_fault]
    return next(iter(blamed + ends[-1:]), "")


def _left_running(folder: Path) -> int:
    """Processes that still have the run's drivers in their environment."""
    count = 0
    for process in psutil.process_iter():
        try:
            environment = process.environ()
        except (psutil.Error, OSError):  # it is gone, or somebody else's
            continue
        here = str(folder) in environment.get("PYTHONPATH", "").split(os.pathsep)
        count += here and process.pid != os.getpid()
    return count


def cells() -> list[tuple[str, str]]:
    """Every fault in every place."""
    return [(fault, place) for fault in FAULTS for place in PLACES]
