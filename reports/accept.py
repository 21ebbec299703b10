"""The command `hal-cts accept`: takes what a run found for what is expected from now on.

    hal-cts accept reports/out/20261126-120000-1              the file that comes with each driver
    hal-cts accept RESULTS --expectations FILE --dry-run      another file; prints, writes nothing

Exit status: 0; 4 for results or a file that cannot be read, a run that did not come to its end, a
driver without a file of its own.
"""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.syntax import Syntax

from cts import registry
from cts.expectations.entries import FILE_NAME, ExpectationsFile, UnreadableError
from cts.expectations.entries import read as read_entries
from cts.expectations.expectations import Expectations
from cts.expectations.rewriting import accepted, text_of

from .console import cannot, tell
from .runs import Run, RunError, read
from .text import visible

app = typer.Typer(add_completion=False)


@app.command()
def main(
    results: Annotated[Path, typer.Argument(help="A run's folder, or its results file.")],
    expectations: Annotated[
        Path | None, typer.Option(help="The file to write, instead of the drivers' own.")
    ] = None,
    dry_run: Annotated[bool, typer.Option(help="Print what would change, and write nothing.")] = (
        False
    ),
) -> None:
    """Write what a run found into the expectations of its drivers, and print the difference."""
    try:
        run = read(results)
        if run.incomplete:
            raise RunError(run.incomplete)
        rewritten = {path: rewrite(run, path, names) for path, names in _files(run, expectations)}
    except (RunError, OSError, UnreadableError) as error:
        raise cannot(f"{results}: {error}") from error
    for path, (before, after) in rewritten.items():
        _print_difference(path, before, after)
        if not dry_run and before != after:
            _write(path, after)
    missing = sum(after.count('reason = ""') for _, after in rewritten.values())
    if missing:
        tell(f"{missing} entries have no reason yet: they count once they have one")


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise cannot(f"{path}: cannot be written: {error.strerror}") from error


def rewrite(run: Run, path: Path, names: list[str]) -> tuple[str, str]:
    """A file as it is, and as these drivers' cases would have it. Raises UnreadableError."""
    file = read_entries(path) if path.exists() else ExpectationsFile(path, "", (), ())
    unread = [fault for fault in file.faults if "reason is empty" not in fault]
    if unread:
        raise UnreadableError("; ".join(unread))
    active = {name: Expectations.of_driver(run.drivers[name], [file]) for name in names}
    cases = [case for case in run.cases.values() if case.driver in active]
    before = path.read_text(encoding="utf-8") if path.exists() else ""
    after = accepted(file.entries, active, cases, run.record.expectation_faults)
    return before, text_of(after) if after or before else ""


def _files(run: Run, named: Path | None) -> list[tuple[Path, list[str]]]:
    """The files to write, each with its drivers."""
    if named is not None:
        return [(named, list(run.drivers))]
    found: dict[Path, list[str]] = {}
    for name, driver in run.drivers.items():
        folder = registry.folder(driver.registered)
        if folder is None:
            raise RunError(f"driver {name!r} has no file of its own here: name one, --expectations")
        found.setdefault(folder / FILE_NAME, []).append(name)
    return list(found.items())


def _print_difference(path: Path, before: str, after: str) -> None:
    lines = difflib.unified_diff(
        before.splitlines(), after.splitlines(), str(path), str(path), lineterm=""
    )
    shown = [visible(line) for line in lines]
    console = Console()
    if not shown:
        tell(f"{path}: nothing to change")
    elif console.is_terminal:
        console.print(Syntax("\n".join(shown), "diff", background_color="default"))
    else:
        for line in shown:
            tell(line)
