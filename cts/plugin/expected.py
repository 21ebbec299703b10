"""What a report comes to, given the expectations: in whichever process made the report.

A failure that is as expected is shown as pytest shows its own expected failures; a pass that was
not expected, known once the case is torn down, is a failure.
"""

from __future__ import annotations

import pytest

from cts.expectations.expectations import met_by
from cts.plugin.cases import case_of
from cts.plugin.run import run_of
from cts.results import Outcome

_PASSED: pytest.StashKey[bool] = pytest.StashKey()
_PASSES = frozenset({"pass", "adapter"})
_EXCUSED: frozenset[Outcome] = frozenset({"expected-fail", "unsupported", "flaky"})


def meet(report: pytest.TestReport, item: pytest.Item) -> None:
    """Puts on the report of a phase of a case what its outcome comes to, given the expectations."""
    case = case_of(item)
    if case is None:
        return
    verdict = report.hal_cts
    entry = run_of(item.config).expected.of(case.driver).entry_of(case.id, core=case.core)
    if entry is None or verdict["expected"]:
        return
    if entry.kind == "skip":
        verdict["expected"], verdict["expectation"] = "skip", entry.why
        return
    if verdict["outcome"] in _PASSES and not _is_through(report, item, verdict["outcome"]):
        return
    met = met_by(entry, verdict["outcome"], verdict["code"], verdict["message"])
    if met is None:
        return
    verdict |= {"outcome": met.outcome, "expected": met.expected, "expectation": met.why}
    if met.outcome in _EXCUSED:
        report.outcome = "skipped"
        report.wasxfail = met.why
    else:
        verdict["message"] = verdict["message"] or met.why
        report.outcome = "failed"
        report.longrepr = report.longrepr or met.why
        report.sections.append(("expectation", f"{entry}: {met.why}"))


def _is_through(report: pytest.TestReport, item: pytest.Item, outcome: str) -> bool:
    """Whether a case has passed, now that it is torn down."""
    if report.when == "call":
        item.stash[_PASSED] = True
    elif report.when == "setup":
        item.stash[_PASSED] = False
    return report.when == "teardown" and item.stash.get(_PASSED, False)
