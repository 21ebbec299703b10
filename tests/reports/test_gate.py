"""What closes the gate, and the command `hal-cts gate`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from cts.results import Outcome, RunRecord
from reports.compare_commands import gate_app

from .compared import id_of, invoke, verdict, written
from .written import case, document, driver, run

BASE: dict[str, Outcome] = {"a": "pass", "b": "pass", "c": "fail", "d": "unsupported"}


def top(text: str) -> list[str]:
    """The first three lines."""
    return text.splitlines()[:3]


def test_it_is_open_where_nothing_got_worse(tmp_path: Path) -> None:
    base = written(tmp_path / "base", **BASE)
    head = written(tmp_path / "head", **BASE | {"c": "pass"})
    result = invoke(gate_app, base, head)
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        "gate open: 4 cases compared",
        "broken: 0",
        "else: 0 lost, 0 newly unsupported (budget 0), 1 fixed,"
        " 0 faults of runs, drivers and expectations",
    ]


@pytest.mark.parametrize(
    ("change", "lines"),
    [
        ({"a": "fail"}, [f"broken: 1: {id_of('a')} on acme"]),
        ({"a": "flaky"}, [f"broken: 1: {id_of('a')} on acme"]),
        ({"a": "expected-fail"}, [f"broken: 1: {id_of('a')} on acme"]),
        ({"c": "crash"}, [f"broken: 1: {id_of('c')} on acme"]),
        ({"n": "blocked"}, [f"broken: 1: {id_of('n')} on acme"]),
        ({"a": "adapter"}, ["broken: 0", f"else: 1 lost, 0 newly .*: {id_of('a')} on acme"]),
        ({"a": None}, ["broken: 0", f"else: 1 lost, 0 newly .*: {id_of('a')} on acme"]),
        ({"a": "unsupported"}, ["broken: 0", "else: 0 lost, 1 newly unsupported .budget 0., "]),
        ({"n": "unsupported"}, ["broken: 0", "else: 0 lost, 1 newly unsupported .budget 0., "]),
    ],
)
def test_it_is_closed_for_what_got_worse(
    tmp_path: Path, change: dict[str, Outcome | None], lines: list[str]
) -> None:
    after = {name: outcome for name, outcome in (BASE | change).items() if outcome}
    base, head = written(tmp_path / "base", **BASE), written(tmp_path / "head", **after)
    result = invoke(gate_app, base, head)
    assert result.exit_code == 1
    assert top(result.stdout)[0].startswith("gate closed: ")
    for line, expected in zip(top(result.stdout)[1:], lines, strict=False):
        assert re.match(expected, line)


def test_what_is_fixed_makes_up_for_nothing(tmp_path: Path) -> None:
    base = written(tmp_path / "base", **BASE)
    head = written(tmp_path / "head", **BASE | {"c": "pass", "a": "fail"})
    assert invoke(gate_app, base, head).exit_code == 1


@pytest.mark.parametrize(
    ("budget", "status"), [("0", 1), ("1", 1), ("2", 0), ("49%", 1), ("50%", 0), ("2.0", 0)]
)
def test_growth_of_the_unsupported_has_a_budget(tmp_path: Path, budget: str, status: int) -> None:
    base = written(tmp_path / "base", **BASE)
    head = written(tmp_path / "head", **BASE | {"a": "unsupported", "b": "skip"})
    result = invoke(gate_app, base, head, "--budget", budget)
    assert result.exit_code == status
    assert f"2 newly unsupported (budget {budget})" in result.stdout
    assert f"  newly unsupported: {id_of('b')} (QUE-1): pass → skip" in result.stdout


@pytest.mark.parametrize("budget", ["", "x", "-1", "1e9", "nan", "5 %"])
def test_a_budget_that_is_none_is_refused(tmp_path: Path, budget: str) -> None:
    base = written(tmp_path / "base", **BASE)
    result = invoke(gate_app, base, base, f"--budget={budget}")
    assert result.exit_code == 4
    assert f"--budget: {budget!r} is no number of cases" in result.stderr


@pytest.mark.parametrize(
    ("base", "head", "driver_fields", "fault"),
    [
        ({}, {"finished": ""}, {}, "the head run is incomplete: the run did not come to its end"),
        ({"finished": ""}, {}, {}, "the base run is incomplete: the run did not come to its end"),
        ({}, {"expectation_faults": ["acme: x: it has expired"]}, {}, "acme: x: it has expired"),
        ({}, {}, {"status": "broken", "reason": "SIGSEGV"}, "acme: SIGSEGV"),
        ({}, {}, {"exit_fault": "exit status 3"}, "acme: exit status 3"),
    ],
)
def test_it_is_closed_for_a_fault_of_the_whole(
    tmp_path: Path,
    base: dict[str, Any],
    head: dict[str, Any],
    driver_fields: dict[str, Any],
    fault: str,
) -> None:
    document(tmp_path / "base", run("base", **base), driver(), verdict("pass", "a"))
    document(tmp_path / "head", run("head", **head), driver(**driver_fields), verdict("pass", "a"))
    result = invoke(gate_app, tmp_path / "base", tmp_path / "head")
    assert result.exit_code == 1
    assert result.stdout.splitlines()[2:4] == [
        "else: 0 lost, 0 newly unsupported (budget 0), 0 fixed,"
        " 1 faults of runs, drivers and expectations",
        f"  {fault}",
    ]


def test_a_driver_that_was_not_run_closes_it(tmp_path: Path) -> None:
    sim = driver("sim", "stand-in")
    document(tmp_path / "base", run("base"), driver(), sim, verdict("pass", "a"))
    document(tmp_path / "head", run("head"), driver(), verdict("pass", "a"))
    result = invoke(gate_app, tmp_path / "base", tmp_path / "head")
    assert result.exit_code == 1
    assert "driver 'sim' was not run" in result.stdout


def test_a_run_of_nothing_closes_it(tmp_path: Path) -> None:
    base, head = written(tmp_path / "base"), written(tmp_path / "head")
    result = invoke(gate_app, base, head)
    assert result.exit_code == 1
    assert "\n  the head run has no case\n" in result.stdout


def test_many_cases_are_named_by_the_first_three(tmp_path: Path) -> None:
    before: dict[str, Outcome] = dict.fromkeys("abcde", "pass")
    after: dict[str, Outcome] = dict.fromkeys("abcde", "fail")
    base, head = written(tmp_path / "base", **before), written(tmp_path / "head", **after)
    result = invoke(gate_app, base, head)
    named = ", ".join(f"{id_of(name)} on acme" for name in "abc")
    assert top(result.stdout)[1] == f"broken: 5: {named}, and 2 more"
    assert result.stdout.count("  broken: ") == 5


@pytest.mark.parametrize("record", [run("head", suite_revision="b2")])
def test_what_cannot_be_compared_is_no_verdict(tmp_path: Path, record: RunRecord) -> None:
    base = written(tmp_path / "base", **BASE)
    head = written(tmp_path / "head", record, **BASE)
    result = invoke(gate_app, base, head)
    assert result.exit_code == 4
    assert "the runs are of different suites: a1 and b2" in result.stderr


def test_a_job_on_github_is_annotated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    base, head = written(tmp_path / "base", a="pass"), written(tmp_path / "head", a="fail")
    annotation = f"\n::error title=broken%3A acme::{id_of('a')}"
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    assert "::error" not in invoke(gate_app, base, head).stdout
    assert annotation in invoke(gate_app, base, head, "--github").stdout
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    assert annotation in invoke(gate_app, base, head).stdout
    assert "::error" not in invoke(gate_app, base, head, "--no-github").stdout


def test_nothing_else_is_a_command_there(tmp_path: Path) -> None:
    name = "::stop-commands::x"
    document(tmp_path / "base", run("base"), driver(), case("pass", "##[group]a"))
    worse = case("fail", "##[group]a", message="  ::add-mask::broken ##[endgroup]")
    document(
        tmp_path / "head",
        run("head", expectation_faults=["::error::x"]),
        driver(),
        driver(name),
        worse,
        case("crash", driver=name),
    )
    result = invoke(gate_app, tmp_path / "base", tmp_path / "head", "--github")
    lines = result.stdout.splitlines()
    first = next(n for n, line in enumerate(lines) if line.startswith("::error title="))
    assert all(line.startswith("::error title=") for line in lines[first:])
    assert [line for line in lines[:first] if line.lstrip().startswith("::")] == []
    assert "##[" not in "".join(lines[:first])
    assert {": :stop-commands::x", "    : :add-mask::broken # #[endgroup]"} < set(lines)
