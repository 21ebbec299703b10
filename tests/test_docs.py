"""The docs name everything that there is: fields of results and expectations, outcomes, inputs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest
import yaml

from cts.expectations.entries import Entry, read
from cts.results import (
    UNEXPECTED,
    Attempt,
    BenchmarkRecord,
    CaseRecord,
    Death,
    DeviceRecord,
    DriverRecord,
    Outcome,
    RunRecord,
)
from reports import tables
from reports.history import History

ROOT = Path(__file__).resolve().parent.parent
RESULTS = (ROOT / "docs" / "results.md").read_text(encoding="utf-8")
GATING = (ROOT / "docs" / "gating.md").read_text(encoding="utf-8")
SECTIONS = {
    "### `run`": (RunRecord,),
    "### `driver`": (DriverRecord, DeviceRecord),
    "### `case`": (CaseRecord, Attempt, Death),
    "### `benchmark`": (BenchmarkRecord,),
}


def words_in(text: str) -> set[str]:
    """What stands in backticks."""
    return set(re.findall(r"`([^`\n]+)`", text))


def section(text: str, heading: str) -> str:
    """What stands under a heading, up to the next of the same kind."""
    after = text.partition(f"\n{heading}\n")[2]
    assert after
    return re.split(r"^#{2,3} ", after, maxsplit=1, flags=re.MULTILINE)[0]


@pytest.mark.parametrize(("heading", "kinds"), SECTIONS.items())
def test_every_field_of_a_record_is_there(heading: str, kinds: tuple[type[Any], ...]) -> None:
    named = words_in(section(RESULTS, heading))
    for kind in kinds:
        assert set(kind.__struct_fields__) - named == set()


def test_every_outcome_is_there_and_which_fail_a_run() -> None:
    text = section(RESULTS, "### `case`")
    assert set(get_args(Outcome)) - words_in(text) == set()
    (sentence,) = re.findall(r"^(`fail`.*?) fail a run", text, re.MULTILINE)
    assert words_in(sentence) == UNEXPECTED


def test_every_key_of_the_matrix_is_there() -> None:
    text = section(RESULTS, "## The matrix as JSON")
    assert msgspec.json.decode(tables.json(History())).keys() - words_in(text) == set()


def test_every_field_of_an_expectation_is_there() -> None:
    named = words_in(section(GATING, "## What is known to fail"))
    assert {name.replace("_", "-") for name in Entry.__struct_fields__} - named == set()


def test_the_expectation_that_is_shown_can_be_read(tmp_path: Path) -> None:
    (shown,) = re.findall(r"```toml\n(.*?)```", GATING, re.DOTALL)
    path = tmp_path / "expectations.toml"
    path.write_text(shown)
    assert read(path).faults == ()


def test_every_input_is_there() -> None:
    named = words_in(section(GATING, "### On GitHub"))
    workflow = yaml.safe_load((ROOT / ".github/workflows/conformance.yml").read_text())
    action = yaml.safe_load((ROOT / ".github/actions/hal-cts/action.yml").read_text())
    inputs = {*workflow[True]["workflow_call"]["inputs"], *action["inputs"]}
    assert inputs - named == set()


@pytest.mark.parametrize("path", [*(ROOT / "docs").rglob("*.md")], ids=lambda path: path.name)
def test_every_file_that_is_linked_is_there(path: Path) -> None:
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", path.read_text(encoding="utf-8"))
    assert not [link for link in links if not (path.parent / link).exists()]


def test_the_workflow_that_is_shown_is_the_examples() -> None:
    (shown,) = re.findall(r"```yaml\n(# \.github/workflows.*?)```", GATING, re.DOTALL)
    example = ROOT / "examples/driver-repository/.github/workflows/conformance.yml"
    assert yaml.safe_load(shown) == yaml.safe_load(example.read_text())
