"""Merging runs: columns, what they have now of each case, and the evidence that is kept."""

from __future__ import annotations

import gc
import itertools
from pathlib import Path

import pytest

from cts.results import Attempt, BenchmarkRecord, CaseRecord, Death, Outcome
from reports.case_line import TEXT_LIMIT
from reports.history import NOT_RUN, Column, History
from reports.matrix import PRECEDENCE
from reports.merging import merge

from .hostile_files import damaged, unreadable
from .written import case, document, driver, lines, run

A, B = "queue/test_copy::test_a", "queue/test_copy::test_b"


def outcomes(column: Column) -> list[str]:
    """What a column has now of each case; a `*` where that is of an older run."""
    return [
        "not run" if code == NOT_RUN else PRECEDENCE[code] + "*" * column.is_old(place)
        for place, code in enumerate(column.now)
    ]


def labels(history: History) -> list[str]:
    """The columns' labels."""
    return [column.label for column in history.columns]


def over_time(folder: Path, *verdicts: Outcome) -> Column:
    """The column of a driver whose runs gave these verdicts of one case."""
    for day, outcome in enumerate(verdicts, 1):
        document(folder / f"{day}", run(f"{day}", day), driver(), case(outcome))
    (column,) = merge([folder]).columns
    return column


def test_the_newest_run_is_what_counts_whatever_the_order_of_the_files(tmp_path: Path) -> None:
    for order in itertools.permutations((1, 2, 3)):
        folder = tmp_path / "".join(map(str, order))
        for place, day in enumerate(order):
            verdict = case("pass" if day == 3 else "fail")
            document(folder / f"{place}", run(f"{day}", day), driver(version=f"{day}"), verdict)
        (column,) = merge([folder]).columns
        assert outcomes(column) == ["pass"]
        assert column.versions == ["1", "2", "3"]
        assert column.runs == [0, 1, 2]
        assert column.driver.version == "3"
        fail, passed = PRECEDENCE.index("fail"), PRECEDENCE.index("pass")
        assert column.verdicts.tolist() == [[fail, fail, passed]]


def test_times_are_compared_as_times(tmp_path: Path) -> None:
    later = run("1", started="2026-01-01T08:00:00+01:00")  # 07:00 in UTC
    document(tmp_path / "a", run("2", started="2026-01-01T07:30:00Z"), driver())
    document(tmp_path / "b", later, driver())
    document(tmp_path / "c", run("3", started="yesterday"), driver())
    document(tmp_path / "d", run("4", started="0001-01-01T00:00:00+23:59"), driver())
    ids = [found.record.id for found in merge([tmp_path]).runs]
    assert ids[2:] == ["1", "2"]


def test_devices_of_a_driver_have_columns_of_their_own(tmp_path: Path) -> None:
    document(tmp_path / "1", run("1"), driver(device="RTX"), driver("null", "software", "none"))
    document(tmp_path / "2", run("2"), driver(device="A100"))
    document(tmp_path / "3", run("3"), driver(device="A100", on="stand-in"))
    history = merge([tmp_path])
    assert labels(history) == [
        "acme · A100 · hardware",
        "acme · RTX · hardware",
        "acme · A100 · stand-in",
        "null",
    ]
    assert [column.driver.obtained_on for column in history.columns][2] == "stand-in"


def test_versions_have_columns_of_their_own_when_that_is_asked_for(tmp_path: Path) -> None:
    for day in (1, 2, 3):
        version = "1.0" if day < 3 else "1.1"
        document(tmp_path / f"{day}", run(f"{day}", day), driver(version=version), case())
    assert labels(merge([tmp_path])) == ["acme"]
    history = merge([tmp_path], by_version=True)
    assert labels(history) == ["acme · 1.0", "acme · 1.1"]
    assert [column.runs for column in history.columns] == [[0, 1], [2]]


def test_labels_are_never_the_same(tmp_path: Path) -> None:
    for number, name in enumerate(["a", "a · x"]):
        for device in ("x", "y · x", "x · y")[: 3 - 2 * number]:
            folder = tmp_path / f"{number}{device}"
            document(folder, run(folder.name), driver(name, device=device))
    found = labels(merge([tmp_path]))
    assert len(set(found)) == len(found) == 4


def test_a_run_that_is_there_twice_counts_once(tmp_path: Path) -> None:
    cut = lines(tmp_path / "a", run("1", finished=""), driver())
    whole = document(tmp_path / "b", run("1"), driver(), case("fail"))
    other = document(tmp_path / "c", run("1"), driver(), case("fail"))
    history = merge([tmp_path])
    assert [found.path for found in history.runs] == [whole]
    assert {problem.path for problem in history.duplicates} == {cut, other}
    assert "counted once" in history.duplicates[0].why
    assert history.columns[0].evidence[0][0].count == 1


def test_runs_without_an_id_are_all_counted(tmp_path: Path) -> None:
    document(tmp_path / "a", run(""), driver())
    document(tmp_path / "b", run(""), driver())
    assert len(merge([tmp_path]).runs) == 2


def test_a_case_that_the_newest_run_left_out_is_of_an_older_one(tmp_path: Path) -> None:
    document(tmp_path / "1", run("1", 1), driver(), case(id=A), case("fail", id=B))
    document(tmp_path / "2", run("2", 2), driver(), case(id=A))
    (column,) = merge([tmp_path]).columns
    assert outcomes(column) == ["pass", "fail*"]


def test_a_case_of_another_suite_is_not_what_there_is_now(tmp_path: Path) -> None:
    old = run("1", 1, suite_revision="old")
    document(tmp_path / "1", old, driver(), case(id=A), case("fail", id=B))
    document(tmp_path / "2", run("2", 2), driver(), case(id=A))
    history = merge([tmp_path])
    assert history.cases == [A]
    assert history.notes == ["1 cases that no newest run has, and their history"]
    document(tmp_path / "3", run("3", 2), driver("other"), case(id=B, driver="other"))
    history = merge([tmp_path])
    assert outcomes(history.columns[0]) == ["pass", "not run"]


def test_a_run_that_was_cut_off_shows_the_one_before(tmp_path: Path) -> None:
    document(tmp_path / "1", run("1", 1), driver(), case(id=A), case(id=B))
    cut = run("2", 2, suite_revision="", finished="")
    lines(tmp_path / "2", cut, driver(), case("fail", id=A))
    (column,) = merge([tmp_path]).columns
    assert outcomes(column) == ["fail", "pass*"]


def test_failures_that_are_alike_are_one_with_its_newest_sample(tmp_path: Path) -> None:
    messages = ["at 0x10", "at 0x20", "lost", "at 0x30"]
    for day, message in enumerate(messages, 1):
        document(tmp_path / f"{day}", run(f"{day}", day), driver(), case("fail", message=message))
    (column,) = merge([tmp_path]).columns
    ways = [(way.record.message, way.first, way.last, way.count) for way in column.evidence[0]]
    assert ways == [("at 0x30", 0, 3, 3), ("lost", 2, 2, 1)]


def test_a_pass_leaves_its_newest_record_alone(tmp_path: Path) -> None:
    column = over_time(tmp_path, "pass", "pass")
    assert column.evidence == {}
    assert column.newest[0].reproduce == case().reproduce


def test_the_last_record_of_a_case_is_its_verdict(tmp_path: Path) -> None:
    lines(tmp_path, run(), driver(), case("fail", id=A), case("fail", id=B), case(id=A))
    (column,) = merge([tmp_path]).columns
    assert outcomes(column) == ["pass", "fail"]
    assert [len(ways) for ways in column.evidence.values()] == [1]
    lines(tmp_path, run(), driver(), case("fail", message="x"), case("fail", message="y"))
    (column,) = merge([tmp_path]).columns
    assert [(way.record.message, way.count) for way in column.evidence[0]] == [("y", 1)]
    assert column.newest[0].message == "y"


def test_a_driver_that_broke_is_the_one_that_worked_before(tmp_path: Path) -> None:
    broken = driver(status="broken", devices=[], reason="SIGSEGV")
    document(tmp_path / "1", run("1", 1), driver(), case())
    document(tmp_path / "2", run("2", 2), broken, case("blocked"))
    document(tmp_path / "3", run("3", 3), driver(), case("fail"), case("blocked", id=A))
    history = merge([tmp_path])
    assert labels(history) == ["acme"]
    (column,) = history.columns
    assert column.driver.status == "available"
    assert column.runs == [0, 1, 2]
    verdicts = [PRECEDENCE[code] for code in column.verdicts[1]]
    assert verdicts == ["pass", "blocked", "fail"]
    assert column.newest[1].outcome == "fail"
    document(tmp_path / "4", run("4", 4), broken, case("blocked"), case("blocked", id=A))
    (column,) = merge([tmp_path]).columns
    assert outcomes(column) == ["blocked", "blocked"]
    assert column.driver.reason == "SIGSEGV"
    assert column.newest[1].outcome == "blocked"
    ways = [
        (way.record.outcome, way.first, way.last, way.count)
        for case_ways in column.evidence.values()
        for way in case_ways
    ]
    assert ways == [("blocked", 2, 3, 2), ("blocked", 1, 3, 2), ("fail", 2, 2, 1)]


def test_a_driver_that_was_not_there_says_nothing_of_the_one_that_was(tmp_path: Path) -> None:
    absent = driver(status="unavailable", devices=[], reason="no libcuda")
    document(tmp_path / "1", run("1", 1), driver(), case())
    document(tmp_path / "2", run("2", 2), absent)
    history = merge([tmp_path])
    assert labels(history) == ["acme"]
    assert history.notes == ["driver acme in 1 runs: unavailable, no libcuda"]
    document(tmp_path / "1", run("1", 1), driver("other"), case(driver="other"))
    assert labels(merge([tmp_path])) == ["acme", "other"]


def test_cases_of_a_driver_that_the_run_does_not_know_are_kept(tmp_path: Path) -> None:
    document(tmp_path, run(), case("fail", driver="stranger"))
    (column,) = merge([tmp_path]).columns
    assert column.driver.reason == "the run has no record of it"
    assert outcomes(column) == ["fail"]


def test_a_requirement_is_the_worst_of_its_cases(tmp_path: Path) -> None:
    document(
        tmp_path,
        run(),
        driver(),
        case(id=A, ids=("QUE-1", "MINE-1")),
        case("expected-fail", id=B, ids=("QUE-1", "QUE-1", "QUE-2")),
    )
    history = merge([tmp_path])
    cells = {id: history.cells(id) for id in ("QUE-1", "QUE-2", "MINE-1", "QUE-3")}
    assert cells == {
        "QUE-1": ["expected-fail"],
        "QUE-2": ["expected-fail"],
        "MINE-1": ["pass"],
        "QUE-3": ["untested"],
    }
    assert history.requirements == [("QUE-1", "MINE-1"), ("QUE-1", "QUE-2")]


def test_numbers_in_ids_are_sorted_as_numbers(tmp_path: Path) -> None:
    ids = ["a/b::c[2]", "a/b::c[10]", "a/b::d[" + "9" * 900 + "]"]
    document(tmp_path, run(), driver(), *(case(id=id) for id in reversed(ids)))
    assert merge([tmp_path]).cases == ids


def test_long_texts_are_cut(tmp_path: Path) -> None:
    long = "x" * 100_000
    death = Death(
        outcome="crash", how="", exit_status=-11, place="", stack=long, output={"a": long}, after=""
    )
    attempts = [Attempt(outcome="crash", message=long, death=death)] * 50
    document(tmp_path, run(), driver(), case("crash", message=long, attempts=attempts))
    kept = merge([tmp_path]).columns[0].newest[0]
    assert kept.message == "x" * TEXT_LIMIT + "… (96000 more characters)"
    assert len(kept.attempts) == 10
    assert kept.attempts[0].death is not None
    assert len(kept.attempts[0].death.stack) < 5000
    assert len(kept.attempts[0].death.output["a"]) < 5000


def test_the_newest_benchmarks_are_kept(tmp_path: Path) -> None:
    for day, median in enumerate((1.0, 2.0), 1):
        measured = BenchmarkRecord(driver="acme", name="copy", median=median, iqr=0.1, rounds=5)
        document(tmp_path / f"{day}", run(f"{day}", day), driver(), measured)
    assert merge([tmp_path]).columns[0].benchmarks["copy"].median == 2.0


def test_damaged_files_are_merged_as_far_as_they_go(tmp_path: Path) -> None:
    files = damaged(tmp_path / "whole")
    for number, (data, _) in enumerate(files.values()):
        folder = tmp_path / f"runs/{number}"
        folder.mkdir(parents=True)
        (folder / "results.json").write_bytes(data)
    for number, (_, said) in enumerate(files.values()):
        history = merge([tmp_path / f"runs/{number}"])
        assert said in history.runs[0].incomplete
        assert history.runs[0].is_damaged
        assert labels(history) == ["acme"]


@pytest.mark.parametrize(
    "endless",
    [
        case(id="x" * 2000),
        case(id=B, driver="x" * 2000),
        case(id=B, ids=("x",) * 1000),
        case(id=B, ids=("x" * 1000,)),
    ],
)
def test_names_without_an_end_are_damage(tmp_path: Path, endless: CaseRecord) -> None:
    document(tmp_path, run(), driver(), case(id=A), endless)
    history = merge([tmp_path])
    assert "of length <=" in history.runs[0].incomplete
    assert history.cases == [A]


def test_what_cannot_be_read_is_a_problem_and_the_rest_is_merged(tmp_path: Path) -> None:
    files = unreadable(tmp_path / "whole")
    for number, (data, _) in enumerate(files.values()):
        folder = tmp_path / f"runs/{number}"
        folder.mkdir(parents=True)
        (folder / "results.json").write_bytes(data)
    document(tmp_path / "runs/good", run("good"), driver(), case())
    history = merge([tmp_path / "runs"])
    assert [found.record.id for found in history.runs] == ["good"]
    assert len(history.problems) == len(files)


def test_nothing_is_an_empty_history(tmp_path: Path) -> None:
    history = merge([tmp_path])
    assert (history.runs, history.columns, history.cases) == ([], [], [])
    document(tmp_path, run())
    assert merge([tmp_path]).columns == []


def test_pythons_collector_is_as_it_was(tmp_path: Path) -> None:
    assert gc.isenabled()
    merge([tmp_path])
    assert gc.isenabled()
