"""The commands `hal-cts diff` and `hal-cts gate`: a run held against the one before it.

    hal-cts diff BASE HEAD
    hal-cts gate BASE HEAD --budget 2%

Exit status of `diff`: 0. Of `gate`: 0 when nothing stands against HEAD, else 1. Of both: 4 for what
cannot be read or compared.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from .console import cannot, tell
from .diff import KINDS, Change, IncomparableError, difference
from .gate import Gate, judge
from .github import job_annotations
from .runs import Run, RunError, read
from .text import one_line

CLOSED = 1
_NAMES = 3
"""Cases that are named in the first lines."""
_MESSAGE = 300

diff_app = typer.Typer(add_completion=False)
gate_app = typer.Typer(add_completion=False)

_Base = Annotated[Path, typer.Argument(help="The run before: its folder, or its results file.")]
_Head = Annotated[Path, typer.Argument(help="The run to look at.")]


@diff_app.command()
def diff(
    base: _Base,
    head: _Head,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a change.")] = False,
) -> None:
    """Tell what has changed from one run to another."""
    before, after = _read(base), _read(head)
    try:
        found = difference(before, after)
    except IncomparableError as error:
        raise cannot(str(error)) from error
    if as_json:
        for change in found.changes:
            typer.echo(msgspec.json.encode(_plain(change)))
        return
    for run, name in ((before, "base"), (after, "head")):
        if run.incomplete:
            tell(f"the {name} run is incomplete: {one_line(run.incomplete, _MESSAGE)}")
    for drivers, what in ((found.missing_drivers, "only base"), (found.new_drivers, "only head")):
        if drivers:
            tell(f"{what} has {one_line(', '.join(drivers), _MESSAGE)}")
    counts = [f"{len(found.of_kind(kind))} {kind}" for kind in KINDS if found.of_kind(kind)]
    tell(f"{found.compared} cases compared: {', '.join(counts) or 'nothing has changed'}")
    _print_details(found.changes)


@gate_app.command()
def gate(
    base: _Base,
    head: _Head,
    budget: Annotated[
        str, typer.Option(help="Cases that may be unsupported in addition: N, or P% of all.")
    ] = "0",
    github: Annotated[
        bool,
        typer.Option(envvar="GITHUB_ACTIONS", help="Annotate the job, as GitHub understands it."),
    ] = False,
) -> None:
    """Tell whether a change may go in, by the runs before and after it."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)(%?)", budget)
    if match is None:
        raise cannot(f"--budget: {budget!r} is no number of cases, nor P%")
    before, after = _read(base), _read(head)
    try:
        found = judge(before, after, float(match[1]), is_share=bool(match[2]))
    except IncomparableError as error:
        raise cannot(str(error)) from error
    for line in top_lines(found, budget):
        tell(line)
    for fault in found.faults:
        tell(f"  {one_line(fault, _MESSAGE)}")
    bad = [*found.broken, *found.lost, *found.growth]
    _print_details(bad)
    if github:
        for line in job_annotations(found.faults, bad):
            typer.echo(line)
    raise typer.Exit(0 if found.is_open else CLOSED)


def top_lines(gate: Gate, budget: str) -> list[str]:
    """The verdict in three lines."""
    found = gate.difference
    verdict = "open" if gate.is_open else "closed"
    others = [
        f"{len(gate.lost)} lost",
        f"{len(gate.growth)} newly unsupported (budget {budget})",
        f"{len(found.of_kind('fixed'))} fixed",
        f"{len(gate.faults)} faults of runs, drivers and expectations",
    ]
    return [
        f"gate {verdict}: {found.compared} cases compared",
        f"broken: {len(gate.broken)}{_named(gate.broken)}",
        f"else: {', '.join(others)}{_named(gate.lost)}",
    ]


def _named(changes: Sequence[Change]) -> str:
    if not changes:
        return ""
    names = [f"{c.case} on {c.driver}" for c in changes[:_NAMES]]
    more = f", and {len(changes) - _NAMES} more" if len(changes) > _NAMES else ""
    return f": {one_line(', '.join(names), _MESSAGE)}{more}"


def _print_details(changes: Sequence[Change]) -> None:
    for driver in sorted({change.driver for change in changes}):
        tell(f"\n{one_line(driver, _MESSAGE)}")
        for change in changes:
            if change.driver == driver:
                _print_change(change)


def _print_change(change: Change) -> None:
    before = change.before.outcome if change.before else "not run"
    after = change.after.outcome if change.after else "not run"
    ids = ", ".join(change.record.requirements)
    case = one_line(change.case, _MESSAGE)
    tell(f"  {change.kind}: {case} ({one_line(ids, _MESSAGE)}): {before} → {after}")
    for text in (change.record.message, change.record.expectation, change.record.reproduce):
        if text and change.after is not None:
            tell(f"    {one_line(text, _MESSAGE)}")


def _plain(change: Change) -> dict[str, object]:
    return {
        "kind": change.kind,
        "driver": change.driver,
        "case": change.case,
        "before": change.before and change.before.outcome,
        "after": change.after and change.after.outcome,
        "requirements": change.record.requirements,
        "message": change.record.message,
    }


def _read(path: Path) -> Run:
    try:
        return read(path)
    except (RunError, OSError) as error:
        raise cannot(f"{path}: {error}") from error
