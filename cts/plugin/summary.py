"""What the terminal says of a run: who takes part, root causes, counts."""

from __future__ import annotations

from collections import Counter
from typing import Any

from cts.plugin.command_line import long_form
from cts.plugin.driver_session import AT_THE_END
from cts.plugin.run import Run
from cts.results import CaseRecord, Outcome

_COUNTED: tuple[tuple[str, frozenset[Outcome]], ...] = (
    ("passed", frozenset({"pass"})),
    ("adapter", frozenset({"adapter"})),
    ("failed", frozenset({"fail", "error", "crash", "timeout"})),
    ("unexpectedly passed", frozenset({"unexpected-pass"})),
    ("expected to fail", frozenset({"expected-fail"})),
    ("flaky", frozenset({"flaky"})),
    ("unsupported", frozenset({"unsupported"})),
    ("blocked", frozenset({"blocked"})),
    ("skipped", frozenset({"skip"})),
)


def header(run: Run) -> list[str]:
    """A line for the drivers that take part, and one for each that does not."""
    if not run.active:
        return []
    run.header_shown = True
    selection = run.selection()
    lines = [f"hal-cts: drivers: {', '.join(selection.records) or 'none is available'}"]
    if run.options.validation:
        lines.append("hal-cts: validation: what the backends say of their use fails the cases")
    lines += [f"hal-cts: not here: {name}: {why}" for name, why in selection.absent.items()]
    lines += [
        f"hal-cts: {short} is somebody else's option here: ours is {long_form(short)}"
        for short in run.options.taken
    ]
    return lines


def root_causes(terminal: Any, run: Run) -> None:
    """One line for each cause that blocked cases, naming driver, slot and fault."""
    causes: dict[tuple[str, str], list[CaseRecord]] = {}
    for case in run.results.cases:
        if case.outcome == "blocked":
            causes.setdefault((case.driver, case.message), []).append(case)
    lines = [f"ERROR: {line}" for line in run.refusal.splitlines()]
    for record in run.driver_records():
        known = {message for driver, message in causes if driver == record.driver}
        for slot, fault in record.slot_faults.items():
            if f"{slot}: {fault}" not in known:
                causes.setdefault((record.driver, f"{slot}: {fault}"), [])
        if record.exit_fault:
            causes.setdefault((record.driver, f"{AT_THE_END}: {record.exit_fault}"), [])
        lines += [
            f"{driver}: {message}" + (f" ({len(blocked)} cases blocked)" if blocked else "")
            for (driver, message), blocked in causes.items()
            if driver == record.driver
        ]
    if lines:
        terminal.ensure_newline()
        for line in lines:
            terminal.write_line(line, red=True, bold=True)


def counts(terminal: Any, run: Run) -> None:
    """The matrix, by whoever draws it, then the counts of each driver and where the results are."""
    if not run.results.cases:
        return
    terminal.config.hook.pytest_hal_cts_summary(
        terminalreporter=terminal, drivers=run.driver_records(), cases=run.results.cases
    )
    terminal.section("hal-cts", sep="-")
    if not run.header_shown:  # under xdist it is the workers that found the drivers
        for line in header(run):
            terminal.write_line(line)
    for driver in run.selection().records:
        outcomes = Counter(case.outcome for case in run.results.cases if case.driver == driver)
        if not outcomes:
            continue
        parts = [
            f"{sum(outcomes[outcome] for outcome in group)} {word}"
            for word, group in _COUNTED
            if word in ("passed", "failed", "unsupported", "blocked")
            or any(outcomes[outcome] for outcome in group)
        ]
        terminal.write_line(f"{driver}: {', '.join(parts)}")
    if faults := run.expectation_faults():
        terminal.write_line("what is expected of the drivers does not hold:", red=True, bold=True)
        for fault in faults:
            terminal.write_line(f"  {fault}", red=True)
    if run.results.path:
        terminal.write_line(f"results: {run.results.path.parent}")


def not_proven(terminal: Any, run: Run, exitstatus: int) -> None:
    """A line for each named driver that no case proved anything of."""
    if run.is_judged(exitstatus):
        for name in run.unproven():
            terminal.write_line(f"{name}: nothing was proven: no case passed", red=True)
