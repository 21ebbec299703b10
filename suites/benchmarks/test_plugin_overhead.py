"""What the plugin adds to a session: empty cases with it, beside as many tests of the same shape
without: parametrised by a session's fixture, through a fixture of their own.

Then what it takes to record one verdict.

No verdict: pytest-benchmark prints both, one under the other. A session is a process of its own, so
its start is in all of them; the sessions of one case tell how much that is.
"""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cts.plugin.options import Options
from cts.plugin.recording import Recorder
from cts.plugin.session_results import SessionResults

COUNTS = (1, 2000)

BARE = """
import pytest

@pytest.fixture(scope="session", params=["null"])
def driver(request):
    return request.param

@pytest.fixture
def group(driver):
    return driver

@pytest.mark.parametrize("n", range({count}))
def test_nothing(group, n):
    pass
"""

CASES = """
import pytest

@pytest.mark.spec("GRP-7")
@pytest.mark.parametrize("n", range({count}))
def test_nothing(device_group, n):
    pass
"""

WITHOUT_PLUGIN = ("-p", "no:hal-cts", "-p", "no:hal-cts-reports")


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("how", ["without the plugin", "with it, one driver"])
@pytest.mark.benchmark(group="a session of so many empty cases, in one process")
def test_run_empty_cases(benchmark: Any, tmp_path: Path, how: str, count: int) -> None:
    """Runs a whole session, its start included."""
    bare = how.startswith("without")
    file = tmp_path / "test_empty.py"
    file.write_text((BARE if bare else CASES).format(count=count))
    options = WITHOUT_PLUGIN if bare else ("--hal-driver=null", "--hal-probe=off", "--isolate=off")

    def run() -> None:
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options, str(file)],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert f"{count} passed" in done.stdout, done.stdout[-2000:]

    benchmark.pedantic(run, rounds=5, warmup_rounds=1)


def passed(number: int) -> list[pytest.TestReport]:
    """What pytest reports of a case that passed, with its verdict."""
    verdict: dict[str, Any] = {
        "driver": "acme",
        "case": f"area/test_file::test_case[{number}]",
        "requirements": ["GRP-7"],
        "outcome": "pass",
        "message": "",
        "code": "",
        "reproduce": f"pytest --driver=acme 'area/test_file.py::test_case[acme-{number}]'",
    }
    reports = []
    for when in ("setup", "call"):
        report = pytest.TestReport(f"test_case[{number}]", ("", 1, ""), {}, "passed", None, when)
        report.hal_cts = verdict  # type: ignore[attr-defined]
        reports.append(report)
    return reports


@pytest.fixture
def recorder(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Recorder]:
    """Writes to a folder of its own."""
    options = dataclasses.replace(Options.of(request.config), results=tmp_path)
    results = SessionResults(request.config, options, lambda: [], is_kept=True, scratch=None)
    yield Recorder(SimpleNamespace(is_worker=False, results=results))  # type: ignore[arg-type]
    results.close()


@pytest.mark.benchmark(group="recording of one case")
def test_record_a_verdict(benchmark: Any, recorder: Recorder) -> None:
    """From the reports to the line in the file."""
    numbers = count()
    benchmark.pedantic(
        recorder.record, setup=lambda: ((passed(next(numbers)),), {}), rounds=5000, warmup_rounds=50
    )
