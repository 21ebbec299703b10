"""What the plugin adds to a session: empty cases with it, beside as many tests of the same shape
without: parametrised by a session's fixture, through a fixture of their own.

No verdict: pytest-benchmark prints both, one under the other. A session is a process of its own, so
its start is in all of them; the sessions of one case tell how much that is.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

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
