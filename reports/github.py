"""Annotations of a job on GitHub: commands that it reads from what a step prints."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .diff import Change
from .text import one_line

SHOWN = 10
"""Annotations of a step that GitHub shows."""
_MESSAGE = 500


def job_annotations(faults: Sequence[str], changes: Sequence[Change]) -> Iterator[str]:
    """Commands that annotate a job with what stands against a run."""
    told = [("HAL conformance", fault) for fault in faults]
    told += [
        (f"{change.kind}: {change.driver}", f"{change.case}: {change.record.message}")
        for change in changes
    ]
    for title, message in told[: SHOWN - 1] if len(told) > SHOWN else told:
        yield f"::error title={_property(title)}::{_data(message)}"
    if len(told) > SHOWN:
        yield f"::error title=HAL conformance::and {len(told) - SHOWN + 1} more"


def _data(text: str) -> str:
    return one_line(text, _MESSAGE).replace("%", "%25")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
