"""Expectations made of a run: what a run found is expected from then on, and reasons are kept."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

from cts.expectations.entries import Entry, ExpectationsFile, read
from cts.expectations.expectations import Expectations
from cts.expectations.rewriting import accepted, text_of
from cts.results import Attempt, CaseRecord, DriverRecord, Outcome

RECORD = DriverRecord(driver="acme", status="available", version="1.0")


def entry(**fields: Any) -> Entry:
    return Entry(**({"case": "a/b", "kind": "expected-fail", "reason": "known"} | fields))


def case(name: str, outcome: Outcome, **fields: Any) -> CaseRecord:
    return CaseRecord(
        driver="acme", case=f"a/b::{name}", requirements=[], outcome=outcome, duration=0.0, **fields
    )


def after(entries: list[Entry], *cases: CaseRecord, faults: tuple[str, ...] = ()) -> list[Entry]:
    file = ExpectationsFile(Path("x"), "", tuple(entries), ())
    active = {"acme": Expectations.of_driver(RECORD, [file])}
    return accepted(entries, active, cases, faults)


def test_what_fails_gets_an_entry_without_a_reason() -> None:
    (new,) = after(
        [], case("x", "fail", message="QUE-3: copy(8, 16): came back: 1; asks: 2", example="6 A=")
    )
    assert new == Entry(
        case="a/b::x",
        driver="acme",
        kind="expected-fail",
        outcome="fail",
        pattern=r"^QUE\-\d+:\ copy\(\d+,\ \d+\)",
        example="6 A=",
        reason="",
    )


def test_a_code_says_more_than_a_pattern() -> None:
    (new,) = after([], case("x", "error", code="INTERNAL", message="what"))
    assert (new.outcome, new.code, new.pattern) == ("error", "INTERNAL", "")


def test_what_is_flaky_is_expected_to_be() -> None:
    attempts = [Attempt(outcome="crash"), Attempt(outcome="pass")]
    (new,) = after([], case("x", "flaky", message="now", attempts=attempts))
    assert (new.kind, new.outcome) == ("flaky", "crash")


def test_what_is_as_expected_stays() -> None:
    known = entry(case="a/b::x")
    assert after([known], case("x", "expected-fail", expected="fail")) == [known]


def test_what_passes_has_no_entry_any_more() -> None:
    assert after([entry(case="a/b::x")], case("x", "unexpected-pass", expected="fail")) == []


def test_what_fails_otherwise_keeps_its_reason() -> None:
    known = entry(
        case="a/b::x",
        code="ABORTED",
        link="L",
        reproducer="docs/x.py",
        expires=datetime.date(2030, 1, 1),
    )
    (new,) = after([known], case("x", "fail", expected="fail", code="INTERNAL"))
    assert (new.code, new.reason, new.link, new.reproducer, new.expires) == (
        "INTERNAL",
        "known",
        "L",
        "docs/x.py",
        known.expires,
    )


def test_an_entry_of_many_cases_is_split_where_one_passes() -> None:
    known = entry()
    new = after(
        [known],
        case("x", "expected-fail", expected="fail"),
        case("y", "unexpected-pass", expected="fail"),
        case("z", "crash", expected="fail", message="killed"),
    )
    assert [(e.case, e.outcome, e.reason) for e in new] == [
        ("a/b::x", "fail", "known"),
        ("a/b::z", "crash", "known"),
    ]


def test_an_entry_for_another_driver_or_platform_stays() -> None:
    others = [entry(platform="amiga"), entry(driver="other")]
    assert after(others, case("x", "pass")) == others


def test_an_entry_that_names_no_case_goes_where_all_cases_were_run() -> None:
    known = entry(case="a/b::gone")
    assert after([known], case("x", "pass")) == [known]
    fault = f"acme: {known}: it names no case"
    assert after([known], case("x", "pass"), faults=(fault,)) == []


def test_blocked_cases_say_nothing() -> None:
    known = entry(case="a/b::x")
    assert after([known], case("x", "blocked"), case("y", "blocked")) == [known]


def test_the_text_is_sorted_and_read_back(tmp_path: Path) -> None:
    entries = [
        entry(case="a/b::y", outcome=("crash", "fail"), expires=datetime.date(2030, 1, 1)),
        entry(case="a/b::x", pattern='^"\\d\n', driver="acme", driver_version="<2"),
    ]
    wanted = after(entries, case("x", "expected-fail"), case("y", "expected-fail"))
    path = tmp_path / "expectations.toml"
    path.write_text(text_of(wanted))
    assert list(read(path).entries) == wanted == entries[::-1]


def on_each(*outcomes: Outcome, entries: tuple[Entry, ...] = (), **runs: str) -> list[Entry]:
    """The entries after a run of a case on several implementations of a driver, in turn."""
    file = ExpectationsFile(Path("x"), "", entries, ())
    implementations = runs.get("on", "soft 1.0,hard 2").split(",")
    active, cases = {}, []
    for implementation, outcome in zip(implementations, outcomes, strict=True):
        name = f"acme[{implementation}]"
        record = DriverRecord(driver=name, implementation=implementation, status="available")
        active[name] = Expectations.of_driver(record, [file])
        known = active[name].entry_of("a/b::x") is not None
        cases.append(
            CaseRecord(
                driver=name,
                case="a/b::x",
                requirements=[],
                outcome=outcome,
                duration=0.0,
                code="INTERNAL",
                expected="fail" if known else "",
            )
        )
    return accepted(entries, active, cases)


def test_an_entry_of_one_implementation_is_for_it_in_any_version() -> None:
    (new,) = on_each("fail", "pass")
    assert (new.driver, new.implementation) == ("acme", "soft *")
    assert on_each("expected-fail", "pass", entries=(new,)) == [new]


def test_each_implementation_that_fails_has_an_entry() -> None:
    new = on_each("fail", "fail")
    assert [entry.implementation for entry in new] == ["hard *", "soft *"]


def test_two_versions_in_one_run_are_told_apart() -> None:
    (new,) = on_each("fail", "pass", on="soft 1.0,soft 2.0")
    assert new.implementation == "soft 1.0"


def test_an_entry_for_all_is_split_where_one_implementation_passes() -> None:
    known = entry(case="a/b::x", code="INTERNAL")
    (new,) = on_each("expected-fail", "unexpected-pass", entries=(known,))
    assert (new.driver, new.implementation, new.reason) == ("acme", "soft *", "known")


def test_one_for_an_implementation_that_was_not_run_stays() -> None:
    known = entry(case="a/b::x", driver="acme", implementation="firm *")
    assert on_each("pass", "pass", entries=(known,)) == [known]


def test_a_pattern_is_of_the_first_line_and_of_any_number() -> None:
    message = "validation: buffer 0x55d3a0 has 7 bytes (2 times)\nsize is 0"
    (new,) = after([], case("x", "fail", message=message))
    assert new.pattern == (r"^validation:\ buffer\ 0x[0-9a-fA-F]+\ has\ \d+\ bytes\ \(\d+\ times\)")
