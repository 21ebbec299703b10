"""The command `hal-cts matrix`: many runs in one matrix, with the evidence behind each cell.

    hal-cts matrix reports/out                         matrix.html, of all runs below the folder
    hal-cts matrix RUN RUN --format md                 a table for a job's summary
    hal-cts matrix RUNS --format csv -o matrix.csv     a row a cell, for a spreadsheet
    hal-cts matrix RUNS --columns version              a column for each version of a driver

Exit status: 0 when everything was read; 1 when some of it could not be, and the rest was merged;
4 when nothing could be read, or the output cannot be written.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import track

from . import tables
from .console import cannot, say
from .history import History
from .merging import merge
from .page import FILE_NAME, render

PARTLY = 1
STDOUT = Path("-")

app = typer.Typer(add_completion=False)


class Form(StrEnum):
    """Forms of the matrix."""

    HTML = "html"
    MD = "md"
    CSV = "csv"
    JSON = "json"


class Columns(StrEnum):
    """What has a column of its own."""

    DEVICE = "device"
    VERSION = "version"


_RENDER: dict[Form, Callable[[History], bytes]] = {
    Form.HTML: render,
    Form.MD: tables.markdown,
    Form.CSV: tables.csv,
    Form.JSON: tables.json,
}


@app.command()
def main(
    runs: Annotated[
        list[Path], typer.Argument(help="Results files, runs' folders, folders of runs.")
    ],
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="[default: matrix.html; of other forms stdout]"),
    ] = None,
    form: Annotated[Form, typer.Option("--format", help="Of the output.")] = Form.HTML,
    columns: Annotated[
        Columns, typer.Option(help="A column for each driver and device, or also each version.")
    ] = Columns.DEVICE,
) -> None:
    """Merge runs into one matrix of requirements, cases and drivers."""
    history = merge(runs, by_version=columns is Columns.VERSION, watch=_watched)
    damaged = [run for run in history.runs if run.is_damaged]
    for problem in [*history.problems, *history.duplicates]:
        say(f"{problem.path}: {problem.why}")
    for run in history.runs:
        if run.incomplete:
            say(f"{run.path}: incomplete, {run.incomplete}")
    if not history.runs:
        raise cannot("nothing could be read")
    if output is None:
        output = Path(FILE_NAME) if form is Form.HTML else STDOUT
    _write(output, _RENDER[form](history), history)
    if history.problems or damaged:
        raise typer.Exit(PARTLY)


def _watched(paths: Sequence[Path]) -> Iterable[Path]:
    """The files, with a progress bar where somebody sees it."""
    if not sys.stderr.isatty():
        return paths
    return track(paths, "reading runs", console=Console(stderr=True), transient=True)


def _write(output: Path, data: bytes, history: History) -> None:
    if output == STDOUT:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        return
    try:
        if output.exists() and any(os.path.samefile(output, run.path) for run in history.runs):
            raise OSError("it is one of the runs")
        output.write_bytes(data)
    except OSError as error:
        raise cannot(f"{output}: cannot be written: {error.strerror or error}") from error
    say(f"{output}: {len(history.columns)} columns, {len(history.runs)} runs")
