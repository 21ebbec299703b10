"""The command `hal-cts badge`: what runs say of drivers, in a small picture.

    hal-cts badge reports/out/20261126-120000-1 -o badge.svg
    hal-cts badge RUNS --driver acme -o acme.svg

It shows what the newest runs have of each case. Nothing is green that is not the vendor's: neither
runs of which one is incomplete or cannot be read, nor one in which no case passed, nor one on a
stand-in; nor what fails a run without any case. Of a driver that does no work it says so.

Exit status: 0 when it is written, whatever it shows; 4 when nothing can be read or written.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated
from xml.etree import ElementTree

import typer

from cts.results import UNEXPECTED

from .console import cannot, say
from .history import Column, History
from .matrix import PRECEDENCE
from .merging import merge
from .text import one_line

LABEL = "HAL conformance"

_GREEN, _YELLOW, _RED, _GREY = "#2a7d3f", "#8a6100", "#b3261e", "#5b6169"
_LABEL_COLOUR = "#33383f"
_HEIGHT, _PADDING, _CHARACTER = 20, 8, 6.6
"""Pixels; the width of a character is that of text which is told to fit."""
_MOST = 80
"""Characters of a text."""

app = typer.Typer(add_completion=False)


@dataclass(frozen=True)
class Badge:
    """What is written, and on what colour."""

    text: str
    colour: str
    label: str = LABEL


@app.command()
def main(
    runs: Annotated[
        list[Path], typer.Argument(help="Results files, runs' folders, folders of runs.")
    ],
    output: Annotated[Path, typer.Option("-o", "--output", help="The picture.")] = Path(
        "badge.svg"
    ),
    driver: Annotated[str, typer.Option(help="Of this driver alone.")] = "",
) -> None:
    """Draw a badge of what runs say of drivers."""
    history = merge(runs)
    for problem in history.problems:
        say(f"{problem.path}: {problem.why}")
    if not history.runs:
        raise cannot("nothing could be read")
    columns = [
        column
        for column in history.columns
        if driver in ("", column.driver.driver, column.driver.registered)
    ]
    if not columns:
        raise cannot(f"no run has the driver {driver!r}" if driver else "no run has a driver")
    badge = badge_of(history, columns, label=driver or LABEL)
    try:
        output.write_bytes(picture(badge))
    except OSError as error:
        raise cannot(f"{output}: cannot be written: {error.strerror or error}") from error
    say(f"{output}: {badge.label}: {badge.text}")


def badge_of(history: History, columns: list[Column], label: str = LABEL) -> Badge:
    """What columns of a history come to."""
    counts: Counter[str] = Counter()
    for column in columns:
        counts.update(column.counts())
    broken = sum(map(_unexpected, columns))
    broken += sum(c.driver.status == "broken" or bool(c.driver.exit_fault) for c in columns)
    expected = counts["expected-fail"]
    text = f"{counts['pass']} passed" + (f", {expected} expected to fail" if expected else "")
    newest = [history.runs[column.runs[-1]] for column in columns]
    obtained_on = {column.driver.obtained_on for column in columns}
    if broken:
        return Badge(f"{broken} broken", _RED, label)
    if any(_expectation_faults(history, column) for column in columns):
        return Badge(f"expectations do not hold: {text}", _RED, label)
    if history.problems or any(run.incomplete for run in newest):
        return Badge(f"incomplete: {text}", _GREY, label)
    if any(column.counts().get("pass", 0) == 0 for column in columns):
        return Badge("nothing proven", _GREY, label)
    for worth in ("stand-in", "no-device"):
        if any(worth in on for on in obtained_on):
            return Badge(f"{worth}: {text}", _GREY, label)
    if all(column.driver.properties.get("work") is False for column in columns):
        text = f"core only: {text}"
    return Badge(text, _YELLOW if expected else _GREEN, label)


def _expectation_faults(history: History, column: Column) -> list[str]:
    """What a column's newest run has found wrong with expectations, but for other drivers'."""
    others = {c.driver.driver for c in history.columns} - {column.driver.driver}
    faults = history.runs[column.runs[-1]].record.expectation_faults
    return [f for f in faults if not any(f.startswith(f"{other}: ") for other in others)]


def _unexpected(column: Column) -> int:
    """Cases of which the verdict that counts fails a run."""
    flaky = PRECEDENCE.index("flaky")
    excused = sum(
        bool(column.now[case] == flaky) and line.expected == "flaky"
        for case, line in column.newest.items()
    )
    return sum(n for outcome, n in column.counts().items() if outcome in UNEXPECTED) - excused


def picture(badge: Badge) -> bytes:
    """A badge as SVG, which needs nothing else."""
    label, text = one_line(badge.label, _MOST), one_line(badge.text, _MOST)
    widths = [round(len(part) * _CHARACTER) + 2 * _PADDING for part in (label, text)]
    spoken = f"{label}: {text}"
    svg = ElementTree.Element(
        "svg",
        {
            "xmlns": "http://www.w3.org/2000/svg",
            "width": str(sum(widths)),
            "height": str(_HEIGHT),
            "role": "img",
            "aria-label": spoken,
        },
    )
    ElementTree.SubElement(svg, "title").text = spoken
    start = 0
    for part, width, colour in zip(
        (label, text), widths, (_LABEL_COLOUR, badge.colour), strict=True
    ):
        _add(svg, part, start, width, colour)
        start += width
    return bytes(ElementTree.tostring(svg, encoding="utf-8", xml_declaration=False))


def _add(svg: ElementTree.Element, text: str, start: int, width: int, colour: str) -> None:
    place = {"x": str(start), "y": "0", "width": str(width), "height": str(_HEIGHT)}
    ElementTree.SubElement(svg, "rect", place | {"fill": colour})
    element = ElementTree.SubElement(
        svg,
        "text",
        {
            "x": str(start + _PADDING),
            "y": "14",
            "textLength": str(width - 2 * _PADDING),
            "lengthAdjust": "spacingAndGlyphs",
            "fill": "#ffffff",
            "font-family": "DejaVu Sans, Verdana, sans-serif",
            "font-size": "11",
        },
    )
    element.text = text
