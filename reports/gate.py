"""Whether a change of a driver may go in: its run, held against the run before it.

It may not where anything is broken, where cases that applied no longer do or are gone, where more
is unsupported than the budget allows, where the expectations do not hold, and where a run is not
whole. Each case counts by itself: what is fixed makes up for nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from .diff import Change, Difference, Kind, difference
from .runs import Run

BROKEN: tuple[Kind, ...] = ("broken", "newly flaky", "newly expected to fail", "fails otherwise")
LOST: tuple[Kind, ...] = ("no longer proven", "gone")


@dataclass(frozen=True)
class Gate:
    """What stands against a run.

    Attributes
    ----------
    difference : from the run before it.
    faults : of a run as a whole, of drivers, of expectations: a line each.
    growth : cases that are unsupported or skipped, and were not.
    allowed : how many of these may be.
    """

    difference: Difference
    faults: tuple[str, ...]
    growth: tuple[Change, ...]
    allowed: float

    @property
    def broken(self) -> list[Change]:
        """Cases that are worse than they were."""
        return self.difference.of_kind(*BROKEN)

    @property
    def lost(self) -> list[Change]:
        """Cases that proved something, or were there at least, and do not any more."""
        return self.difference.of_kind(*LOST)

    @property
    def is_open(self) -> bool:
        """Whether nothing stands against it."""
        too_many = len(self.growth) > self.allowed
        return not (self.faults or self.broken or self.lost or too_many)


def judge(base: Run, head: Run, budget: float = 0, *, is_share: bool = False) -> Gate:
    """Holds a run against the one before it. Raises IncomparableError.

    Parameters
    ----------
    budget : how many more cases may be unsupported, or per cent of all, as `is_share` says.
    """
    found = difference(base, head)
    growth = [
        change
        for change in found.changes
        if change.kind == "newly unsupported"
        or (change.kind == "new" and change.record.outcome in ("unsupported", "skip"))
    ]
    allowed = budget * len(head.cases) / 100 if is_share else budget
    return Gate(found, tuple(_faults(base, head, found)), tuple(growth), allowed)


def _faults(base: Run, head: Run, found: Difference) -> list[str]:
    faults = [
        f"the {name} run is incomplete: {run.incomplete}"
        for name, run in (("base", base), ("head", head))
        if run.incomplete
    ]
    if not head.cases:
        faults.append("the head run has no case")
    faults += [f"driver {name!r} was not run" for name in found.missing_drivers]
    for driver in head.drivers.values():
        if driver.status == "broken" or driver.exit_fault:
            faults.append(f"{driver.driver}: {driver.reason or driver.exit_fault}")
    return faults + head.record.expectation_faults
