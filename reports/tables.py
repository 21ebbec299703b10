"""The matrix as text: Markdown for people, CSV for spreadsheets, JSON for programs.

The JSON is one object:

    {"schema_version": 1,
     "columns": [{"label", "driver", "devices", "version", "obtained_on", "status", "runs"}],
     "requirements": [{"id", "text", "planned", "cells": [outcome or "untested", …]}],
     "cases": [{"case", "requirements", "cells": [null or
                {"outcome", "run", "is_old", "code", "message", "runs", "changes"}, …]}],
     "runs": [{"id", "path", "started", "finished", "suite_revision", "incomplete"}],
     "problems": [{"path", "why"}], "duplicates": [{"path", "why"}], "left_out": [text]}

Cells are in the order of the columns, `runs` of a column are indices of `runs`, oldest first, and
`is_old` says that a column's newest run did not run the case. `changes` counts how often a case's
verdict was another than in the run before.
"""

from __future__ import annotations

import csv as csv_module
import html
import io
import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import msgspec

from cts.contract import requirements

from .case_line import cut
from .history import NOT_RUN, Column, History
from .matrix import PRECEDENCE, Cell
from .runs import Problem
from .text import one_line, visible

SCHEMA_VERSION = 1
GLYPHS: dict[Cell, str] = {
    "pass": "✓",
    "adapter": "a",
    "fail": "✗",
    "error": "!",
    "crash": "C",
    "timeout": "T",
    "unexpected-pass": "≠",
    "flaky": "~",
    "blocked": "B",
    "expected-fail": "≈",
    "unsupported": "·",
    "skip": "–",
    "untested": "?",
}
CSV_FIELDS = (
    "case",
    "driver",
    "devices",
    "version",
    "obtained_on",
    "outcome",
    "is_old",
    "requirements",
    "code",
    "message",
    "expectation",
    "duration",
    "changes",
    "run",
    "started",
    "reproduce",
)
_TEXT = 80
"""Characters of a requirement's text, a driver's name, in Markdown."""
_MESSAGE = 1000
_FORMULA = re.compile(r"\s*[=+\-@＝＋－＠]|[\t\r\n]")


def markdown(history: History) -> bytes:
    """Requirements × drivers, fit for the summary of a CI job."""
    return ("\n".join(_markdown(history)) + "\n").encode()


def _markdown(history: History) -> Iterator[str]:
    yield "## HAL conformance\n"
    for problem in history.problems:
        yield f"- could not be read: {_cell(f'{problem.path}: {problem.why}', _MESSAGE)}"
    for run in history.runs:
        if run.incomplete:
            yield f"- incomplete: {_cell(f'{run.path}: {run.incomplete}', _MESSAGE)}"
    heads = [
        f"{_cell(column.label, _TEXT)}<br>{_cell(column.driver.obtained_on, _TEXT)}"
        for column in history.columns
    ]
    yield f"\n| requirement | {' | '.join(heads)} |"
    yield f"|---|{'---|' * len(heads)}"
    untested = []
    for id, text, cells in _rows(history):
        if all(cell == "untested" for cell in cells):
            untested.append(id)
            continue
        said = [f"{GLYPHS[cell]} {cell}" for cell in cells]
        yield f"| **{_cell(id, _TEXT)}** {_cell(text, _TEXT)} | {' | '.join(said)} |"
    if untested:
        yield f"\nuntested: {_cell(', '.join(untested), _MESSAGE)}"


def _cell(text: str, limit: int) -> str:
    """Text that is nothing but text in a table of Markdown."""
    plain = html.escape(one_line(text, limit))
    return re.sub(r"[\\`*_{}\[\]()#+!|~:@]", lambda match: f"&#{ord(match[0])};", plain)


def csv(history: History) -> bytes:
    """A row for each cell of case × driver that was run."""
    text = io.StringIO()
    writer = csv_module.writer(text, lineterminator="\n")
    writer.writerow(CSV_FIELDS)
    for place, case in enumerate(history.cases):
        for column in history.columns:
            if column.now[place] != NOT_RUN:
                row = _row(history, column, place, case)
                writer.writerow([_unarmed(row[name]) for name in CSV_FIELDS])
    return text.getvalue().encode()


def _row(history: History, column: Column, place: int, case: str) -> dict[str, str]:
    newest = column.newest[place]
    run = history.runs[column.runs[column.last[place]]].record
    return {
        "case": case,
        "driver": column.driver.driver,
        "devices": column.devices,
        "version": column.versions[column.last[place]],
        "obtained_on": column.driver.obtained_on,
        "outcome": newest.outcome,
        "is_old": "yes" if column.is_old(place) else "no",
        "requirements": " ".join(history.requirements[place]),
        "code": newest.code,
        "message": cut(newest.message, _MESSAGE),
        "expectation": newest.expectation,
        "duration": f"{newest.duration:.6f}",
        "changes": str(_changes(column, place)),
        "run": run.id,
        "started": run.started,
        "reproduce": newest.reproduce,
    }


def _unarmed(text: str) -> str:
    """Text that no spreadsheet takes for a formula."""
    text = visible(text)
    return f"'{text}" if _FORMULA.match(text) else text


def json(history: History) -> bytes:
    """See the module."""
    document = {
        "schema_version": SCHEMA_VERSION,
        "columns": [_column(column) for column in history.columns],
        "requirements": [
            {"id": id, "text": text, "planned": _is_planned(id), "cells": cells}
            for id, text, cells in _rows(history)
        ],
        "cases": [
            {
                "case": case,
                "requirements": history.requirements[place],
                "cells": [_plain(column, place) for column in history.columns],
            }
            for place, case in enumerate(history.cases)
        ],
        "runs": [
            {
                "id": run.record.id,
                "path": str(run.path),
                "started": run.record.started,
                "finished": run.record.finished,
                "suite_revision": run.record.suite_revision,
                "incomplete": run.incomplete,
            }
            for run in history.runs
        ],
        "problems": [_problem(problem) for problem in history.problems],
        "duplicates": [_problem(problem) for problem in history.duplicates],
        "left_out": history.notes,
    }
    return msgspec.json.format(msgspec.json.encode(document), indent=1) + b"\n"


def _column(column: Column) -> dict[str, Any]:
    return {
        "label": column.label,
        "driver": column.driver.driver,
        "devices": column.devices,
        "version": column.driver.version,
        "obtained_on": column.driver.obtained_on,
        "status": column.driver.status,
        "runs": column.runs,
    }


def _plain(column: Column, place: int) -> dict[str, Any] | None:
    if column.now[place] == NOT_RUN:
        return None
    newest = column.newest[place]
    return {
        "outcome": PRECEDENCE[column.now[place]],
        "run": column.runs[column.last[place]],
        "is_old": column.is_old(place),
        "code": newest.code,
        "message": newest.message,
        "runs": int((column.verdicts[place] != NOT_RUN).sum()),
        "changes": _changes(column, place),
    }


def _changes(column: Column, place: int) -> int:
    ran = [code for code in column.verdicts[place].tolist() if code != NOT_RUN]
    return sum(before != after for before, after in pairwise(ran))


def _problem(problem: Problem) -> dict[str, str]:
    return {"path": str(problem.path), "why": problem.why}


def _is_planned(id: str) -> bool:
    row = requirements().get(id)
    return row is not None and row.planned


def _rows(history: History) -> Iterator[tuple[str, str, list[Cell]]]:
    """Each requirement's id, text and cells: the contract's, and others that cases name."""
    contract = requirements()
    named = {id for ids in history.requirements for id in ids}
    for id in [*contract, *sorted(named - contract.keys())]:
        yield id, contract[id].text if id in contract else "", history.cells(id)
