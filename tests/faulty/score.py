"""The mutation score: how many bad drivers the suites catch, and whether they blame a good one.

    mutants 3: 2 caught where they belong, 1 elsewhere, 0 survived

A mutant is *caught where it belongs* if a case fails that names the requirement it breaks,
*caught elsewhere* if only others fail, and has *survived* if none does.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import msgspec

from cts.results import CaseRecord

from .registry import Mutant

FILE_NAME = "mutants.json"
FAILURES = frozenset({"fail", "crash", "timeout", "error", "flaky"})
"""Outcomes that catch a mutant. A blocked case catches nothing: something else has."""

Caught = Literal["where it belongs", "elsewhere", "survived"]


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a mutant."""

    name: str
    requirement: str
    what: str
    driver: str
    caught: Caught
    failing: dict[str, str]
    """Cases that failed, each with what it said in one line; those that name the requirement
    first."""
    naming: int
    """How many of them name the requirement."""
    cases: int
    """Cases that were run."""


class FalseAlarm(msgspec.Struct, frozen=True, kw_only=True):
    """A case that failed on a good driver."""

    driver: str
    shuffle: int
    case: str
    outcome: str
    message: str


class Score(msgspec.Struct, frozen=True, kw_only=True):
    """Of all mutants that were tried."""

    mutants: list[Verdict]
    not_tried: dict[str, str]
    """Mutants whose driver is not here, and why."""
    repeats: int
    """How often all cases were run on each good driver, each time in another order."""
    good_drivers: list[str]
    false_alarms: list[FalseAlarm]

    def caught(self, how: Caught) -> list[Verdict]:
        """The mutants that were caught so."""
        return [verdict for verdict in self.mutants if verdict.caught == how]

    @property
    def median_failing(self) -> float:
        """Failing cases per mutant, in the middle."""
        counts = [len(verdict.failing) for verdict in self.mutants]
        return statistics.median(counts) if counts else 0.0

    @property
    def is_good(self) -> bool:
        """Whether every mutant was caught and no good driver blamed."""
        return not self.caught("survived") and not self.false_alarms

    def summary(self) -> list[str]:
        """The score, a line each."""
        belongs, elsewhere, survived = (
            self.caught(how) for how in ("where it belongs", "elsewhere", "survived")
        )
        lines = []
        if self.mutants:
            most = max(self.mutants, key=lambda verdict: len(verdict.failing))
            lines = [
                f"mutants {len(self.mutants)}: {len(belongs)} caught where they belong,"
                f" {len(elsewhere)} elsewhere, {len(survived)} survived",
                f"failing cases per mutant: median {self.median_failing:g},"
                f" most {len(most.failing)} ({most.name})",
            ]
        lines += [f"not tried: {name}: {why}" for name, why in self.not_tried.items()]
        if self.repeats:
            lines.append(
                f"good drivers {', '.join(self.good_drivers)}: {self.repeats} shuffled"
                f" repeats, {len(self.false_alarms)} false alarms"
            )
        return lines

    def write(self, folder: Path) -> None:
        """Puts it into `mutants.json`."""
        text = msgspec.json.format(msgspec.json.encode(self), indent=1)
        (folder / FILE_NAME).write_bytes(text + b"\n")


def read(folder: Path) -> Score:
    """What `Score.write` wrote."""
    return msgspec.json.decode((folder / FILE_NAME).read_bytes(), type=Score)


def judge(mutant: Mutant, records: Sequence[CaseRecord]) -> Verdict:
    """What the verdicts of its cases say of a mutant."""
    failed = [record for record in records if record.outcome in FAILURES]
    naming = [record for record in failed if mutant.requirement in record.requirements]
    others = [record for record in failed if mutant.requirement not in record.requirements]
    caught: Caught = "where it belongs" if naming else "elsewhere" if failed else "survived"
    return Verdict(
        name=mutant.name,
        requirement=mutant.requirement,
        what=mutant.what,
        driver=mutant.driver,
        caught=caught,
        failing={
            record.case: f"{record.outcome}: {_first_line(record.message)}"
            for record in (*naming, *others)
        },
        naming=len(naming),
        cases=len(records),
    )


def false_alarms(driver: str, shuffle: int, records: Sequence[CaseRecord]) -> list[FalseAlarm]:
    """The failures on a good driver; a blocked case is one as well."""
    return [
        FalseAlarm(
            driver=driver,
            shuffle=shuffle,
            case=record.case,
            outcome=record.outcome,
            message=_first_line(record.message),
        )
        for record in records
        if record.outcome in FAILURES | {"blocked"}
    ]


def _first_line(message: str) -> str:
    return message.partition("\n")[0]
