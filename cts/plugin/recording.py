"""Verdicts on their way to disk: one record a case, written when its last report is in."""

from __future__ import annotations

from typing import Any

import pytest

from cts.plugin.run import Run
from cts.results import CaseRecord, Outcome

# A driver's failure before an error of the suite: tearing down after it may well go wrong.
_WORST_FIRST: tuple[Outcome, ...] = (
    "crash",
    "timeout",
    "fail",
    "error",
    "blocked",
    "unsupported",
    "skip",
    "adapter",
    "pass",
)


class Recorder:
    """Puts the phases of a case together; the worst outcome of them is the case's."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._phases: dict[str, list[dict[str, Any]]] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Takes the report of one phase of any test."""
        self.take(report)

    def take(self, report: pytest.TestReport) -> None:
        """Takes one phase's report; under xdist, in the controller alone."""
        judged = getattr(report, "hal_cts", None)
        if judged is None or self._run.is_worker:
            return
        phases = self._phases.setdefault(report.nodeid, [])
        phases.append(judged | {"duration": report.duration})
        if report.when == "teardown":
            del self._phases[report.nodeid]
            self._run.add(_record_of(phases))


def _record_of(phases: list[dict[str, Any]]) -> CaseRecord:
    judged = [phase for phase in phases if phase["outcome"] != "pass"]
    worst = min(judged or phases, key=lambda phase: _WORST_FIRST.index(phase["outcome"]))
    return CaseRecord(**worst | {"duration": sum(phase["duration"] for phase in phases)})
