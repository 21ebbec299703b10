"""Which entries count for a driver, and what an outcome comes to under one."""

from __future__ import annotations

import datetime
import sys
from pathlib import Path
from typing import Any

import pytest

from cts.expectations.entries import Entry, ExpectationsFile
from cts.expectations.expectations import Expectations, met_by
from cts.results import DeviceRecord, DriverRecord, Outcome

RECORD = DriverRecord(
    driver="acme-1",
    status="available",
    version="1.4",
    devices=[DeviceRecord(path="gpu/0", name="Big One", obtained_on="hardware")],
)


def entry(**fields: Any) -> Entry:
    return Entry(**({"case": "a/test_b", "kind": "expected-fail", "reason": "known"} | fields))


def expectations(*entries: Entry, today: str = "2026-06-01") -> Expectations:
    return Expectations("acme-1", entries, today=datetime.date.fromisoformat(today))


@pytest.mark.parametrize(
    ("fields", "holds"),
    [
        ({}, True),
        ({"driver": "acme-*"}, True),
        ({"driver": "acme"}, False),
        ({"device": "gpu/*"}, True),
        ({"device": "Big*"}, True),
        ({"device": "cpu*"}, False),
        ({"driver_version": ">=1.4,<2"}, True),
        ({"driver_version": "<1.4"}, False),
        ({"platform": sys.platform}, True),
        ({"platform": "amiga"}, False),
    ],
)
def test_conditions(fields: dict[str, Any], holds: bool) -> None:
    file = ExpectationsFile(Path("x"), "", (entry(**fields),), ())
    assert bool(Expectations.of_driver(RECORD, [file]).entries) is holds


@pytest.mark.parametrize(
    ("fields", "holds"),
    [
        ({"driver": "acme"}, True),
        ({"driver": "acme[soft 1.0]"}, False),
        ({"implementation": "soft*"}, True),
        ({"implementation": "soft"}, False),
        ({"implementation": "hard*"}, False),
        ({"driver": "acme", "implementation": "soft 1.0"}, True),
        ({"driver": "other", "implementation": "soft 1.0"}, False),
        ({"implementation": "hard*", "driver_version": ">=1"}, False),
    ],
)
def test_it_may_be_for_one_implementation(fields: dict[str, Any], holds: bool) -> None:
    """An entry for one that is not here is no fault of the file."""
    record = DriverRecord(
        driver="acme[soft 1.0]", implementation="soft 1.0", status="available", version="?"
    )
    file = ExpectationsFile(Path("x"), "", (entry(**fields),), ())
    known = Expectations.of_driver(record, [file])
    assert (known.driver, known.registered) == ("acme[soft 1.0]", "acme")
    assert bool(known.entries) is holds
    assert known.faults() == []
    found = known.unmatched([], files=[], whole=True)
    assert [fault.partition(":")[0] for fault in found] == ["acme[soft 1.0]"] * holds


@pytest.mark.parametrize("implementation", ["", "hard*", "*"])
def test_a_driver_that_tells_no_implementation(implementation: str) -> None:
    file = ExpectationsFile(Path("x"), "", (entry(implementation=implementation),), ())
    assert bool(Expectations.of_driver(RECORD, [file]).entries) is (implementation != "hard*")


@pytest.mark.parametrize(
    ("version", "entries", "faults"),
    [("runtime 3.13.0rc2", 2, 0), ("runtime 0.9 (1.5)", 1, 0), ("", 1, 1), ("newest", 1, 1)],
)
def test_the_version_in_what_a_driver_says(version: str, entries: int, faults: int) -> None:
    record = DriverRecord(driver="acme-1", status="available", version=version)
    file = ExpectationsFile(Path("x"), "", (entry(driver_version=">=1"), entry()), ())
    known = Expectations.of_driver(record, [file])
    assert (len(known.entries), len(known.faults())) == (entries, faults)


@pytest.mark.parametrize(
    ("fields", "outcome", "comes_to"),
    [
        ({}, "fail", "expected-fail"),
        ({}, "pass", "unexpected-pass"),
        ({}, "adapter", "unexpected-pass"),
        ({}, "crash", "crash"),
        ({"outcome": "crash"}, "crash", "expected-fail"),
        ({"outcome": "crash"}, "fail", "fail"),
        ({"outcome": ("crash", "fail")}, "fail", "expected-fail"),
        ({"outcome": ("crash", "timeout")}, "fail", "fail"),
        ({"code": "INTERNAL"}, "fail", "expected-fail"),
        ({"code": "ABORTED"}, "fail", "fail"),
        ({"pattern": "b.d"}, "fail", "expected-fail"),
        ({"pattern": "good"}, "fail", "fail"),
        ({"kind": "unsupported"}, "fail", "unsupported"),
        ({"kind": "unsupported"}, "pass", "unexpected-pass"),
        ({"kind": "flaky"}, "fail", "flaky"),
        ({"kind": "flaky"}, "flaky", "flaky"),
        ({"kind": "flaky", "code": "ABORTED"}, "fail", "fail"),
    ],
)
def test_outcomes(fields: dict[str, Any], outcome: Outcome, comes_to: Outcome) -> None:
    met = met_by(entry(**fields), outcome, "INTERNAL", "a bad day")
    assert met is not None
    assert met.outcome == comes_to
    assert ("known" in met.why) == (comes_to in ("expected-fail", "unsupported", "flaky"))


@pytest.mark.parametrize("outcome", ["blocked", "unsupported", "skip", "flaky"])
def test_outcomes_that_no_entry_speaks_of(outcome: Outcome) -> None:
    assert met_by(entry(), outcome, "", "") is None


def test_a_flaky_case_may_pass() -> None:
    assert met_by(entry(kind="flaky"), "pass", "", "") is None


def test_what_is_met_is_told_with_what_reproduces_it() -> None:
    met = met_by(entry(reproducer="docs/faults/x.py"), "fail", "", "")
    assert met is not None
    assert met.why == "known (docs/faults/x.py)"


def test_core_cases_have_no_entry() -> None:
    known = expectations(entry())
    assert known.entry_of("a/test_b::test_c") is not None
    assert known.entry_of("a/test_b::test_c", core=True) is None
    assert known.entry_of("a/test_c::test_c") is None


@pytest.mark.parametrize(
    ("today", "faults"),
    [("2026-05-31", 0), ("2026-06-01", 0), ("2026-06-02", 1), ("2025-12-31", 1)],
)
def test_days(today: str, faults: int) -> None:
    days = {"since": datetime.date(2026, 1, 1), "expires": datetime.date(2026, 6, 1)}
    assert len(expectations(entry(**days), today=today).faults()) == faults


def test_an_entry_without_a_case() -> None:
    known = expectations(entry(case="a/test_b::test_gone"), entry(case="z"))
    cases = [("a/test_b::test_c", False)]
    files = {"a/test_b"}
    assert known.unmatched(cases, files=(), whole=False) == []
    some = known.unmatched(cases, files=files, whole=False)
    whole = known.unmatched(cases, files=files, whole=True)
    assert some == ["acme-1: expected-fail 'a/test_b::test_gone': it names no case"]
    assert whole == [*some, "acme-1: expected-fail 'z': it names no case"]


def test_an_entry_of_a_core_case() -> None:
    (fault,) = expectations(entry()).unmatched([("a/test_b::test_c", True)], files=(), whole=True)
    assert "core case can be expected: a/test_b::test_c" in fault


def test_two_entries_of_one_case() -> None:
    known = expectations(entry(), entry(case="a", kind="flaky"))
    (fault,) = known.unmatched([("a/test_b::test_c", False)], files=(), whole=True)
    assert fault.startswith("acme-1: flaky 'a': so does expected-fail 'a/test_b'")
