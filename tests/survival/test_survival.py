"""A sample of the survival table, the same every time; `python -m tests.survival` has it all."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest

from .driver import PLACES, compile_library
from .table import cells, run_cell

SEED = 20260801
SIZE = 16

# Each place once, and cells at random; hangs of Python and of C are in every sample.
_random = random.Random(SEED)
SAMPLE = sorted(
    {_random.choice([cell for cell in cells() if cell[1] == place]) for place in PLACES}
    | {("hang in Python", "teardown"), ("hang in C, GIL held", "case")}
    | set(_random.sample(cells(), SIZE - len(PLACES) - 2))
)


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The faults, compiled."""
    if shutil.which("g++") is None:
        pytest.skip("g++ is not here: the faults are C++")
    return compile_library(tmp_path_factory.mktemp("faults"))


@pytest.mark.parametrize(("fault", "place"), SAMPLE, ids=lambda text: text.replace(" ", "-"))
def test_the_run_survives(tmp_path: Path, library: Path, fault: str, place: str) -> None:
    outcome = run_cell(tmp_path, library, fault, place)
    assert list(outcome.faults(fault, place)) == [], (tmp_path / "printed").read_text()
