"""`docs/results.md` and `docs/gating.md` say what the code does: fields, inputs, examples."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
import tomllib
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, get_args, get_type_hints

import msgspec
import pytest
import typer
import yaml

from cts.expectations.entries import Entry, Kind
from cts.expectations.entries import read as read_entries
from cts.results import (
    HEAD,
    SCHEMA_VERSION,
    Attempt,
    BenchmarkRecord,
    CaseRecord,
    Death,
    DeviceRecord,
    DriverRecord,
    Outcome,
    RunRecord,
    is_unexpected,
)
from reports import tables
from reports.compare_commands import top_lines
from reports.diff import KINDS
from reports.gate import judge
from reports.merging import merge
from reports.runs import MAX_BYTES
from tests.reports.compared import made
from tests.reports.written import case, document, driver, run

from .conftest import EXAMPLE, ROOT

DOCS = ROOT / "docs"
RESULTS = (DOCS / "results.md").read_text(encoding="utf-8")
GATING = (DOCS / "gating.md").read_text(encoding="utf-8")
JUDGE = (ROOT / ".ci/judge").read_text(encoding="utf-8")

WORKFLOW = ".github/workflows/conformance.yml"
ACTION = ".github/actions/hal-cts/action.yml"

Rows = list[list[str]]


def table(text: str, before: str) -> Rows:
    """The rows of the first table after some words, without its head; of each its cells."""
    assert text.count(before) == 1, before
    lines = text.partition(before)[2].splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("|---"))
    rows = []
    for line in lines[start + 1 :]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split(" | ")])
    return rows


def words(cell: str) -> list[str]:
    """What a cell has in backticks."""
    return re.findall(r"`([^`]+)`", cell)


def first_words(rows: Rows) -> list[str]:
    """What the first cells have in backticks."""
    return [word for row in rows for word in words(row[0])]


def blocks(text: str, language: str) -> list[str]:
    """Fenced blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


def inputs_of(path: str) -> dict[str, Any]:
    """What an action or a reusable workflow takes."""
    known = yaml.safe_load((ROOT / path).read_text(encoding="utf-8"))
    called = known.get(True, {}).get("workflow_call", known)  # "on" is a boolean of YAML's
    inputs: dict[str, Any] = called["inputs"]
    return inputs


# -- results.md -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("record", "before"),
    [
        (RunRecord, "### `run`"),
        (DriverRecord, "### `driver`"),
        (DeviceRecord, "Each of `devices` has:"),
        (CaseRecord, "### `case`"),
        (Attempt, "Each of `attempts` has:"),
        (Death, "A `death` has:"),
        (BenchmarkRecord, "### `benchmark`"),
    ],
    ids=lambda value: value if isinstance(value, str) else value.__name__,
)
def test_every_field_is_there_and_marked_where_it_may_be_missing(
    record: type[msgspec.Struct], before: str
) -> None:
    told = {
        name: bool(star)
        for row in table(RESULTS, before)
        for name, star in re.findall(r"`(\w+)`(\\\*)?", row[0])
    }
    fields = {field.name: not field.required for field in msgspec.structs.fields(record)}
    assert told == fields


def test_every_outcome_is_there_and_whether_it_fails_the_run() -> None:
    told = {
        outcome: row[2] != "" for row in table(RESULTS, "## Outcomes") for outcome in words(row[0])
    }
    outcomes: tuple[Outcome, ...] = get_args(Outcome)
    assert told == {outcome: is_unexpected(outcome, "") for outcome in outcomes}


@pytest.mark.parametrize(
    ("record", "field", "before"),
    [
        (DriverRecord, "status", "### `driver`"),
        (DeviceRecord, "obtained_on", "Each of `devices` has:"),
        (Death, "outcome", "A `death` has:"),
    ],
)
def test_every_value_of_a_field_is_there(
    record: type[msgspec.Struct], field: str, before: str
) -> None:
    (told,) = (words(row[1]) for row in table(RESULTS, before) if words(row[0]) == [field])
    assert sorted(told) == sorted(get_args(get_type_hints(record)[field]))


def test_the_schema_is_the_one_that_is_written() -> None:
    assert f"## Records of schema {SCHEMA_VERSION}\n" in RESULTS
    assert (HEAD % SCHEMA_VERSION).decode() + "\n" in RESULTS
    assert f"larger than {MAX_BYTES >> 20} MiB" in RESULTS


def test_the_program_that_reads_a_document_does(tmp_path: Path) -> None:
    document(tmp_path, run(), driver(), case(), case("fail", id="queue/test_copy::test_b"))
    (program,) = blocks(RESULTS, "python")
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.stdout == "Counter({('acme', 'pass'): 1, ('acme', 'fail'): 1})\n", done.stderr


def test_every_field_of_the_matrix_as_json_is_there(tmp_path: Path) -> None:
    document(tmp_path / "a", run("a"), driver(), case())
    (tmp_path / "b").mkdir()
    history = merge([tmp_path / "a", tmp_path / "b"])
    found: dict[str, Any] = json.loads(tables.json(history))
    section = "## `hal-cts matrix --format json`"
    rows = table(RESULTS, section)
    assert first_words(rows) == list(found)
    for row in rows:
        listed = found[row[0].strip("`")]
        if isinstance(listed, list) and listed and isinstance(listed[0], dict):
            assert set(words(row[1])) >= listed[0].keys(), row[0]
    (cell,) = found["cases"][0]["cells"]
    assert first_words(table(RESULTS, "| field of a case's cell |")) == list(cell)
    assert f"`schema_version`, which is {found['schema_version']}" in RESULTS


# -- gating.md --------------------------------------------------------------------------


def test_every_field_of_an_expectation_is_there() -> None:
    told = first_words(table(GATING, "| field | what it says |"))
    assert sorted(told) == sorted(Entry.__struct_encode_fields__)
    kinds = first_words(table(GATING, "| kind | for what |"))
    assert sorted(kinds) == sorted(get_args(Kind))


def test_every_kind_of_change_is_there() -> None:
    assert first_words(table(GATING, "| change | from the base")) == list(KINDS)


def test_the_expectations_that_it_shows_hold(tmp_path: Path) -> None:
    shown = [text for text in blocks(GATING, "toml") if "[[expectation]]" in text]
    assert shown
    for text in shown:
        (tmp_path / "expectations.toml").write_text(text)
        file = read_entries(tmp_path / "expectations.toml")
        assert file.faults == ()
        assert file.entries


def test_the_files_that_it_shows_are_those_of_the_example() -> None:
    (project,) = (text for text in blocks(GATING, "toml") if "[project]" in text)
    example = tomllib.loads((EXAMPLE / "pyproject.toml").read_text())
    shown = tomllib.loads(project)
    assert shown["tool"] == example["tool"]
    assert shown["project"].items() <= example["project"].items()
    (workflow,) = blocks(GATING, "yaml")
    written = (EXAMPLE / ".github/workflows/conformance.yml").read_text()
    assert yaml.safe_load(workflow) == yaml.safe_load(written)


@pytest.mark.parametrize(
    ("path", "section"),
    [
        (WORKFLOW, "### Inputs of the workflow"),
        (ACTION, "### Inputs of the action"),
    ],
)
def test_every_input_is_there(path: str, section: str) -> None:
    rows = table(GATING, section)
    inputs = inputs_of(path)
    assert sorted(first_words(rows)) == sorted(inputs)
    above = {name: known.get("default") for name, known in inputs_of(WORKFLOW).items()}
    for row in rows:
        for name in words(row[0]):
            default = str(inputs[name].get("default", ""))
            if row[1] == "as above":
                assert default == above[name], name
            elif "${{" not in default:
                assert default in row[1], name


def test_every_output_of_the_action_is_there() -> None:
    action = yaml.safe_load((ROOT / ACTION).read_text())
    outputs = re.findall(r"^Its outputs? (.*?) (?:is|are) ", GATING, re.MULTILINE)
    assert [word for text in outputs for word in words(text)] == list(action["outputs"])


def test_every_variable_of_the_script_is_there() -> None:
    told = first_words(table(GATING, "| variable | what it is |"))
    assert sorted(told) == sorted(set(re.findall(r"HAL_CTS_[A-Z]+", JUDGE)))


def test_the_lines_of_the_gate_are_those_that_it_prints(tmp_path: Path) -> None:
    (shown,) = blocks(GATING, "text")
    base = made(tmp_path / "base", overlap="pass")
    head = made(tmp_path / "head", overlap="fail")
    printed = top_lines(judge(base, head), "0")

    def form(line: str) -> str:
        return re.sub(r"\d+ cases|\S+::\S+", "…", line)

    assert [form(line) for line in shown.splitlines()] == [form(line) for line in printed]


@pytest.mark.parametrize("text", [RESULTS, GATING], ids=["results", "gating"])
def test_every_link_leads_somewhere(text: str) -> None:
    links = re.findall(r"\]\(([^)#:]*)(?:#([^)]*))?\)", text)
    assert links
    for path, anchor in links:
        assert (DOCS / path).exists()
        if anchor:
            heads = re.findall(r"^#+ (.*)", (DOCS / path).read_text(), re.MULTILINE)
            assert anchor in [re.sub(r"[^\w -]", "", h.lower()).replace(" ", "-") for h in heads]


def test_every_command_that_it_shows_is_one() -> None:
    scripts = blocks(GATING, "sh")
    assert scripts
    for script in scripts:
        done = subprocess.run(["bash", "-n", "-c", script], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    lines = [line for script in scripts for line in script.splitlines()]
    spans = re.findall(r"`(hal-cts [a-z]+[^`]*)`", GATING + RESULTS)
    commands = [shlex.split(line) for line in [*lines, *spans] if line.startswith("hal-cts ")]
    assert {command[1] for command in commands} == {"accept", "badge", "diff", "gate", "matrix"}
    points = entry_points(group="cts.commands")
    for _, name, *rest in commands:
        click = typer.main.get_command(points[name].load())
        known = {option for parameter in click.params for option in parameter.opts}
        assert not [word for word in rest if word.startswith("-") and word not in known]
