"""Naming an id counts only if breaking that requirement makes a case fail: each is broken once."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from cts.contract import requirements
from cts.results import read_cases
from tests.breaks.plugin import load_all
from tests.breaks.registry import BREAKS

ROOT = Path(__file__).resolve().parent.parent
TIMEOUT = 120.0

load_all()


def outcomes_under_break(requirement: str, results: Path) -> dict[str, str]:
    """Outcome by case id of one broken requirement; empty when the session left no results."""
    command = [
        *(sys.executable, "-m", "pytest", "-p", "tests.breaks.plugin", "--break", requirement),
        *(
            f"--driver={BREAKS[requirement].driver}",
            "--hal-probe=off",
            "--isolate=off",
            f"--results={results}",
            "-q",
            "suites",
        ),
        *("-p", "no:cacheprovider"),
    ]
    subprocess.run(command, cwd=ROOT, capture_output=True, timeout=TIMEOUT, check=False)
    path = results / "results.jsonl"
    return {r.case: r.outcome for r in read_cases(path)} if path.is_file() else {}


@pytest.fixture(scope="session")
def broken(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, str]]:
    """By requirement: outcome of each case that names it, in a process where it is broken."""
    base = tmp_path_factory.mktemp("breaks")
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        found = pool.map(lambda name: outcomes_under_break(name, base / name), BREAKS)
        return dict(zip(BREAKS, found, strict=True))


def test_every_requirement_with_a_case_has_a_break() -> None:
    tested = {row.id for row in requirements().values() if not row.planned}
    assert sorted(tested - BREAKS.keys()) == []


@pytest.mark.parametrize("requirement", sorted(BREAKS))
def test_breaking_it_fails_a_case(requirement: str, broken: dict[str, dict[str, str]]) -> None:
    outcomes = broken[requirement]
    assert "fail" in outcomes.values(), f"{BREAKS[requirement].what}: {outcomes}"
