"""What became of a case: the outcome that each of its reports carries.

An assertion, a HalError, or an exception out of the driver's code is a *fail*; any other exception
is an *error*, the suite's own fault. A pass whose evidence an adapter answered is *adapter*.
"""

from __future__ import annotations

import glob
import os
import shlex
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from cts.checks import Blocked, Unsupported
from cts.hal import HalError
from cts.hal.device import AnsweredBy
from cts.plugin import evidence, validation
from cts.plugin.cases import Case, case_of
from cts.plugin.command_line import long_form
from cts.plugin.driver_session import DriverSession
from cts.plugin.examples import example_of
from cts.plugin.expected import meet
from cts.plugin.run import run_of
from cts.results import Outcome

_PLUGIN_CODE = Path(__file__).parent
_CALLS_OF_SLOTS = Path(evidence.__file__)

_SHOWN: dict[Outcome, tuple[str, str, tuple[str, dict[str, bool]]]] = {
    "crash": ("failed", "C", ("CRASH", {"red": True})),
    "timeout": ("failed", "T", ("TIMEOUT", {"red": True})),
    "flaky": ("failed", "R", ("FLAKY", {"red": True})),
    "fail": ("failed", "F", ("FAILED", {"red": True})),  # in a set-up or tear-down as well
    "error": ("error", "E", ("ERROR", {"red": True})),
    "unexpected-pass": ("failed", "X", ("UNEXPECTED PASS", {"red": True})),
    "expected-fail": ("xfailed", "x", ("XFAIL", {"yellow": True})),
    "unsupported": ("unsupported", "u", ("UNSUPPORTED", {"cyan": True})),
    "blocked": ("blocked", "b", ("BLOCKED", {"red": True})),
    "adapter": ("adapter", "a", ("ADAPTER", {"yellow": True})),
}


def attach(report: pytest.TestReport, item: pytest.Item, call: pytest.CallInfo[None]) -> None:
    """Judges one phase of a case, and puts the outcome on its report."""
    case = case_of(item)
    if case is None:
        return
    session = run_of(item.config).session_of(case.driver)
    judged = _judge(report, item, call, case, session)
    put_on(report, item, case, *validation.judged(report, judged, session))
    if call.excinfo is not None:
        report.hal_cts["example"] = example_of(call.excinfo.value)
    meet(report, item)
    if report.failed:
        report.sections.append(("reproduce", reproduce(item, case)))


def put_on(
    report: pytest.TestReport,
    item: pytest.Item,
    case: Case,
    outcome: Outcome,
    message: str,
    code: str = "",
    blocked_by: str = "",
) -> None:
    """Puts an outcome on a report, as plain data for other processes."""
    report.hal_cts = {  # type: ignore[attr-defined]
        "driver": case.driver,
        "case": case.id,
        "requirements": case.requirements,
        "outcome": outcome,
        "message": message,
        "code": code,
        "blocked_by": blocked_by,
        "expected": "",
        "expectation": "",
        "reproduce": reproduce(item, case),
    }


def reproduce(item: pytest.Item, case: Case, *, wrapper: str = "") -> str:
    """The line that runs the case alone, to paste where this session was started."""
    run = run_of(item.config)
    record = run.selection().records[case.driver]

    def option(short: str, value: str) -> str:
        name = long_form(short) if short in run.options.taken else short
        return f"{name}={value}" if value else name

    test = item.nodeid.partition("::")[2]
    words = ["pytest", option("--driver", record.registered)]
    if record.implementation:
        words.append(option("--device", glob.escape(record.implementation)))
    if run.options.validation:
        words.append(option("--validation", ""))
    if wrapper:
        words.append(option("--worker-wrapper", wrapper))
    if item.config.getoption("pyargs") and (module := _installed_module(item.path)):
        return shlex.join([*words, "--pyargs", f"{module}::{test}"])
    path = os.path.relpath(item.path, item.config.invocation_params.dir)
    return shlex.join([*words, f"{path}::{test}"])


@cache
def _installed_module(path: Path) -> str:
    """The name under which whoever has this suite installed has the module of a file; empty where
    it is of another suite."""
    suites = find_spec("cts.suites")
    for folder in map(Path, (suites and suites.submodule_search_locations) or ()):
        if path.is_relative_to(folder.resolve()):
            inside = path.relative_to(folder.resolve()).with_suffix("")
            return ".".join(("cts", "suites", *inside.parts))
    return ""


def _judge(
    report: pytest.TestReport,
    item: pytest.Item,
    call: pytest.CallInfo[None],
    case: Case,
    session: DriverSession,
) -> tuple[Outcome, str, str, str]:
    error = call.excinfo.value if call.excinfo else None
    if isinstance(error, Blocked):
        return "blocked", " ".join(str(error).split()), "", error.slot
    if isinstance(error, Unsupported):
        return "unsupported", " ".join(str(error).split()), "", ""
    if report.skipped:
        return "skip", " ".join(str(error).split()), "", ""
    if report.failed:
        code = error.code.name if isinstance(error, HalError) else ""
        text = _one_line(error) if error is not None else _one_line(report.longrepr)
        return ("fail" if _is_drivers_fault(item, call, session) else "error"), text, code, ""
    if report.when != "call":
        return "pass", "", "", ""
    answer = _answered_by(case, session)
    if answer is None:
        report.outcome = "failed"
        report.longrepr = "the case entered no slot of the driver: its pass would prove nothing"
        return "error", report.longrepr, "", ""
    return ("adapter" if answer == "adapter" else "pass"), "", "", ""


def _answered_by(case: Case, session: DriverSession) -> AnsweredBy | None:
    """Who answered for the driver in a case; none where nothing of it was entered."""
    answer = evidence.answered_by(session.name, case.judged)
    if answer == "driver" and case.judges_objects:
        return session.properties.objects_kept_by
    return answer


def _is_drivers_fault(
    item: pytest.Item, call: pytest.CallInfo[None], session: DriverSession
) -> bool:
    """Whether a failure is what a check says, or comes out of the driver's code.

    The innermost frame that belongs to either decides; those of other libraries do not.
    """
    if call.excinfo is None:
        return True
    if isinstance(call.excinfo.value, AssertionError | HalError | pytest.fail.Exception):
        return True
    driver_code = session.code_path
    for entry in reversed(call.excinfo.traceback):
        path = Path(entry.path)
        if path == _CALLS_OF_SLOTS or path.is_relative_to(driver_code):
            return True
        if path == item.path or path.is_relative_to(_PLUGIN_CODE):
            return False
    return False


def _one_line(error: Any) -> str:
    """What an error says, without what pytest says of the values of an ``assert``."""
    text = str(error)
    if isinstance(error, BaseException) and not isinstance(error, AssertionError | HalError):
        text = f"{type(error).__name__}: {text}"
    text = text.partition("\nassert ")[0]
    if text.startswith("assert "):
        text = text.partition("\n")[0]
    return " ".join(text.split())


def status(report: pytest.TestReport) -> Any:
    """(category, letter, word) of an outcome that pytest does not know, or not so."""
    judged = getattr(report, "hal_cts", None)
    if judged is None:
        return None
    if judged["outcome"] == "flaky" == judged["expected"]:
        return "xfailed", "r", ("FLAKY", {"yellow": True})
    return _SHOWN.get(judged["outcome"])
