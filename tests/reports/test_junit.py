"""`junit.xml`, opened by another reader."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from junitparser import Error, Failure, JUnitXml, Properties, Skipped, TestCase, TestSuite

from cts.results import Outcome
from reports import junit
from reports.matrix import PRECEDENCE
from reports.runs import Run, read

from . import hostile_texts
from .compared import verdict
from .written import case, document, driver, run

KINDS: dict[Outcome, type[Error | Failure | Skipped] | None] = {
    "pass": None,
    "fail": Failure,
    "crash": Failure,
    "timeout": Failure,
    "flaky": Failure,
    "unexpected-pass": Failure,
    "error": Error,
    "blocked": Error,
    "expected-fail": Skipped,
    "unsupported": Skipped,
    "skip": Skipped,
    "adapter": Skipped,
}


def opened(folder: Path) -> list[TestSuite]:
    """The suites in the file that is made of a run."""
    path = folder / junit.FILE_NAME
    junit.write(read(folder), path)
    return list(JUnitXml.fromfile(str(path)))


def properties(element: TestSuite | TestCase) -> list[tuple[str, str]]:
    """Names and values of what is noted of an element."""
    return [(found.name, found.value) for found in element.child(Properties)]  # type: ignore[no-untyped-call]


def test_every_outcome_is_something() -> None:
    assert KINDS.keys() == set(PRECEDENCE)


@pytest.mark.parametrize("outcome", KINDS)
def test_an_outcome_is_what_other_tools_take_it_for(tmp_path: Path, outcome: Outcome) -> None:
    document(tmp_path, run(), driver(), verdict(outcome, "a", message="why"))
    ((found,),) = opened(tmp_path)
    kind = KINDS[outcome]
    assert [type(result) for result in found.result] == ([kind] if kind else [])
    assert [result.type for result in found.result] == ([outcome] if kind else [])


def test_the_flaky_that_was_expected_is_skipped(tmp_path: Path) -> None:
    excused = msgspec.structs.replace(verdict("flaky", "a"), expected="flaky")
    document(tmp_path, run(), driver(), excused)
    ((found,),) = opened(tmp_path)
    assert [type(result) for result in found.result] == [Skipped]


def test_a_driver_is_a_suite_with_its_facts_and_counts(tmp_path: Path) -> None:
    acme, sim = driver(version="1.2"), driver("sim", "stand-in")
    cases = [verdict("fail", "a"), verdict("pass", "b"), verdict("expected-fail", "c")]
    document(tmp_path, run(), acme, sim, *cases, case("error", driver="sim"))
    suites = opened(tmp_path)
    assert [suite.name for suite in suites] == ["acme", "sim"]
    counts = [(suite.tests, suite.failures, suite.errors, suite.skipped) for suite in suites]
    assert counts == [(3, 1, 0, 1), (1, 0, 1, 0)]
    assert properties(suites[0]) == [
        ("version", "1.2"),
        ("obtained on", "hardware"),
        ("suite revision", "a1"),
    ]
    assert ("obtained on", "stand-in") in properties(suites[1])
    assert suites[0].time == 1.5


def test_a_failure_has_its_message_and_the_line_that_reproduces_it(tmp_path: Path) -> None:
    failed = verdict("fail", "a", message="byte 7\nis 0", ids=("QUE-1", "QUE-3"))
    document(tmp_path, run(), driver(), failed)
    ((found,),) = opened(tmp_path)
    assert (found.classname, found.name) == ("queue.test_copy", "test_a")
    (failure,) = found.result
    assert failure.message == "byte 7 is 0"
    assert failure.text == "byte 7\nis 0\npytest --driver=acme 'queue/test_copy::test_a'"
    assert properties(found) == [
        ("case", "queue/test_copy::test_a"),
        ("outcome", "fail"),
        ("requirement", "QUE-1"),
        ("requirement", "QUE-3"),
    ]


def test_what_may_be_in_no_xml_is_shown_by_its_number(tmp_path: Path) -> None:
    document(tmp_path, *hostile_texts.records())
    suites = opened(tmp_path)  # which is well formed, whatever the names are
    text = (tmp_path / junit.FILE_NAME).read_text(encoding="utf-8")
    assert "⟨U+001B⟩[31mred" in text
    assert "\x1b" not in text
    assert sum(suite.tests for suite in suites) == len(read(tmp_path).cases)


def test_half_a_surrogate_is_shown_by_its_number(tmp_path: Path) -> None:
    passed = verdict("pass", "\ud800", driver="\udfff", ids=("\udc80",))
    drivers = {"\udfff": driver("\udfff", version="\ud801", devices=[])}
    cases = {(passed.driver, passed.case): passed}
    junit.write(Run(tmp_path, run(), drivers, cases), tmp_path / junit.FILE_NAME)
    (suite,) = JUnitXml.fromfile(str(tmp_path / junit.FILE_NAME))
    assert suite.name == "⟨U+DFFF⟩"
    assert [found.name for found in suite] == ["test_⟨U+D800⟩"]
