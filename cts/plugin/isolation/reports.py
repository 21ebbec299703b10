"""Reports as pytest wants them: those of a child, read back, and those that a child cannot make."""

from __future__ import annotations

from typing import Any, Literal

import pytest

from cts.plugin.isolation.attempt import Job
from cts.plugin.verdict import reproduce
from cts.results import Death, Outcome


def report_of(config: pytest.Config, data: dict[str, Any]) -> pytest.TestReport:
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
    report.hal_cts = {  # type: ignore[attr-defined]
        "driver": case.driver,
        "case": case.id,
        "requirements": case.requirements,
        "outcome": outcome,
        "message": message,
        "code": "",
        "blocked_by": "",
    }
    return report


def blocked_report(job: Job, why: str) -> pytest.TestReport:
    return _new_report(job, "blocked", why, "setup", [])


def death_report(job: Job, death: Death, before: list[pytest.TestReport]) -> pytest.TestReport:
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


def end_report(job: Job, fault: str) -> pytest.TestReport:
    message = f"at the end of its process: {fault}"
    sections = [("reproduce", reproduce(job.item, job.case))]
    return _new_report(job, "crash", message, "teardown", sections)
