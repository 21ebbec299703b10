"""The results matrix: what each driver's cases say of each requirement.

A cell is the worst of its cases' outcomes, failures that are expected among them; it is `pass` only
when a case passed on evidence of the driver's own, `adapter` when an adapter answered for the
driver throughout, `unsupported` when no case applies, and `untested` when there is none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from cts.contract import Requirement, requirements
from cts.results import WORST_FIRST, CaseRecord, DriverRecord, Outcome

Cell = Outcome | Literal["untested"]

_PROVEN_FIRST: tuple[Outcome, ...] = ("pass", "adapter", "unsupported", "skip")
PRECEDENCE: tuple[Outcome, ...] = (
    *(outcome for outcome in WORST_FIRST if outcome not in _PROVEN_FIRST),
    *_PROVEN_FIRST,
)
"""What the outcomes of a requirement's cases come to: the first of them here."""


@dataclass(frozen=True)
class Matrix:
    """Requirements × drivers.

    Attributes
    ----------
    drivers : the columns.
    sections : requirements by the letters of their ids, in the contract's order.
    cells : by requirement id and driver.
    """

    drivers: Sequence[DriverRecord]
    sections: Mapping[str, Sequence[Requirement]]
    cells: Mapping[tuple[str, str], Cell]

    @classmethod
    def of(cls, drivers: Sequence[DriverRecord], cases: Sequence[CaseRecord]) -> Matrix:
        """The matrix of one run."""
        outcomes: dict[tuple[str, str], set[Outcome]] = {}
        for case in cases:
            for id in case.requirements:
                outcomes.setdefault((id, case.driver), set()).add(case.outcome)
        sections: dict[str, list[Requirement]] = {}
        for requirement in requirements().values():
            sections.setdefault(requirement.section, []).append(requirement)
        cells = {
            (id, driver.driver): cell_of(outcomes.get((id, driver.driver), set()))
            for id in requirements()
            for driver in drivers
        }
        return cls(drivers, sections, cells)

    def untested(self) -> list[Requirement]:
        """Requirements that no driver has a case for."""
        return [
            row
            for rows in self.sections.values()
            for row in rows
            if all(self.cells[row.id, driver.driver] == "untested" for driver in self.drivers)
        ]


def cell_of(outcomes: set[Outcome]) -> Cell:
    """The cell of a requirement whose cases had these outcomes."""
    for outcome in PRECEDENCE:
        if outcome in outcomes:
            return outcome
    return "untested"
