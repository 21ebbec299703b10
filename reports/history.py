"""Many runs as one: a column for each driver and its devices, with what became of each case in
each run. `merging` makes it.

What a column has *now* of a case is its verdict in the column's newest run; or, where that did not
run the case, an older one of the same revision of the suite, which is then marked.

    history = merge([Path("reports/out")])
    history.columns[0].now[case]      # an index of PRECEDENCE, or NOT_RUN
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from cts.results import BenchmarkRecord, DriverRecord, Outcome, RunRecord

from .case_line import CaseLine
from .matrix import PRECEDENCE, Cell, cell_of
from .runs import Problem

NOT_RUN = 255

Bytes = np.ndarray[Any, np.dtype[np.uint8]]
Integers = np.ndarray[Any, np.dtype[np.int64]]


class Evidence(msgspec.Struct, gc=False):
    """One way that a case went, in a column: the newest record of it, the runs (indices of
    `History.runs`) that had it first and last, and in how many it was so."""

    record: CaseLine
    first: int
    last: int
    count: int = 1


@dataclass(frozen=True)
class MergedRun:
    """A run that was read, and why it is incomplete, if it is."""

    path: Path
    record: RunRecord
    incomplete: str
    is_damaged: bool


@dataclass
class Column:
    """What runs say of a driver on its devices.

    Attributes
    ----------
    label : the driver, and in what else its columns differ.
    driver : the newest record of it.
    devices : their names.
    versions : of the driver, in each run.
    runs : indices of `History.runs`, oldest first.
    verdicts : uint8[cases, runs]; indices of PRECEDENCE, or NOT_RUN.
    now : uint8[cases]; see the module.
    last : int64[cases]; of which run `now` is.
    newest : by case, the newest record.
    evidence : by case, the ways in which it did not pass, newest first.
    benchmarks : by name, the newest.
    """

    label: str
    driver: DriverRecord
    devices: str
    versions: list[str]
    runs: list[int]
    verdicts: Bytes
    now: Bytes
    last: Integers
    newest: dict[int, CaseLine]
    evidence: dict[int, list[Evidence]]
    benchmarks: dict[str, BenchmarkRecord]

    def is_old(self, case: int) -> bool:
        """Whether the newest run did not run the case."""
        return bool(self.last[case] != len(self.runs) - 1)

    def counts(self) -> dict[Outcome, int]:
        """How many cases there are now of each outcome."""
        numbers = Counter(self.now.tolist())
        return {outcome: numbers[code] for code, outcome in enumerate(PRECEDENCE) if numbers[code]}


@dataclass
class History:
    """Runs, merged.

    Attributes
    ----------
    cases : sorted ids; of each its requirements in `requirements`.
    problems : what could not be read.
    duplicates : files that were left out, because their run was read already.
    notes : what else was left out, in words.
    """

    runs: list[MergedRun] = field(default_factory=list)
    columns: list[Column] = field(default_factory=list)
    cases: list[str] = field(default_factory=list)
    requirements: list[tuple[str, ...]] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    duplicates: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def cells(self, id: str) -> list[Cell]:
        """A requirement's row of the matrix, by the rule of `reports.matrix`."""
        cases = [i for i, ids in enumerate(self.requirements) if id in ids]
        return [
            cell_of({PRECEDENCE[c] for c in column.now[cases].tolist() if c != NOT_RUN})
            for column in self.columns
        ]
