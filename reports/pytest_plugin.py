"""What a pytest session that ran cases ends with: the matrix, and files beside the results."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from cts.results import CaseRecord, DriverRecord


@pytest.hookimpl(optionalhook=True)
def pytest_hal_cts_summary(
    terminalreporter: Any, drivers: list[DriverRecord], cases: list[CaseRecord]
) -> None:
    """Prints the matrix of requirements and drivers."""
    from .matrix import Matrix
    from .terminal import print_matrix

    print_matrix(Matrix.of(drivers, cases), terminalreporter)


@pytest.hookimpl(optionalhook=True)
def pytest_hal_cts_results(directory: Path) -> None:
    """Writes `junit.xml`, `summary.md` and `matrix.html` beside the results."""
    from . import junit, page, summary
    from .merging import merge
    from .runs import read

    run = read(directory)
    junit.write(run, directory / junit.FILE_NAME)
    summary.write(run, directory / summary.FILE_NAME)
    (directory / page.FILE_NAME).write_bytes(page.render(merge([run.path])))
