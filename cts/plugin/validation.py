"""``--validation``: what a driver's backend says of how it is used fails the case that it falls in.

1. `DriverSession` turns the backend's checks on where it constructs the driver, and collects what
   they say.
2. What came in during a phase of a case fails that phase (`judged`): set-up, with the building of
   the session's group where the case caused it; call; tear-down, with all that follows it there.
3. What comes in after the last phase, while the child looks for what the case left behind, fails
   the case as well (`cts.plugin.isolation`). Without children it falls into the next case.
4. What comes in at the end of the session is a fault of the driver's end, and is in its record.
"""

from __future__ import annotations

import pytest

from cts.plugin.driver_session import DriverSession
from cts.results import Outcome
from cts.validation import told

Judged = tuple[Outcome, str, str, str]
"""Outcome, message, code, and what it is blocked by."""


def judged(report: pytest.TestReport, before: Judged, session: DriverSession) -> Judged:
    """What a phase of a case comes to, given what the backend has said during it."""
    text = said(session)
    if not text:
        return before
    if report.failed:
        report.sections.append(("validation", text))
    else:
        report.outcome = "failed"
        report.longrepr = text
    outcome, message, code, _ = before
    if outcome == "fail":  # what the backend says may be why
        return outcome, f"{message}\n{text}", code, ""
    return "fail", text, "", ""


def said(session: DriverSession) -> str:
    """What the backend has said by now, the first message first; empty for nothing."""
    lines = session.messages.take()
    return told(lines, between="\n") if lines else ""
