"""Whom the benchmarks of work measure, and what they end with: a table, and records in the results
of a run whose drivers were named."""

from __future__ import annotations

from typing import Any

import pytest

from cts.benchmarks.speed_table import SpeedTable
from cts.benchmarks.subjects import DriverSubject
from cts.plugin.run import has_run, run_of
from cts.results import BenchmarkRecord

TABLE: pytest.StashKey[SpeedTable] = pytest.StashKey()


def pytest_configure(config: pytest.Config) -> None:
    """Starts the table."""
    config.stash[TABLE] = SpeedTable()


class Meter:
    """Takes down what was measured."""

    def __init__(self, config: pytest.Config) -> None:
        self._table = config.stash[TABLE]
        self._results = run_of(config).results if has_run(config) else None

    def note(
        self, measure: str, subject: str, measured: Any, benchmark: Any, moved: int | None = None
    ) -> None:
        """Takes what pytest-benchmark measured of a subject, unless it is disabled, as it is by
        xdist; and how many bytes each round moves."""
        if benchmark.stats is None:
            return
        stats = benchmark.stats.stats
        self._table.add(measure, subject, stats.median)
        if self._results and isinstance(measured, DriverSubject):
            self._results.put_benchmark(
                BenchmarkRecord(
                    driver=measured.column,
                    name=measure,
                    median=stats.median,
                    iqr=stats.iqr,
                    rounds=stats.rounds,
                    bytes=moved,
                )
            )


@pytest.fixture
def meter(request: pytest.FixtureRequest) -> Meter:
    """The session's."""
    return Meter(request.config)


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Prints the table."""
    lines = list(config.stash[TABLE].lines())
    if lines:
        terminalreporter.section(
            "speed of work: median in µs (speed beside the bare library's, else numpy's)", sep="-"
        )
        for line in lines:
            terminalreporter.write_line(line)
