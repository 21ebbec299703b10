"""`summary.md`: a run on one page, fit for the summary of a CI job."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

from cts.results import CaseRecord, DriverRecord, Outcome

from .matrix import Matrix
from .runs import Run
from .terminal import lines
from .text import code_cell, code_span, one_line, visible

FILE_NAME = "summary.md"

_WIDTH = 100
"""Characters of a line of the matrix."""
_MESSAGE = 300
"""Characters of a message."""
_SHOWN = 100
"""Kinds of failures that are listed: GitHub shows no summary of more than 1 MiB."""
_COLUMNS: tuple[Outcome, ...] = get_args(Outcome)


def write(run: Run, path: Path) -> None:
    """Writes the page. Raises OSError."""
    path.write_text(render(run), encoding="utf-8")


def render(run: Run) -> str:
    """The page, in Markdown."""
    parts = ["# HAL conformance", *_faults(run), *_counts(run), *_matrix(run), *_failures(run)]
    return "\n".join([*parts, *_expected(run), *_facts(run)]) + "\n"


def _faults(run: Run) -> Iterator[str]:
    """What keeps the run from being taken for whole and sound."""
    if run.incomplete:
        yield f"\n**Incomplete:** {_code(run.incomplete)}"
    if run.record.expectation_faults:
        yield "\n**What is expected of the drivers does not hold:**\n"
        for fault in run.record.expectation_faults:
            yield f"- {_code(fault)}"
    for driver in run.drivers.values():
        faults = [driver.reason if driver.status == "broken" else "", driver.exit_fault]
        faults += [f"{slot}: {fault}" for slot, fault in driver.slot_faults.items()]
        for fault in filter(None, faults):
            yield f"\n**{_code(driver.driver)}:** {_code(fault)}"


def _counts(run: Run) -> Iterator[str]:
    counted = {
        name: Counter(case.outcome for case in run.cases.values() if case.driver == name)
        for name in run.drivers
    }
    shown = [outcome for outcome in _COLUMNS if any(c[outcome] for c in counted.values())]
    yield f"\n| driver | version | obtained on | {' | '.join(shown)} |"
    yield f"|---|---|---|{'---:|' * len(shown)}"
    for name, driver in run.drivers.items():
        cells = [code_cell(one_line(text, 60)) for text in (name, driver.version)]
        numbers = [str(counted[name][outcome]) for outcome in shown]
        yield f"| {' | '.join([*cells, driver_on(driver), *numbers])} |"


def driver_on(driver: DriverRecord) -> str:
    """What a driver's results were obtained on; a stand-in is none of the vendor's."""
    return one_line(driver.obtained_on, 60).replace("|", "¦")


def _matrix(run: Run) -> Iterator[str]:
    if not run.drivers:
        return
    yield "\n## Requirements\n\n```text"
    matrix = Matrix.of(list(run.drivers.values()), list(run.cases.values()))
    for line in lines(matrix, _WIDTH):
        yield visible(line).replace("`", "'")
    yield "```"


def _failures(run: Run) -> Iterator[str]:
    """What failed, the same failure once however many cases it has."""
    alike: dict[tuple[str, str], list[CaseRecord]] = {}
    for case in run.cases.values():
        if case.is_unexpected and case.outcome != "blocked":
            alike.setdefault((case.driver, case.signature or case.case), []).append(case)
    if alike:
        yield f"\n## Failures: {sum(map(len, alike.values()))}\n"
    for (driver, _), cases in list(alike.items())[:_SHOWN]:
        first = cases[0]
        more = f" and {len(cases) - 1} more cases" if len(cases) > 1 else ""
        yield (
            f"- {_code(driver)}: {_code(first.case)}{more}:"
            f" {first.outcome}, {_code(', '.join(first.requirements))}"
        )
        for text in (first.message, first.expectation, first.reproduce):
            if text:
                yield f"  - {_code(text)}"
    if len(alike) > _SHOWN:
        yield f"- and {len(alike) - _SHOWN} more kinds"


def _expected(run: Run) -> Iterator[str]:
    reasons = Counter(
        (case.driver, case.expectation)
        for case in run.cases.values()
        if case.expected and not case.is_unexpected
    )
    if reasons:
        yield "\n## Expected\n\n| driver | cases | reason |\n|---|---:|---|"
    for (driver, reason), count in sorted(reasons.items()):
        cells = (
            code_cell(one_line(driver, _MESSAGE)),
            str(count),
            code_cell(one_line(reason, _MESSAGE)),
        )
        yield f"| {' | '.join(cells)} |"


def _facts(run: Run) -> Iterator[str]:
    record = run.record
    order = "as written" if record.seed is None else f"of seed {record.seed}"
    yield "\n## The run\n"
    end = record.finished or "it did not come to its end"
    checks = ", with the backends' own checks" if record.validation else ""
    yield f"- {_code(record.started)} to {_code(end)}, order {order}{checks}"
    yield f"- suite {_code(record.suite_version)}, revision {_code(record.suite_revision)}"
    yield f"- Python {_code(record.python)} on {_code(record.platform)}"
    yield f"- {_code(' '.join(['pytest', *record.command]))}"


def _code(text: str) -> str:
    """A text from the results, as code on one line: no Markdown in it is any."""
    return code_span(one_line(text, _MESSAGE)) if text else "-"
