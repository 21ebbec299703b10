"""Two runs to be compared: each a verdict a case, by the last letters of its id."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from typer import Typer
from typer.testing import CliRunner, Result

from cts.results import Outcome, RunRecord
from reports.runs import Run, read

from .written import case, document, driver, run

EXPECTED: dict[Outcome, str] = {"expected-fail": "fail", "skip": "skip"}
"""By outcome: what the expectation that it comes from names."""


def id_of(name: str) -> str:
    """A case's id."""
    return f"queue/test_copy::test_{name}"


def verdict(outcome: Outcome, name: str, **fields: Any) -> Any:
    """The record of a case."""
    return case(outcome, id_of(name), **{"expected": EXPECTED.get(outcome, "")} | fields)


def written(folder: Path, record: RunRecord | None = None, /, **outcomes: Outcome) -> Path:
    """The folder of a run on one driver."""
    verdicts = [verdict(outcome, name) for name, outcome in outcomes.items()]
    document(folder, record or run(folder.name), driver(), *verdicts)
    return folder


def made(folder: Path, record: RunRecord | None = None, /, **outcomes: Outcome) -> Run:
    """The same, read."""
    return read(written(folder, record, **outcomes))


def invoke(app: Typer, *args: str | Path) -> Result:
    """A command's result."""
    return CliRunner().invoke(app, [str(arg) for arg in args])
