"""The command `hal-cts matrix`: its outputs, exit statuses, and what it says on stderr."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import sys
from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner, Result

import reports.matrix_command
from cts.contract import requirements
from reports.matrix_command import app

from . import hostile_texts
from .written import case, document, driver, lines, run

A, B = "queue/test_copy::test_a", "queue/test_copy::test_b"


def matrix(*args: str | Path) -> Result:
    """The command's result."""
    return CliRunner().invoke(app, [str(arg) for arg in args])


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """Two drivers, one with a failure."""
    folder = tmp_path / "runs"
    acme = driver(version="1.0")
    fail = case("fail", id=B, ids=("QUE-2",), message="lost", code="DATA_LOSS")
    document(folder / "1", run("1", 1), acme, case(id=A), case(id=B))
    document(folder / "2", run("2", 2), acme, case(id=A), fail)
    stand_in = driver("sim", "stand-in")
    document(folder / "3", run("3", 3), stand_in, case("unsupported", id=A, driver="sim"))
    return folder


def test_the_page_is_written_where_it_is_asked_for(runs: Path, tmp_path: Path) -> None:
    result = matrix(runs, "-o", tmp_path / "a.html")
    assert result.exit_code == 0
    assert result.stderr.endswith("a.html: 2 columns, 3 runs\n")
    assert result.stdout == ""
    page = (tmp_path / "a.html").read_text()
    assert page.startswith("<!doctype html>")
    assert "<li>acme: 1 fail, 1 pass</li>" in page  # without scripts
    assert "\x1b" not in result.stderr


def test_the_page_is_matrix_html(
    runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert matrix(runs).exit_code == 0
    assert Path("matrix.html").is_file()


@pytest.mark.parametrize("form", ["html", "md", "csv", "json"])
def test_the_same_runs_give_the_same_bytes(runs: Path, tmp_path: Path, form: str) -> None:
    written = []
    for name, paths in (("a", [runs]), ("b", [runs / "3", runs / "1", runs / "2"])):
        assert matrix(*paths, "--format", form, "-o", tmp_path / name).exit_code == 0
        written.append((tmp_path / name).read_bytes())
    assert written[0] == written[1]


def test_markdown_has_a_row_a_requirement(runs: Path) -> None:
    result = matrix(runs, "--format", "md")
    rows = result.stdout.splitlines()
    assert "| requirement | acme<br>hardware | sim<br>stand-in |" in rows
    (row,) = [row for row in rows if row.startswith("| **QUE-1** ")]
    assert row.endswith(" | ✓ pass | · unsupported |")
    (row,) = [row for row in rows if row.startswith("| **QUE-2** ")]
    assert row.endswith(" | ✗ fail | ? untested |")
    assert re.search("^untested: STA-1, STA-2, ", result.stdout, re.MULTILINE)


def test_csv_has_a_row_a_cell(runs: Path) -> None:
    result = matrix(runs, "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(result.stdout)))
    assert [(row["case"], row["driver"], row["outcome"], row["changes"]) for row in rows] == [
        (A, "acme", "pass", "0"),
        (A, "sim", "unsupported", "0"),
        (B, "acme", "fail", "1"),
    ]
    assert rows[2] | {"started": "", "reproduce": ""} == {
        "case": B, "driver": "acme", "devices": "GPU", "version": "1.0",
        "obtained_on": "hardware", "outcome": "fail", "is_old": "no", "requirements": "QUE-2",
        "code": "DATA_LOSS", "message": "lost", "expectation": "", "duration": "0.500000",
        "changes": "1", "run": "2", "started": "", "reproduce": "",
    }  # fmt: skip


def test_json_is_as_it_is_documented(runs: Path) -> None:
    found = json.loads(matrix(runs, "--format", "json").stdout)
    documented = re.findall(r'"(\w+)": ', reports.tables.__doc__ or "")
    assert found.keys() == set(documented) - {"cells"}
    assert [column["label"] for column in found["columns"]] == ["acme", "sim"]
    assert [row["id"] for row in found["requirements"]] == list(requirements())
    cells = {row["id"]: row["cells"] for row in found["requirements"]}
    assert cells["QUE-2"] == ["fail", "untested"]
    assert found["cases"][1]["cells"] == [
        {
            "outcome": "fail", "run": 1, "is_old": False, "code": "DATA_LOSS",
            "message": "lost", "runs": 2, "changes": 1,
        },
        None,
    ]  # fmt: skip
    assert [found["runs"][i]["id"] for i in found["columns"][0]["runs"]] == ["1", "2"]


def test_versions_can_have_columns(runs: Path) -> None:
    document(runs / "4", run("4", 4), driver(version="1.1"), case(id=A))
    found = json.loads(matrix(runs, "--format", "json", "--columns", "version").stdout)
    assert [column["label"] for column in found["columns"]] == ["acme · 1.0", "acme · 1.1", "sim"]


def test_what_cannot_be_read_is_named_and_the_rest_is_merged(runs: Path) -> None:
    (runs / "3/results.json").write_bytes(b"{}\n")
    result = matrix(runs, runs / "absent", "--format", "json")
    assert result.exit_code == 1
    assert f"{runs}/3/results.json: it is no file of results: " in result.stderr
    assert f"{runs}/absent: No such file or directory\n" in result.stderr
    found = json.loads(result.stdout)
    assert len(found["runs"]) == 2
    assert len(found["problems"]) == 2


def test_a_damaged_run_is_merged_and_named(runs: Path) -> None:
    path = runs / "3/results.json"
    path.write_bytes(path.read_bytes()[:-8])
    result = matrix(runs, "--format", "md")
    assert result.exit_code == 1
    assert f"{path}: incomplete, the file is damaged: " in result.stderr
    assert "\n- incomplete: " in result.stdout


def test_a_run_that_has_not_ended_is_named_and_no_fault_of_the_file(runs: Path) -> None:
    path = lines(runs / "4", run("4", 4, finished=""), driver(), case(id=A))
    result = matrix(runs, "--format", "md")
    assert result.exit_code == 0
    assert f"{path}: incomplete, the run did not come to its end\n" in result.stderr


def test_a_run_that_is_there_twice_is_named(runs: Path) -> None:
    copy = runs / "copy"
    copy.mkdir()
    (copy / "results.json").write_bytes((runs / "1/results.json").read_bytes())
    result = matrix(runs, "--format", "json")
    assert result.exit_code == 0
    assert f"{copy}/results.json: the same run as {runs}/1/results.json: counted" in result.stderr
    assert len(json.loads(result.stdout)["runs"]) == 3


def test_nothing_to_read_is_an_error(tmp_path: Path) -> None:
    result = matrix(tmp_path, "-o", tmp_path / "a.html")
    assert result.exit_code == 4
    assert result.stderr == (
        f"{tmp_path}: no results.json or results.jsonl is in it\nnothing could be read\n"
    )
    assert not (tmp_path / "a.html").exists()


@pytest.mark.parametrize("place", ["absent/a.html", "runs"])
def test_an_output_that_cannot_be_written_is_an_error(
    runs: Path, tmp_path: Path, place: str
) -> None:
    result = matrix(runs, "-o", tmp_path / place)
    assert result.exit_code == 4
    assert f"{tmp_path / place}: cannot be written: " in result.stderr


def test_a_run_is_never_written_over(runs: Path) -> None:
    path = runs / "1/results.json"
    before = path.read_bytes()
    result = matrix(runs, "--format", "json", "-o", runs / "../runs/1/results.json")
    assert result.exit_code == 4
    assert "it is one of the runs" in result.stderr
    assert path.read_bytes() == before


def test_no_run_and_no_such_format_are_usage_errors(runs: Path) -> None:
    assert matrix().exit_code == 2
    assert matrix(runs, "--format", "xml").exit_code == 2


def test_names_on_stderr_are_harmless(tmp_path: Path) -> None:
    folder = tmp_path / "a\x1b[31m\nb"
    folder.mkdir()
    result = matrix(folder)
    assert "\x1b" not in result.stderr
    assert result.stderr.count("\n") == 2


def test_markdown_from_anybody_is_text(tmp_path: Path) -> None:
    document(tmp_path, *hostile_texts.records())
    text = matrix(tmp_path, "--format", "md").stdout
    table = [line for line in text.splitlines() if line.startswith("|")]
    columns = len(hostile_texts.TEXTS) + 1
    assert {line.count("|") for line in table} == {columns + 1}
    assert set(re.findall("<[^>]*>", text)) == {"<br>"}
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f\u200b-\u200f\u2028-\u202e\u2066-\u2069]", text)
    assert "://" not in text
    assert "](" not in text


def test_csv_from_anybody_is_no_formula(tmp_path: Path) -> None:
    document(tmp_path, *hostile_texts.records())
    text = matrix(tmp_path, "--format", "csv").stdout
    rows = list(csv.DictReader(io.StringIO(text)))
    assert len(rows) == len(hostile_texts.TEXTS)
    for value in (value for row in rows for value in row.values()):
        assert not re.match(r"\s*[=+\-@]|[\t\r\n]", value)
        assert "\x1b" not in value
        assert "\x00" not in value


@pytest.mark.parametrize("form", ["html", "json"])
def test_anybodys_texts_are_written(tmp_path: Path, form: str) -> None:
    document(tmp_path, *hostile_texts.records())
    assert matrix(tmp_path, "--format", form, "-o", tmp_path / "out").exit_code == 0


@pytest.mark.parametrize(
    "odd",
    [
        {"properties": {"deep": json.loads("[" * 900 + "]" * 900)}},
        {"properties": {"large": 10**400}},
        {"capabilities": [{"identifier": {"a": [1]}}]},
        {"topology": {"numa_nodes": [10**25], "lo": [["0x0"]], "hi": [["0x0"]]}},
        {"topology": {"numa_nodes": [0, 0], "lo": [["0x0"], ["0x0", "0x1"]], "hi": [["0x0"]]}},
        {"topology": {"numa_nodes": [0], "lo": [[["0x0"]]], "hi": "x"}},
        {"topology": {"numa_nodes": [0], "lo": [["-1"]], "hi": [["0x0"]]}},
    ],
)
def test_what_a_driver_says_of_itself_may_be_anything(
    tmp_path: Path, odd: dict[str, object]
) -> None:
    record = msgspec.structs.asdict(driver()) | odd
    plain = [msgspec.to_builtins(run()), {"record": "driver", **record}]
    (tmp_path / "results.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in plain))
    for form in ("html", "md", "csv", "json"):
        result = matrix(tmp_path, "--format", form, "-o", tmp_path / "out")
        assert (result.exit_code, result.exception) == (0, None)


def test_there_is_progress_only_where_somebody_sees_it(
    runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = [runs]
    assert reports.matrix_command._watched(paths) is paths
    leader, follower = os.openpty()
    with os.fdopen(follower, "w") as terminal:
        monkeypatch.setattr(sys, "stderr", terminal)
        assert list(reports.matrix_command._watched(paths)) == paths
    assert b"reading runs" in os.read(leader, 10_000)
    os.close(leader)
