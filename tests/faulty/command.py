"""The command `hal-cts mutants`: does the suite catch bad drivers, and spare good ones?

    hal-cts mutants                     every mutant, and repeats on good drivers
    hal-cts mutants QUE-3 'copy-*'      some, with what each failing case said
    hal-cts mutants --list              what there is

Exit status: 0 when every mutant is caught and no good driver blamed, else 1; 4 for a name that is
nobody's, or where processes cannot be forked; 130 after Ctrl-C.
"""

from __future__ import annotations

import io
import os
import tempfile
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr, redirect_stdout
from fnmatch import fnmatch
from pathlib import Path
from typing import Annotated

import hypothesis
import pytest
import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress
from rich.table import Table

from cts.limits import PROBE_STEP_TIMEOUT
from cts.probe import availability
from cts.results import CaseRecord

from .registry import Mutant, mutants
from .score import FalseAlarm, Score, Verdict, false_alarms, judge
from .trials import Trial, Trials

GOOD_DRIVERS = ("null", "local-sync", "local-task")
REPEATS = 20
NOT_HERE = 4
INTERRUPTED = 130
WIDTH = 180
"""Characters of a line that goes into a file."""

app = typer.Typer(add_completion=False)


@app.command()
def main(
    names: Annotated[
        list[str] | None,
        typer.Argument(help="Mutants by name or requirement, with * and ?; all by default."),
    ] = None,
    all_suites: Annotated[
        bool, typer.Option(help="All suites on each, not those concerned alone, and to their end.")
    ] = False,
    repeats: Annotated[
        int | None,
        typer.Option(
            min=0,
            help=f"Runs on each good driver: {REPEATS}, or none where mutants are named.",
        ),
    ] = None,
    results: Annotated[
        Path | None, typer.Option(help="A new folder for mutants.json and each run's results.")
    ] = None,
    jobs: Annotated[int, typer.Option(min=1, help="Runs at a time.")] = 3
    * (os.cpu_count() or 1),  # many of them wait, most of the time
    only_list: Annotated[bool, typer.Option("--list", help="List them, and run none.")] = False,
) -> None:
    """Run the suites over bad drivers, each with one named bug, and print which are caught."""
    chosen = _chosen(names or ["*"])
    console = Console()
    if not console.is_terminal:
        console.width = WIDTH
    if only_list:
        _print_list(console, chosen)
        return
    if not hasattr(os, "fork"):
        typer.echo("mutants are run in forks, which this platform does not have", err=True)
        raise typer.Exit(NOT_HERE)
    if repeats is None:
        repeats = 0 if names else REPEATS
    with tempfile.TemporaryDirectory() as scratch:
        folder = results or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        score = run(chosen, folder, repeats=repeats, jobs=jobs, all_suites=all_suites)
        score.write(folder)
    _print_score(console, score, with_messages=bool(names))
    raise typer.Exit(0 if score.is_good else 1)


def run(
    chosen: Sequence[Mutant], folder: Path, *, repeats: int, jobs: int, all_suites: bool
) -> Score:
    """Tries mutants, and good drivers as often as asked for; results go into the folder."""
    needed = sorted({mutant.driver for mutant in chosen} | set(GOOD_DRIVERS if repeats else ()))
    absent = {
        name: record.reason
        for name, record in availability(needed, PROBE_STEP_TIMEOUT).items()
        if record.status != "available"
    }
    by_trial = {mutant.name: mutant for mutant in chosen if mutant.driver not in absent}
    trials = [
        Trial(m.name, m.driver, m.apply, m.requirement, all_suites) for m in by_trial.values()
    ]
    trials += [
        Trial(f"{driver}-{seed}", driver, all_suites=True, shuffle=seed)
        for seed in range(1, repeats + 1)
        for driver in GOOD_DRIVERS
    ]
    verdicts: dict[str, Verdict] = {}
    alarms: list[FalseAlarm] = []

    def note(trial: Trial, records: list[CaseRecord]) -> None:
        if trial.shuffle is None:
            verdicts[trial.name] = judge(by_trial[trial.name], records)
        else:
            alarms.extend(false_alarms(trial.driver, trial.shuffle, records))

    _run_trials(trials, folder, jobs, note)
    return Score(
        mutants=[verdicts[name] for name in by_trial],
        not_tried={m.name: absent[m.driver] for m in chosen if m.driver in absent},
        repeats=repeats,
        good_drivers=list(GOOD_DRIVERS),
        false_alarms=alarms,
    )


def _chosen(patterns: Sequence[str]) -> list[Mutant]:
    """The mutants that a pattern names; every pattern has to name one."""
    known = list(mutants().values())
    found: dict[str, Mutant] = {}
    for pattern in patterns:
        named = {m.name: m for m in known if fnmatch(m.name, pattern) or m.requirement == pattern}
        if not named:
            typer.echo(f"no mutant is named, or breaks, {pattern!r}: see --list", err=True)
            raise typer.Exit(NOT_HERE)
        found |= named
    return list(found.values())


def _run_trials(
    trials: Sequence[Trial],
    folder: Path,
    jobs: int,
    note: Callable[[Trial, list[CaseRecord]], None],
) -> None:
    """Collects the suites in this process, and runs the trials from there."""
    # It is redrawn here alone: a thread of its own would be left behind in each fork.
    console = Console(stderr=True)
    with Progress(console=console, auto_refresh=False, disable=not console.is_terminal) as progress:
        task = progress.add_task("mutants", total=len(trials))

        def on_end(trial: Trial, records: list[CaseRecord]) -> None:
            note(trial, records)
            progress.update(task, advance=1, description=trial.name, refresh=True)

        # Finding the smallest example would take longer than all the rest.
        phases = [phase for phase in hypothesis.Phase if phase.name not in ("shrink", "explain")]
        hypothesis.settings.register_profile("mutants", phases=phases)
        hypothesis.settings.load_profile("mutants")
        ini = folder / "pytest.ini"
        ini.write_text("[pytest]\n")
        drivers = ",".join(dict.fromkeys(trial.driver for trial in trials))
        arguments = [
            *("--pyargs", "cts.suites", f"--driver={drivers}", "--hal-probe=off", "--isolate=off"),
            *("-q", "-s", "-p", "no:cacheprovider", "-p", "no:randomly", "-c", str(ini)),
            f"--results={folder / 'collected'}",
        ]
        output = io.StringIO()
        with redirect_stdout(output), redirect_stderr(output):
            session = Trials(trials, folder, jobs, on_end)
            status = pytest.main(arguments, plugins=[session])
    if status == pytest.ExitCode.INTERRUPTED:
        raise typer.Exit(INTERRUPTED)
    if status not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):  # nothing ran in it
        typer.echo(output.getvalue(), err=True)
        raise typer.Exit(1)


# -- output -----------------------------------------------------------------------------------


def _print_list(console: Console, chosen: Sequence[Mutant]) -> None:
    table = Table("mutant", "breaks", "driver", "what", box=None, pad_edge=False)
    for mutant in chosen:
        table.add_row(mutant.name, mutant.requirement, mutant.driver, escape(mutant.what))
    console.print(table)


def _print_score(console: Console, score: Score, *, with_messages: bool) -> None:
    table = Table(box=None, pad_edge=False)
    for heading in ("mutant", "breaks", "caught"):
        table.add_column(heading, no_wrap=True)
    table.add_column("failing (naming it)", justify="right", no_wrap=True)
    table.add_column("the first failing case", overflow="fold")
    for verdict in score.mutants:
        first = next(iter(verdict.failing), "")
        count = f"{len(verdict.failing)} ({verdict.naming})"
        table.add_row(verdict.name, verdict.requirement, verdict.caught, count, escape(first))
    console.print(table)
    for verdict in score.mutants if with_messages else ():
        console.print(f"\n[bold]{verdict.name}[/]: {escape(verdict.what)}")
        for case, said in verdict.failing.items():
            console.print(f"  {escape(case)}\n    {escape(said)}")
    console.print()
    for alarm in score.false_alarms:
        console.print(
            f"false alarm on {alarm.driver} (order {alarm.shuffle}): {escape(alarm.case)}:"
            f" {alarm.outcome}: {escape(alarm.message)}"
        )
    for line in score.summary():
        console.print(escape(line))
