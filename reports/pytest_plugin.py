"""Draws the results matrix at the end of a pytest session that ran cases."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from cts.results import CaseRecord, DriverRecord


@pytest.hookimpl(optionalhook=True)
def pytest_hal_cts_summary(
    terminalreporter: Any, drivers: list[DriverRecord], cases: list[CaseRecord]
) -> None:
    """Prints the matrix of requirements and drivers."""
    from .matrix import Matrix
    from .terminal import print_matrix

    print_matrix(Matrix.of(drivers, cases), terminalreporter)
