"""The matrix in the terminal: a row for each section, a column for each driver, and in a cell one
character for each requirement, in order and in fives."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from cts.contract import Requirement
from cts.results import DriverRecord

from .matrix import Cell, Matrix

CHARACTERS: dict[Cell, str] = {
    "pass": ".",
    "adapter": "a",
    "unsupported": "u",
    "blocked": "b",
    "fail": "F",
    "error": "E",
    "crash": "C",
    "timeout": "T",
    "flaky": "R",
    "expected-fail": "x",
    "unexpected-pass": "X",
    "skip": "s",
    "untested": "-",
}
_COLUMN_GAP = "   "
_GROUP = 5


def print_matrix(matrix: Matrix, terminal: Any) -> None:
    """Writes the matrix to pytest's terminal, as many drivers side by side as fit."""
    terminal.section("conformance matrix", sep="-")
    for line in lines(matrix, terminal._tw.fullwidth):
        terminal.write_line(line)


def lines(matrix: Matrix, width: int) -> Iterator[str]:
    """The matrix as text, no line wider than `width` where one driver's column allows that."""
    labels = {
        section: f"{section} {rows[0].number}-{rows[-1].number}"
        for section, rows in matrix.sections.items()
    }
    label_width = max(map(len, labels.values()))
    columns = [_column(matrix, driver) for driver in matrix.drivers]
    for block in _blocks(columns, width - label_width):
        for label, *cells in zip(["", "", *labels.values()], *block, strict=True):
            yield _COLUMN_GAP.join([label.ljust(label_width), *cells]).rstrip()
        yield ""
    present = set(matrix.cells.values())
    yield "  ".join(f"{mark} {cell}" for cell, mark in CHARACTERS.items() if cell in present)
    if untested := matrix.untested():
        yield f"untested: {' '.join(_ranges(untested))}"


def _ranges(rows: Sequence[Requirement]) -> Iterator[str]:
    """``STA-1 STA-2 STA-3`` as ``STA-1..3``."""
    for section, group in groupby(rows, key=lambda row: row.section):
        numbers = [row.number for row in group]
        for _, run in groupby(enumerate(numbers), key=lambda pair: pair[1] - pair[0]):
            first, *rest = [number for _, number in run]
            yield f"{section}-{first}" + (f"..{rest[-1]}" if rest else "")


def _column(matrix: Matrix, driver: DriverRecord) -> list[str]:
    remarks = [driver.obtained_on if driver.devices else driver.status]
    if driver.properties.get("work") is False:
        remarks.append("core only")
    cells = [_cells(matrix, rows, driver.driver) for rows in matrix.sections.values()]
    column = [driver.driver, ", ".join(remarks), *cells]
    width = max(map(len, column))
    return [cell.ljust(width) for cell in column]


def _cells(matrix: Matrix, rows: Sequence[Requirement], driver: str) -> str:
    marks = [CHARACTERS[matrix.cells[row.id, driver]] for row in rows]
    groups = ["".join(marks[i : i + _GROUP]) for i in range(0, len(marks), _GROUP)]
    return " ".join(groups)


def _blocks(columns: Sequence[list[str]], width: int) -> Iterator[list[list[str]]]:
    """Columns that fit side by side, at least one at a time."""
    block: list[list[str]] = []
    used = 0
    for column in columns:
        needed = len(column[0]) + len(_COLUMN_GAP)
        if block and used + needed > width:
            yield block
            block, used = [], 0
        block.append(column)
        used += needed
    if block:
        yield block
