"""What is behind the cells of the page, in blocks, and what of it is left out when it is too much.

Of a cell: the newest record, and each way in which the case did not pass, newest first.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec

from ..case_line import TEXT_LIMIT, CaseLine, cut
from ..history import Column, Evidence, History

BLOCK = 100
"""Cases in a block."""
_KNOWN = frozenset({"driver", "case", "requirements"})
"""Fields that the page has elsewhere."""


@dataclass(frozen=True)
class Plan:
    """How many ways of a cell are kept, and how many characters of a text."""

    ways: int
    characters: int

    def left_out(self, history: History) -> list[str]:
        """What the page has to say of it."""
        ways = sum(
            max(0, len(ways) - self.ways)
            for column in history.columns
            for ways in column.evidence.values()
        )
        lines = [f"{ways} older ways in which cases did not pass"] if ways else []
        if self.characters < TEXT_LIMIT:
            lines.append(f"of each message, stack and output, all but {self.characters} characters")
        return lines


def plans() -> Iterator[Plan]:
    """From the most to the least; the newest evidence is part of all of them."""
    yield Plan(5, TEXT_LIMIT)
    yield Plan(2, TEXT_LIMIT)
    yield Plan(1, TEXT_LIMIT)
    yield Plan(1, 1000)
    yield Plan(1, 200)


def blocks(history: History, plan: Plan) -> Iterator[list[Any]]:
    """Of each block its cells, case by case; 0 for a cell of which there is nothing."""
    for start in range(0, len(history.cases), BLOCK):
        yield [
            _cell(column, case, plan)
            for case in range(start, min(start + BLOCK, len(history.cases)))
            for column in history.columns
        ]


def _cell(column: Column, case: int, plan: Plan) -> Any:
    newest = column.newest.get(case)
    if newest is None:
        return 0
    ways = column.evidence.get(case, [])[: plan.ways]
    cell: dict[str, Any] = {"ways": [_way(way, plan) for way in ways]} if ways else {}
    if not ways or ways[0].record is not newest:
        cell["newest"] = _plain(newest, plan)
    return cell


def _way(way: Evidence, plan: Plan) -> dict[str, Any]:
    return {
        "record": _plain(way.record, plan),
        "first": way.first,
        "last": way.last,
        "count": way.count,
    }


def _plain(record: CaseLine, plan: Plan) -> dict[str, Any]:
    """A record's fields, without those that are empty."""
    fields: dict[str, Any] = msgspec.to_builtins(record)
    return {
        name: _short(value, plan.characters)
        for name, value in fields.items()
        if value and name not in _KNOWN
    }


def _short(value: Any, characters: int) -> Any:
    """A value whose texts are cut."""
    if isinstance(value, str):
        return cut(value, characters) if len(value) > characters + TEXT_LIMIT // 10 else value
    if isinstance(value, list | tuple):
        return [_short(item, characters) for item in value]
    if isinstance(value, dict):
        return {key: _short(item, characters) for key, item in value.items()}
    return value
