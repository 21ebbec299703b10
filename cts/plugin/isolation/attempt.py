"""A case to run, the times that it was run, and what these come to together."""

from __future__ import annotations

from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import Any

import msgspec
import pytest

from cts.plugin.cases import Case, case_of
from cts.plugin.isolation.orders import CaughtWarning, address_of
from cts.plugin.recording import worst_of
from cts.results import FAILURES, WORST_FIRST, Death, Outcome, is_unexpected

News = pytest.TestReport | CaughtWarning | Exception
"""What pytest is to be told of a case; an exception is this plugin's own fault."""
_SETTLED: frozenset[Outcome] = frozenset({"blocked", "unexpected-pass"})


@dataclass
class Job:
    """A case to run."""

    item: pytest.Item
    next_address: str | None
    limit: float
    """Seconds for each of its phases."""
    news: SimpleQueue[News | None] = field(default_factory=SimpleQueue)
    """As it comes in; none at the end."""

    @property
    def address(self) -> str:
        """What it is ordered by."""
        return address_of(self.item)

    @property
    def case(self) -> Case:
        """What the test is as a case."""
        case = case_of(self.item)
        assert case is not None
        return case


@dataclass
class Attempt:
    """One run of a case."""

    reports: list[pytest.TestReport] = field(default_factory=list)
    growth: dict[str, str] = field(default_factory=dict)
    death: Death | None = None

    @property
    def verdict(self) -> dict[str, Any]:
        """The worst phase's."""
        return worst_of([report.hal_cts for report in self.reports])

    @property
    def outcome(self) -> Outcome:
        """What became of it."""
        outcome: Outcome = self.verdict["outcome"]
        return outcome

    @property
    def is_expected(self) -> bool:
        """Whether there is nothing to run again for. Blocked is blocked, however often, and what
        has passed has passed."""
        return self.outcome in _SETTLED or not is_unexpected(self.outcome, self.verdict["expected"])

    @property
    def has_failed(self) -> bool:
        """Whether it failed, be it as expected: what is left of it may fail others."""
        is_excused = self.verdict["expected"] not in ("", "skip") and self.outcome not in _SETTLED
        return self.outcome in FAILURES or is_excused

    def plain(self) -> dict[str, Any]:
        """As `cts.results.Attempt`, in plain data."""
        verdict = self.verdict
        return {
            "outcome": verdict["outcome"],
            "message": verdict["message"],
            "code": verdict["code"],
            "death": msgspec.to_builtins(self.death),
        }


def weighed(attempts: list[Attempt]) -> Attempt:
    """The attempt to show, its verdict that of all of them together."""
    chosen = min(attempts, key=lambda attempt: WORST_FIRST.index(attempt.outcome))
    first, second = attempts[0], attempts[-1]
    if first is second and first.death is None:
        return chosen
    plain = [attempt.plain() for attempt in attempts]
    verdict = chosen.verdict
    if first is second:
        verdict["attempts"] = plain
        return chosen
    if first.is_expected and second.is_expected:
        again = first.growth.keys() & second.growth.keys()
        if not again:  # it was the first use of something
            return chosen
        left = ", ".join(f"{what}: {second.growth[what]}" for what in sorted(again))
        verdict = chosen.reports[-1].hal_cts
        verdict["outcome"] = "fail"
        verdict["message"] = f"each time that it runs it leaves something behind: {left}"
    elif first.is_expected != second.is_expected:
        verdict["outcome"] = "flaky"
        verdict["message"] += "; the other time it passed"
    verdict["attempts"] = plain
    for report in chosen.reports:
        if report.hal_cts is verdict and not report.failed:
            report.outcome = "failed"
            report.longrepr = verdict["message"]
    return chosen
