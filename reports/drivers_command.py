"""The command `hal-cts drivers`: every registered driver, and how it is here.

    hal-cts drivers                         its state, device and version, or what is missing
    hal-cts drivers RUN... --format md      and what it was run on elsewhere, as a table for GitHub

A RUN is a folder of results, or one of such folders. Exit status: 0; 4 for a run that cannot be
read.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from cts import registry
from cts.limits import PROBE_STEP_TIMEOUT
from cts.probe import probe_all
from cts.results import DriverRecord

from .console import cannot
from .drivers_table import markdown, rows, terminal
from .runs import Problem, read_all

EVERY_IMPLEMENTATION = "*"

app = typer.Typer(add_completion=False)


class Form(StrEnum):
    """Forms of the table."""

    TEXT = "text"
    MD = "md"


@app.command()
def drivers(
    runs: Annotated[
        list[Path] | None, typer.Argument(metavar="[RUN]...", help="Results of other runs.")
    ] = None,
    form: Annotated[Form, typer.Option("--format", help="For a terminal, or for GitHub.")] = (
        Form.TEXT
    ),
    timeout: Annotated[
        float, typer.Option(help="Seconds that one step of a driver may take.")
    ] = PROBE_STEP_TIMEOUT,
) -> None:
    """List every registered driver: its state, device and version, and what is missing."""
    elsewhere = _records_of(runs or [])
    here = probe_all(registry.names(), timeout, EVERY_IMPLEMENTATION)
    table = rows(here.values(), elsewhere)
    if form is Form.MD:
        typer.echo("\n".join(markdown(table)))
    else:
        Console().print(terminal(table))


def _records_of(paths: list[Path]) -> list[DriverRecord]:
    """The drivers of runs, the oldest run first."""
    found = []
    for run in read_all(paths):
        if isinstance(run, Problem):
            raise cannot(f"{run.path}: {run.why}")
        found.append(run)
    found.sort(key=lambda run: run.record.started)
    return [record for run in found for record in run.drivers.values()]
