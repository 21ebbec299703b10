"""The table of drivers: how each is here, and what it was run on, here or in other runs.

A row is a driver, or one of the implementations that it reaches, as the probe here finds it. Runs
add what a driver was obtained on elsewhere, and what devices and version that was, where it is not
here itself: they never make it available.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from rich.markup import escape
from rich.table import Table

from cts.results import DriverRecord

from .text import one_line, visible

HEADINGS = ("driver", "state", "run on", "device", "version", "reason")
SHORT = 3
"""Columns of a word or two."""
NO_DEVICE = "no-device"
_MARKUP = re.compile(r"([\\`*<|~])")
_LONGEST = 300
"""Characters of a cell in Markdown."""


class Row(NamedTuple):
    """A driver's."""

    driver: str
    state: str
    run_on: str
    """``hardware``, ``software``, ``stand-in``, or several; ``no-device``."""
    device: str
    """Names of what it was run on."""
    version: str
    reason: str
    """Why it is not available."""


def rows(here: Iterable[DriverRecord], elsewhere: Sequence[DriverRecord]) -> list[Row]:
    """The rows: of the drivers here, and of those that only other runs have."""
    found = list(here)
    known = {record.driver for record in found}
    others = {r.driver: r for r in elsewhere if r.driver not in known and r.devices}
    return [
        _row(record, [other for other in elsewhere if other.driver == record.driver])
        for record in found
    ] + [_row(None, [record]) for record in others.values()]


def _row(here: DriverRecord | None, elsewhere: Sequence[DriverRecord]) -> Row:
    runs = [record for record in elsewhere if record.devices]
    shown = here if here is not None and here.devices else (runs[-1] if runs else here)
    assert shown is not None
    kinds = {device.obtained_on for record in [*runs, shown] for device in record.devices}
    names = list(dict.fromkeys(device.name for device in shown.devices))
    return Row(
        driver=shown.driver,
        state=here.status if here is not None else "not registered here",
        run_on=", ".join(sorted(kinds)) or NO_DEVICE,
        device=_several(names),
        version=shown.version,
        reason=_reason(here.reason) if here is not None else "",
    )


def _several(names: Sequence[str]) -> str:
    """The first one, and how many more."""
    more = f" and {len(names) - 1} more" if len(names) > 1 else ""
    return f"{names[0]}{more}" if names else ""


def _reason(text: str) -> str:
    """Without what all of them begin with."""
    return text.removeprefix("UNAVAILABLE: Driver.available: ")


def markdown(table: Sequence[Row]) -> list[str]:
    """The table for GitHub, a line a driver; of reasons what is missing, and not what to do."""
    lines = [HEADINGS, ("---",) * len(HEADINGS)]
    for row in table:
        lines.append(tuple(map(_in_markdown, row._replace(reason=row.reason.partition(";")[0]))))
    return [f"|{'|'.join(f' {cell} ' if cell else ' ' for cell in line)}|" for line in lines]


def _in_markdown(text: str) -> str:
    return _MARKUP.sub(r"\\\1", one_line(text, _LONGEST))


def terminal(table: Sequence[Row]) -> Table:
    """The table for a terminal: what may be long is one column, and is folded."""
    shown = Table(box=None, pad_edge=False)
    for heading in HEADINGS[:SHORT]:
        shown.add_column(heading, no_wrap=True)
    shown.add_column("device and version, or what is missing", overflow="fold")
    for row in table:
        rest = "; ".join(filter(None, row[SHORT:]))
        shown.add_row(*map(escape, [*row[:SHORT], visible(rest)]))
    return shown
