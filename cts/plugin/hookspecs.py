"""Hooks that this plugin calls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cts.results import CaseRecord, DriverRecord


def pytest_hal_cts_summary(
    terminalreporter: Any, drivers: list[DriverRecord], cases: list[CaseRecord]
) -> None:
    """Called at the end of a run that had cases, to print what became of them."""
