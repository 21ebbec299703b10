"""The option of the benchmarks of work, and the one table that they end with."""

from __future__ import annotations

from typing import Any

import pytest

from cts.benchmarks.speed_table import SpeedTable

TABLE: pytest.StashKey[SpeedTable] = pytest.StashKey()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds ``--benchmark-drivers``."""
    parser.addoption(
        "--benchmark-drivers",
        metavar="NAME[,NAME]",
        help="run benchmarks of work on these drivers; all that are available by default",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Starts the table."""
    config.stash[TABLE] = SpeedTable()


@pytest.fixture
def speed_table(request: pytest.FixtureRequest) -> SpeedTable:
    """The session's table."""
    return request.config.stash[TABLE]


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Prints the table."""
    lines = list(config.stash[TABLE].lines())
    if lines:
        terminalreporter.section("speed of work: median in µs (speed beside numpy's)", sep="-")
        for line in lines:
            terminalreporter.write_line(line)
