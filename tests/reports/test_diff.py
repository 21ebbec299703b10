"""What a change of a verdict is called, and the command `hal-cts diff`."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from cts.results import Outcome
from reports.compare_commands import diff_app
from reports.diff import IncomparableError, Kind, difference
from reports.runs import read

from .compared import id_of, invoke, made, verdict, written
from .written import document, driver, run


@pytest.mark.parametrize(
    ("before", "after", "kind"),
    [
        ("pass", "pass", None),
        ("pass", "fail", "broken"),
        ("pass", "crash", "broken"),
        ("pass", "blocked", "broken"),
        ("expected-fail", "unexpected-pass", "broken"),
        ("unsupported", "timeout", "broken"),
        ("pass", "flaky", "newly flaky"),
        ("pass", "expected-fail", "newly expected to fail"),
        ("adapter", "expected-fail", "newly expected to fail"),
        ("fail", "expected-fail", None),
        ("pass", "adapter", "no longer proven"),
        ("pass", "unsupported", "newly unsupported"),
        ("pass", "skip", "newly unsupported"),
        ("fail", "unsupported", "newly unsupported"),
        ("skip", "unsupported", None),
        ("fail", "crash", "fails otherwise"),
        ("fail", "fail", None),
        ("fail", "pass", "fixed"),
        ("flaky", "pass", "fixed"),
        ("expected-fail", "pass", "fixed"),
        ("unsupported", "pass", "newly proven"),
        ("adapter", "pass", "newly proven"),
        ("unsupported", "adapter", None),
    ],
)
def test_a_change_has_a_name(
    tmp_path: Path, before: Outcome, after: Outcome, kind: Kind | None
) -> None:
    found = difference(made(tmp_path / "base", a=before), made(tmp_path / "head", a=after))
    assert [change.kind for change in found.changes] == ([kind] if kind else [])


def test_the_same_outcome_with_another_message_fails_otherwise(tmp_path: Path) -> None:
    for name, message in (("1", "byte 7 differs"), ("2", "byte 9 differs"), ("3", "it is late")):
        document(tmp_path / name, run(name), driver(), verdict("fail", "a", message=message))
    first, same, other = (read(tmp_path / name) for name in "123")
    assert difference(first, same).changes == ()  # numbers aside
    assert [change.kind for change in difference(first, other).changes] == ["fails otherwise"]


def test_the_worst_comes_first_then_the_cases_in_order(tmp_path: Path) -> None:
    base = made(tmp_path / "base", a="fail", b="pass", c="pass", d="pass", e="pass")
    head = made(tmp_path / "head", a="pass", c="fail", b="fail", d="unsupported", n="pass")
    found = difference(base, head)
    assert [(change.kind, change.case) for change in found.changes] == [
        ("broken", id_of("b")),
        ("broken", id_of("c")),
        ("newly unsupported", id_of("d")),
        ("gone", id_of("e")),
        ("fixed", id_of("a")),
        ("new", id_of("n")),
    ]
    assert found.compared == 4


def test_a_new_case_that_fails_is_broken(tmp_path: Path) -> None:
    found = difference(made(tmp_path / "base"), made(tmp_path / "head", a="fail"))
    assert [change.kind for change in found.changes] == ["broken"]


def test_the_flaky_that_was_expected_is_no_failure(tmp_path: Path) -> None:
    excused = msgspec.structs.replace(verdict("flaky", "a"), expected="flaky")
    document(tmp_path / "base", run("base"), driver(), verdict("pass", "a"))
    document(tmp_path / "head", run("head"), driver(), excused)
    found = difference(read(tmp_path / "base"), read(tmp_path / "head"))
    assert [change.kind for change in found.changes] == ["newly expected to fail"]


@pytest.mark.parametrize(
    ("revision", "why"),
    [("b2", "the runs are of different suites: a1 and b2"), ("", "does not say of which revision")],
)
def test_runs_of_other_suites_cannot_be_compared(tmp_path: Path, revision: str, why: str) -> None:
    base = made(tmp_path / "base", a="pass")
    head = made(tmp_path / "head", run("head", suite_revision=revision), a="pass")
    with pytest.raises(IncomparableError, match=why):
        difference(base, head)
    result = invoke(diff_app, tmp_path / "base", tmp_path / "head")
    assert result.exit_code == 4
    assert why in result.stderr
    assert result.stdout == ""


def test_the_command_counts_and_then_tells_each_change(tmp_path: Path) -> None:
    document(tmp_path / "base", run("base"), driver(), verdict("pass", "a"), verdict("fail", "b"))
    broken = verdict("fail", "a", message="byte 7 is 0", code="DATA_LOSS")
    sim = driver("sim", "stand-in")
    document(tmp_path / "head", run("head"), driver(), sim, broken, verdict("pass", "b"))
    result = invoke(diff_app, tmp_path / "base", tmp_path / "head")
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        "only head has sim",
        "2 cases compared: 1 broken, 1 fixed",
        "",
        "acme",
        f"  broken: {id_of('a')} (QUE-1): pass → fail",
        "    byte 7 is 0",
        f"    pytest --driver=acme '{id_of('a')}'",
        f"  fixed: {id_of('b')} (QUE-1): fail → pass",
        f"    pytest --driver=acme '{id_of('b')}'",
    ]


def test_json_has_a_change_a_line(tmp_path: Path) -> None:
    base, head = written(tmp_path / "base", a="pass"), written(tmp_path / "head", a="crash")
    result = invoke(diff_app, base, head, "--json")
    assert [json.loads(line) for line in result.stdout.splitlines()] == [
        {
            "kind": "broken", "driver": "acme", "case": id_of("a"), "before": "pass",
            "after": "crash", "requirements": ["QUE-1"], "message": "",
        }
    ]  # fmt: skip


def test_nothing_has_changed(tmp_path: Path) -> None:
    result = invoke(diff_app, written(tmp_path / "1", a="pass"), written(tmp_path / "2", a="pass"))
    assert result.stdout == "1 cases compared: nothing has changed\n"


def test_an_incomplete_run_is_named_as_such(tmp_path: Path) -> None:
    base = written(tmp_path / "base", a="pass")
    head = written(tmp_path / "head", run("head", finished=""), a="pass")
    result = invoke(diff_app, base, head)
    assert result.stdout.startswith("the head run is incomplete: the run did not come to its end\n")


def test_what_is_no_run_is_said(tmp_path: Path) -> None:
    (tmp_path / "results.json").write_text("{}")
    result = invoke(diff_app, tmp_path, tmp_path)
    assert result.exit_code == 4
    assert f"{tmp_path}: it is no file of results" in result.stderr
