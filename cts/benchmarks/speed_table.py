"""Medians of one run as a table: a row for each measure, a column for each driver and for numpy."""

from __future__ import annotations

from collections.abc import Iterator

NUMPY = "numpy"
BARE = " bare"
"""After a driver's name: what is underneath it, called directly."""


class SpeedTable:
    """Medians in seconds, by measure and subject, in the order in which they were taken."""

    def __init__(self) -> None:
        self._medians: dict[str, dict[str, float]] = {}

    def add(self, measure: str, subject: str, median: float) -> None:
        """Notes one median, in seconds."""
        self._medians.setdefault(measure, {})[subject] = median

    def lines(self) -> Iterator[str]:
        """The table as text; none where nothing was measured."""
        subjects = list(dict.fromkeys(name for row in self._medians.values() for name in row))
        rows = [["", *subjects]]
        for measure, row in self._medians.items():
            rows.append([measure, *(_cell(row, subject) for subject in subjects)])
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        for measure, *cells in rows if self._medians else []:
            columns = [cell.rjust(width) for cell, width in zip(cells, widths[1:], strict=True)]
            yield "   ".join([measure.ljust(widths[0]), *columns])


def _cell(row: dict[str, float], subject: str) -> str:
    if subject not in row:
        return "-"
    median = f"{row[subject] * 1e6:.1f}"
    beside = row.get(subject + BARE, row.get(NUMPY))
    if subject == NUMPY or subject.endswith(BARE) or beside is None:
        return median
    return f"{median} ({beside / row[subject]:.2f})"
