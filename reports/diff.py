"""What has changed from one run to another, case by case.

Only runs of the same revision of the suite can be compared; where their cases differ, those that
both have are, and the others are *gone* or *new*.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, get_args

from cts.results import CaseRecord

from .runs import Run
from .text import natural

Kind = Literal[
    "broken",
    "newly flaky",
    "newly expected to fail",
    "no longer proven",
    "newly unsupported",
    "gone",
    "fails otherwise",
    "fixed",
    "newly proven",
    "new",
]
KINDS: tuple[Kind, ...] = get_args(Kind)
"""The worst first."""

_LEFT_OUT = frozenset({"unsupported", "skip"})
_APPLIED = frozenset({"pass", "adapter"})


class IncomparableError(Exception):
    """Two runs that nothing can be said of together, and why."""


@dataclass(frozen=True)
class Change:
    """What became of a case on a driver.

    Attributes
    ----------
    before, after : its verdicts; none where the run does not have it.
    """

    kind: Kind
    driver: str
    case: str
    before: CaseRecord | None
    after: CaseRecord | None

    @property
    def record(self) -> CaseRecord:
        """The later of its verdicts."""
        record = self.after or self.before
        assert record is not None
        return record


@dataclass(frozen=True)
class Difference:
    """What has changed between two runs.

    Attributes
    ----------
    changes : the worst kind first, then by driver and case.
    compared : cases that both runs have.
    missing_drivers, new_drivers : those that one run alone has.
    """

    changes: tuple[Change, ...]
    compared: int
    missing_drivers: tuple[str, ...]
    new_drivers: tuple[str, ...]

    def of_kind(self, *kinds: Kind) -> list[Change]:
        """The changes of these kinds."""
        return [change for change in self.changes if change.kind in kinds]


def difference(base: Run, head: Run) -> Difference:
    """Compares two runs. Raises IncomparableError for runs of different suites."""
    revisions = base.record.suite_revision, head.record.suite_revision
    if not all(revisions):
        raise IncomparableError("a run does not say of which revision of the suite it is")
    if revisions[0] != revisions[1]:
        raise IncomparableError(f"the runs are of different suites: {' and '.join(revisions)}")
    changes = sorted(_changes(base, head), key=_order)
    return Difference(
        changes=tuple(changes),
        compared=len(base.cases.keys() & head.cases.keys()),
        missing_drivers=tuple(sorted(base.drivers.keys() - head.drivers.keys())),
        new_drivers=tuple(sorted(head.drivers.keys() - base.drivers.keys())),
    )


def _order(change: Change) -> tuple[int, str, str]:
    return KINDS.index(change.kind), change.driver, natural(change.case)


def _changes(base: Run, head: Run) -> Iterator[Change]:
    for key in base.cases.keys() | head.cases.keys():
        driver, case = key
        before, after = base.cases.get(key), head.cases.get(key)
        kind = _kind(before, after)
        if kind is not None:
            yield Change(kind, driver, case, before, after)


def _kind(before: CaseRecord | None, after: CaseRecord | None) -> Kind | None:
    """What to call a change; none where there is none."""
    if after is None:
        return "gone"
    if before is None:
        return "new" if not after.is_unexpected else "broken"
    if after.is_unexpected:
        if not before.is_unexpected:
            return "newly flaky" if after.outcome == "flaky" else "broken"
        return "fails otherwise" if after.signature != before.signature else None
    if before.outcome == after.outcome:
        return None
    if after.outcome in _LEFT_OUT:
        return None if before.outcome in _LEFT_OUT else "newly unsupported"
    if after.outcome in ("expected-fail", "flaky"):
        return "newly expected to fail" if before.outcome in _APPLIED else None
    if before.outcome in _LEFT_OUT | {"adapter"}:
        return "newly proven" if after.outcome == "pass" else None
    return "no longer proven" if before.outcome == "pass" else "fixed"
