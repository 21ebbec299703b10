"""Every bad driver is caught, by a case that names what it breaks, and no good one is blamed.

The score is taken once, as `hal-cts mutants` does it; what it printed is at the end of this
session's output, whole in CI.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from cts.contract import requirements
from tests.faulty.registry import mutants
from tests.faulty.score import FILE_NAME, Score, read

from .conftest import MUTATION_SCORE

ROOT = Path(__file__).resolve().parent.parent
REPEATS = 1
MEDIAN_LIMIT = 10


@pytest.fixture(scope="session")
def score(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Score:
    """The score of all mutants."""
    results = tmp_path_factory.mktemp("mutants")
    command = [sys.executable, "-m", "cts.cli", "mutants"]
    options = [f"--repeats={REPEATS}", f"--results={results}"]
    done = subprocess.run([*command, *options], cwd=ROOT, capture_output=True, text=True)
    assert (results / FILE_NAME).is_file(), done.stdout + done.stderr
    found = read(results)
    pytestconfig.stash[MUTATION_SCORE] = done.stdout
    return found


@pytest.mark.parametrize("name", sorted(mutants()))
def test_is_caught(name: str, score: Score) -> None:
    if name in score.not_tried:
        pytest.skip(score.not_tried[name])
    (verdict,) = (verdict for verdict in score.mutants if verdict.name == name)
    assert verdict.caught != "survived", verdict


def test_every_tested_requirement_can_fail(score: Score) -> None:
    """A case that names a requirement fails where a mutant breaks it."""
    tested = {row.id for row in requirements().values() if not row.planned}
    assert sorted(tested - {v.requirement for v in score.caught("where it belongs")}) == []


def test_no_good_driver_is_blamed(score: Score) -> None:
    assert score.repeats == REPEATS
    assert score.false_alarms == []


def test_few_cases_fail_for_one_bug(score: Score) -> None:
    assert score.median_failing < MEDIAN_LIMIT
