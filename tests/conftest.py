"""What tests of the plugin share: sessions of pytest, and drivers, in a folder of their own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import psutil
import pytest

from cts.results import CaseRecord, DriverRecord, Record, RunRecord, read, read_cases
from tests.outside_drivers import install_package
from tests.standin import StandIn, build

RunCts = Callable[..., "CtsRun"]
OutsideDriver = Callable[..., str]

MUTATION_SCORE = pytest.StashKey[str]()
"""What `hal-cts mutants` printed, where a test has run it."""
SUMMARY_LINES = 3


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Prints the mutation score, and in CI each mutant's verdict."""
    lines = config.stash.get(MUTATION_SCORE, "").splitlines()
    for line in lines if "CI" in os.environ else lines[-SUMMARY_LINES:]:
        terminalreporter.write_line(line.rstrip())


class CtsRun:
    """A finished session of pytest in a process of its own.

    Attributes
    ----------
    ret : its exit status.
    text : what it printed, both streams.
    """

    def __init__(self, result: pytest.RunResult, results: Path) -> None:
        self.result = result
        self.ret = int(result.ret)
        self.text = result.stdout.str() + result.stderr.str()
        path = results / "results.jsonl"
        self.records: list[Record] = list(read(path)) if path.is_file() else []
        self.cases: list[CaseRecord] = read_cases(path) if path.is_file() else []
        """The verdicts on disk, in order."""

    @property
    def in_order(self) -> list[str]:
        """The outcomes, in the order of the verdicts."""
        return [case.outcome for case in self.cases]

    @property
    def run(self) -> RunRecord:
        """The run's own record, as it was at its end."""
        return [record for record in self.records if isinstance(record, RunRecord)][-1]

    def driver(self, name: str) -> DriverRecord:
        """The last record of a driver."""
        found = [r for r in self.records if isinstance(r, DriverRecord) and r.driver == name]
        return found[-1]

    def outcomes(self, driver: str | None = None) -> dict[str, str]:
        """Outcome by case id."""
        return {c.case: c.outcome for c in self.cases if driver in (None, c.driver)}


def still_running(pids: Iterable[int], patience: float = 5.0) -> list[int]:
    """Which of these processes run on, once the killed ones have had the time to be gone."""
    deadline = time.monotonic() + patience
    while (left := [pid for pid in pids if _is_running(pid)]) and time.monotonic() < deadline:
        time.sleep(0.02)
    return left


def _is_running(pid: int) -> bool:
    """Whether a process is there, and not one that nobody has asked about after its end."""
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def start_session(folder: Path, *options: str, until: Path) -> subprocess.Popen[str]:
    """Starts a session with results in ``out``, and waits for a file to be there, or for its end.

    It heeds Ctrl-C, also where whoever runs these tests does not.
    """
    session = subprocess.Popen(
        [sys.executable, "-m", "pytest", "--results=out", *options],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    while not until.exists() and session.poll() is None:
        time.sleep(0.02)
    return session


@pytest.fixture(scope="session")
def stand_in(tmp_path_factory: pytest.TempPathFactory) -> StandIn:
    """Libraries with the names of vendors', over the host's memory."""
    return build(tmp_path_factory.mktemp("standin"))


@pytest.fixture
def cts(pytester: pytest.Pytester) -> RunCts:
    """Runs pytest with arguments in a folder of its own, with results in ``out``."""

    def run(*args: str | Path) -> CtsRun:
        results = pytester.path / "out"
        result = pytester.runpytest_subprocess(f"--results={results}", "-p", "no:randomly", *args)
        return CtsRun(result, results)

    return run


@pytest.fixture
def case_file(pytester: pytest.Pytester) -> Callable[[str], Path]:
    """Writes cases to ``area/test_it.py``."""

    def write(source: str) -> Path:
        path = pytester.path / "area" / "test_it.py"
        path.parent.mkdir(exist_ok=True)
        header = "import pytest\nfrom cts.checks import *\nfrom cts.hal import *\n"
        path.write_text(header + textwrap.dedent(source))
        return path

    return write


@pytest.fixture
def outside_driver(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> OutsideDriver:
    """Installs a driver as another package would: a module and an entry point of its own."""

    def install(source: str, name: str = "outside", attribute: str = "OutsideDriver") -> str:
        module = f"{name.replace('-', '_')}_driver"
        points = f"[cts.drivers]\n{name} = {module}:{attribute}\n"
        install_package(pytester.path, module, source, points)
        monkeypatch.setenv("PYTHONPATH", str(pytester.path))
        return name

    return install
