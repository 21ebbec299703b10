"""Hooks that this plugin calls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from cts.results import CaseRecord, DriverRecord


def pytest_hal_cts_summary(
    terminalreporter: Any, drivers: list[DriverRecord], cases: list[CaseRecord]
) -> None:
    """Called at the end of a run that had cases, to print what became of them."""


def pytest_hal_cts_results(directory: Path) -> None:
    """Called once the results are written there, to put beside them what is made of them."""
