"""Expectations made of a run: what they would have to say for it to have no surprise.

1. An entry that a case surprises is replaced by entries of its cases one by one: those that fail
   keep its reason, those that pass have none.
2. A case that fails and has no entry gets one, without a reason: whoever accepts it has to give it.
3. An entry that names no case of the run goes. What counts elsewhere only stays.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import get_args

import msgspec
import tomli_w

from cts.expectations.entries import TABLE, Entry, Failure
from cts.expectations.expectations import NAMES_NO_CASE, Expectations
from cts.expectations.queries import names
from cts.results import FAILURES, CaseRecord

_NUMBERS = re.compile(r"(0x)[0-9a-fA-F]+|\d+")
_VERSION = re.compile(r" v?\d[^ ]*$")
_BEFORE_THE_ANSWER = ": came back:"
_WHY = ("reason", "link", "owner", "reproducer", "since", "expires")
"""What an entry says of why, which stays when it is replaced."""
_Where = tuple[str, str]
"""A driver and an implementation, as an entry names them."""


def accepted(
    entries: Sequence[Entry],
    active: Mapping[str, Expectations],
    cases: Sequence[CaseRecord],
    faults: Sequence[str] = (),
) -> list[Entry]:
    """The entries that a run asks for, sorted by case.

    Parameters
    ----------
    entries : those of the file.
    active : by driver of the run: those of them that count there.
    cases : all verdicts of the run.
    faults : what the run has found wrong with the entries, among it that one names no case.
    """
    places = _places(active)
    named: dict[Entry, list[CaseRecord]] = {}
    new: list[Entry] = []
    for case in cases:
        entry = active[case.driver].entry_of(case.case)
        if entry is not None:
            named.setdefault(entry, []).append(case)
        elif _is_surprise(case) and _has_failed(case):
            new.append(_of_case(case, places[case.driver], None))
    counted = {entry for expectations in active.values() for entry in expectations.entries}
    for entry in entries:
        if entry not in counted:
            new.append(entry)
        elif any(map(_is_surprise, named.get(entry, ()))):
            new += [
                _of_case(case, places[case.driver], entry)
                for case in named[entry]
                if _has_failed(case)
            ]
        elif not any(fault.endswith(f": {entry}: {NAMES_NO_CASE}") for fault in faults):
            new.append(entry)
    return sorted(
        dict.fromkeys(new), key=lambda entry: (entry.case, entry.driver, entry.implementation)
    )


def _places(active: Mapping[str, Expectations]) -> dict[str, _Where]:
    """What entries for each driver of a run name: its implementation in any version, unless that
    names another one of the run."""
    every = {expectations.implementation for expectations in active.values()}
    found = {}
    for driver, expectations in active.items():
        exact = expectations.implementation
        any_version = _VERSION.sub(" *", exact)
        is_clear = not any(names(any_version, other) for other in every - {exact})
        found[driver] = expectations.registered, any_version if is_clear else exact
    return found


def text_of(entries: Sequence[Entry]) -> str:
    """The file that has these entries."""
    return tomli_w.dumps({TABLE: [_table_of(entry) for entry in entries]})


def _table_of(entry: Entry) -> dict[str, object]:
    """What the file says of an entry: all that is not left at its default, and its outcome."""
    table: dict[str, object] = {}
    names = zip(Entry.__struct_fields__, Entry.__struct_encode_fields__, strict=True)
    for name, key in names:
        value = getattr(entry, name)
        if (value not in ("", None) and (name, value) != ("driver", "*")) or name == "reason":
            table[key] = list(value) if isinstance(value, tuple) else value
    return table


def _is_surprise(case: CaseRecord) -> bool:
    return case.is_unexpected and case.outcome != "blocked"


def _has_failed(case: CaseRecord) -> bool:
    return case.outcome in FAILURES | {"expected-fail", "flaky"} or (
        case.outcome == "unsupported" and bool(case.expected)
    )


def _of_case(case: CaseRecord, where: _Where, like: Entry | None) -> Entry:
    """An entry for this case on its driver alone, with what another says of why."""
    driver, implementation = where
    if like is not None and not _is_surprise(case):
        return msgspec.structs.replace(
            like, case=case.case, driver=driver, implementation=implementation
        )
    entry = Entry(
        case=case.case,
        driver=driver,
        implementation=implementation,
        kind="flaky" if case.outcome == "flaky" else "expected-fail",
        outcome=_failure_of(case),
        code=case.code,
        pattern="" if case.code else _pattern_of(case.message),
        example=case.example,
        reason="",
    )
    if like is None:
        return entry
    why = {name: getattr(like, name) for name in _WHY}
    kind = entry.kind if case.outcome == "flaky" else like.kind
    return msgspec.structs.replace(entry, kind=kind, **why)


def _failure_of(case: CaseRecord) -> Failure:
    """How a case has failed: of a flaky one, the time that it did."""
    outcomes = (case.outcome, *(attempt.outcome for attempt in case.attempts))
    found: list[Failure] = [failure for failure in get_args(Failure) if failure in outcomes]
    return found[0]


def _pattern_of(message: str) -> str:
    """A pattern for what a message's first line says before the answer, whatever its numbers."""
    told = message.partition("\n")[0].partition(_BEFORE_THE_ANSWER)[0]
    any_number = _NUMBERS.sub(
        lambda number: "0x[0-9a-fA-F]+" if number[1] else r"\d+", re.escape(told)
    )
    return f"^{any_number}" if told else ""
