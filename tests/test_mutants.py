"""Bad drivers are caught, by a case that names what they break, and no good one is blamed.

They are a sample, the same every time: some of each requirement; `hal-cts mutants` has them all.
The score is taken once, as that does it; what it printed is at the end of this session's output,
whole in CI.
"""

from __future__ import annotations

import random
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

from cts.contract import requirements
from tests.faulty.registry import mutants
from tests.faulty.score import FILE_NAME, Score, read

from .conftest import MUTATION_SCORE

ROOT = Path(__file__).resolve().parent.parent
REPEATS = 1
MEDIAN_LIMIT = 10
OF_EACH, SEED = 2, 1
"""How many mutants of a requirement are tried at most."""


def sampled() -> list[str]:
    """The names of those that are tried."""
    by_requirement = defaultdict(list)
    for name, mutant in sorted(mutants().items()):
        by_requirement[mutant.requirement].append(name)
    choice = random.Random(SEED)
    return sorted(
        name
        for names in by_requirement.values()
        for name in choice.sample(names, min(OF_EACH, len(names)))
    )


@pytest.fixture(scope="session")
def score(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Score:
    """The score of the sample."""
    results = tmp_path_factory.mktemp("mutants")
    command = [sys.executable, "-m", "cts.cli", "mutants", *sampled()]
    options = [f"--repeats={REPEATS}", f"--results={results}"]
    done = subprocess.run([*command, *options], cwd=ROOT, capture_output=True, text=True)
    assert (results / FILE_NAME).is_file(), done.stdout + done.stderr
    found = read(results)
    pytestconfig.stash[MUTATION_SCORE] = done.stdout
    return found


@pytest.mark.parametrize("name", sampled())
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
