"""Verdicts on their way to disk: a record as soon as a case's call is through.

Tear-down comes after that and may go wrong, as may a second run; then a record follows that
replaces the first. Cases that run in children are recorded by their lanes, as the reports arrive,
and pytest is told of them later.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from cts.plugin.run import Run
from cts.results import WORST_FIRST, Attempt, CaseRecord, signature


class Recorder:
    """Puts the phases of a case together; the worst outcome of them is the case's."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._reports: dict[str, list[pytest.TestReport]] = {}

    @property
    def is_elsewhere(self) -> bool:
        """Whether verdicts are written by another process, the controller of xdist's workers."""
        return self._run.is_worker

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Takes the report of one phase of any test; under xdist, in the controller alone."""
        if hasattr(report, "hal_cts") and not self._run.is_worker:
            self.take(report)

    def take(self, report: pytest.TestReport) -> None:
        """Takes the report of one phase of a case, unless a lane has done so."""
        if getattr(report, "recorded_by_lane", False):
            return
        reports = self._reports.setdefault(report.nodeid, [])
        reports.append(report)
        if report.when == "call" or report.hal_cts["outcome"] != "pass":  # else it is no news
            self.record(reports)
        if report.when == "teardown":
            del self._reports[report.nodeid]

    def record(self, reports: Sequence[pytest.TestReport]) -> None:
        """Writes what the reports of one case say by now, where that is a verdict and is news."""
        phases: list[dict[str, Any]] = [
            report.hal_cts | {"duration": report.duration} for report in reports
        ]
        if self._run.is_worker or (reports[-1].when == "setup" and phases[-1]["outcome"] == "pass"):
            return
        verdict = worst_of(phases)
        verdict["duration"] = sum(phase["duration"] for phase in phases)
        verdict["signature"] = signature(verdict["outcome"], verdict["code"], verdict["message"])
        verdict["attempts"] = msgspec.convert(verdict.get("attempts", []), list[Attempt])
        self._run.results.put(CaseRecord(**verdict))


def worst_of(phases: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """What became of a case: the first of its worst phases."""
    return min(phases, key=lambda phase: WORST_FIRST.index(phase["outcome"]))
