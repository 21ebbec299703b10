"""Reports as pytest wants them: those of a child, read back, and those that a child cannot make."""

from __future__ import annotations

from typing import Any, Literal

import pytest

from cts.plugin.expected import meet
from cts.plugin.isolation.attempt import Job
from cts.plugin.verdict import put_on, reproduce
from cts.results import Death, Outcome


def report_of(config: pytest.Config, data: dict[str, Any]) -> pytest.TestReport:
    """The report that a child sent."""
    report: pytest.TestReport = config.hook.pytest_report_from_serializable(
        config=config, data=data
    )
    if isinstance(report.longrepr, list):  # JSON has no tuples, and a skip's is one
        report.longrepr = tuple(report.longrepr)
    report.user_properties = [tuple(pair) for pair in report.user_properties]  # type: ignore[misc]
    return report


def _new_report(
    job: Job,
    outcome: Outcome,
    message: str,
    when: Literal["setup", "call", "teardown"],
    sections: list[tuple[str, str]],
) -> pytest.TestReport:
    item, case = job.item, job.case
    is_blocked = outcome == "blocked"
    path, line, _ = item.location
    longrepr: Any = (path, line or 0, message) if is_blocked else message
    report = pytest.TestReport(
        item.nodeid,
        item.location,
        dict.fromkeys(item.keywords, 1),
        "skipped" if is_blocked else "failed",
        longrepr,
        when,
        sections,
    )
    put_on(report, item, case, outcome, message)
    meet(report, item)
    return report


def blocked_report(job: Job, why: str) -> pytest.TestReport:
    """That the case was not run, and what for."""
    return _new_report(job, "blocked", why, "setup", [])


def uncollected_report(job: Job) -> pytest.TestReport:
    """That the child has no such case: its collection differs from the parent's."""
    why = "the process that was to run it has not collected it"
    return _new_report(job, "error", why, "setup", [])


def death_report(job: Job, death: Death, before: list[pytest.TestReport]) -> pytest.TestReport:
    """That the child died in the case, in the phase after those of which there are reports."""
    seen = {report.when for report in before}
    when: Literal["setup", "call", "teardown"] = "teardown"
    if "setup" not in seen:
        when = "setup"
    elif "call" not in seen and not any(report.failed or report.skipped for report in before):
        when = "call"
    sections = [(f"{name} of the process that died", text) for name, text in death.output.items()]
    if death.stack:
        sections.insert(0, ("its stacks in Python", death.stack))
    if death.after:
        sections.append(("ran before in the same process", death.after))
    sections.append(("reproduce", reproduce(job.item, job.case)))
    sections.append(
        ("under a debugger", reproduce(job.item, job.case, wrapper="gdb -ex run --args"))
    )
    return _new_report(job, death.outcome, f"{death.how} in {death.place}", when, sections)


def said_report(job: Job, said: str) -> pytest.TestReport:
    """That the driver's backend complained of its use after the last phase."""
    sections = [("reproduce", reproduce(job.item, job.case))]
    return _new_report(job, "fail", said, "teardown", sections)


def end_report(job: Job, fault: str) -> pytest.TestReport:
    """That the child, which ran no other case, came to a bad end after it."""
    message = f"at the end of its process: {fault}"
    sections = [("reproduce", reproduce(job.item, job.case))]
    return _new_report(job, "crash", message, "teardown", sections)
