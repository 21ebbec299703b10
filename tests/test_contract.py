"""The contract and the cases hold each other: every row has a case or is planned."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from cts.contract import requirements, spec_text

ROOT = Path(__file__).resolve().parent.parent
SUITES = ROOT / "suites"


def cases() -> Iterator[tuple[str, ast.FunctionDef, set[str]]]:
    """Each case of the suites: its place, its definition, the ids that it names."""
    for path in sorted(SUITES.glob("*/test_*.py")):
        if path.parent.name == "benchmarks":
            continue
        module = ast.parse(path.read_text(encoding="utf-8"))
        shared = ids_of_marks(
            node.value
            for node in module.body
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "pytestmark"
        )
        for node in module.body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                ids = shared | ids_of_marks(node.decorator_list)
                yield f"{path.relative_to(SUITES)}::{node.name}", node, ids


def ids_of_marks(expressions: object) -> set[str]:
    """Ids in the `spec` marks among some expressions."""
    found: set[str] = set()
    for expression in expressions:  # type: ignore[attr-defined]
        for call in ast.walk(expression):
            if isinstance(call, ast.Call) and ast.unparse(call.func) == "pytest.mark.spec":
                found |= {str(ast.literal_eval(argument)) for argument in call.args}
    return found


def test_every_requirement_has_a_case_or_is_planned() -> None:
    named = {id for _, _, ids in cases() for id in ids}
    uncovered = [
        row.id for row in requirements().values() if not row.planned and row.id not in named
    ]
    assert not uncovered


def test_no_planned_requirement_has_a_case() -> None:
    named = {id for _, _, ids in cases() for id in ids}
    assert not [row.id for row in requirements().values() if row.planned and row.id in named]


def test_every_case_names_known_requirements() -> None:
    faults = [place for place, _, ids in cases() if not ids or ids - requirements().keys()]
    assert not faults


def test_every_case_says_its_plan_in_its_first_line() -> None:
    silent = [place for place, node, _ in cases() if not ast.get_docstring(node)]
    assert not silent


def test_ids_are_unique() -> None:
    ids = re.findall(r"^\|\s*([A-Z]{3}-\d+)\s*\|", spec_text(), re.MULTILINE)
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("word", ["driver.name ==", 'name == "', "driver_name =="])
def test_no_case_asks_for_a_driver_by_name(word: str) -> None:
    asking = [path for path in SUITES.rglob("*.py") if word in path.read_text(encoding="utf-8")]
    assert not asking
