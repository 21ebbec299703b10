"""What the plugin adds to a session: 2,000 empty cases with it, beside as many empty tests without.

No verdict: pytest-benchmark prints both, one under the other; a session is a process of its own, so
its start is in both. The difference over 2,000 is what a case costs.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

COUNT = 2000

BARE = f"""
import pytest

@pytest.mark.parametrize("n", range({COUNT}))
def test_nothing(n):
    pass
"""

CASES = f"""
import pytest

@pytest.mark.spec("GRP-7")
@pytest.mark.parametrize("n", range({COUNT}))
def test_nothing(device_group, n):
    pass
"""

WITHOUT_PLUGIN = ("-p", "no:hal-cts", "-p", "no:hal-cts-reports")


@pytest.mark.parametrize("how", ["without the plugin", "with it, one driver"])
@pytest.mark.benchmark(group=f"a session of {COUNT} empty cases")
def test_run_empty_cases(benchmark: Any, tmp_path: Path, how: str) -> None:
    """Runs a whole session, its start included."""
    bare = how.startswith("without")
    file = tmp_path / "test_empty.py"
    file.write_text(BARE if bare else CASES)
    options = WITHOUT_PLUGIN if bare else ("--hal-driver=null", "--hal-probe=off", "--isolate=off")

    def run() -> None:
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options, str(file)],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert f"{COUNT} passed" in done.stdout, done.stdout[-2000:]

    benchmark.pedantic(run, rounds=5, warmup_rounds=1)
