"""However a run ends: no process outlives it, and what was proven is on disk."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from cts.results import read_cases
from tests.conftest import OutsideDriver, RunCts, still_running

from .outside_drivers import HANG, PASSING_CASE, driver_source, once
from .test_exit_status import heed_ctrl_c

CaseFile = Callable[[str], Path]


def start(folder: Path, *options: str) -> subprocess.Popen[str]:
    """Starts a session whose case hangs, and waits until it does."""
    command = [sys.executable, "-m", "pytest", "--results=out", "--driver=outside", *options]
    session = subprocess.Popen(
        command,
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=heed_ctrl_c,
    )
    while not (folder / "waiting").exists() and session.poll() is None:
        time.sleep(0.02)
    return session


HANGING_CASE = """
    import os
    @pytest.mark.spec("GRP-9")
    def test_waits(new_device):
        with open("waiting.tmp", "w") as file:
            file.write(f"{os.getpid()} {os.getppid()}")
        os.rename("waiting.tmp", "waiting")
        new_device().query_capabilities()
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL], ids=["Ctrl-C", "kill -9"])
def test_no_process_outlives_the_run(
    pytester: pytest.Pytester,
    case_file: CaseFile,
    outside_driver: OutsideDriver,
    number: signal.Signals,
) -> None:
    """What was proven is on disk, whatever the driver is doing when the run ends."""
    outside_driver(driver_source(query_capabilities=f"if os.path.exists('waiting'): {HANG}"))
    case_file(PASSING_CASE + HANGING_CASE)
    session = start(pytester.path)
    pids = [int(word) for word in (pytester.path / "waiting").read_text().split()]
    session.send_signal(number)
    session.communicate(timeout=60)
    assert session.returncode == (2 if number is signal.SIGINT else -number)
    assert still_running(pids) == []
    cases = read_cases(pytester.path / "out" / "results.jsonl")
    assert [case.outcome for case in cases] == ["pass"]


def test_a_verdict_is_on_disk_before_the_tear_down(
    pytester: pytest.Pytester, case_file: CaseFile, outside_driver: OutsideDriver
) -> None:
    outside_driver(driver_source())
    case_file("""
    import os, time

    @pytest.fixture
    def slow_to_end():
        yield
        open("waiting", "w").close()
        time.sleep(600)

    @pytest.mark.spec("GRP-9")
    def test_it(new_device, slow_to_end):
        new_device().query_capabilities()
""")
    session = start(pytester.path)
    session.kill()
    session.communicate(timeout=60)
    (case,) = read_cases(pytester.path / "out" / "results.jsonl")
    assert case.outcome == "pass"


def test_no_driver_code_runs_in_the_process_that_reports(
    cts: RunCts, case_file: CaseFile, outside_driver: OutsideDriver, pytester: pytest.Pytester
) -> None:
    outside_driver(driver_source(import_="print(os.getpid(), file=open('imported', 'a'))"))
    pytester.makeconftest("""
        import os
        def pytest_sessionstart(session):
            if not hasattr(session.config, "workerinput"):
                print(os.getpid(), file=open("reports", "a"))
    """)
    run = cts("--driver=outside", case_file(PASSING_CASE))
    assert run.in_order == ["pass"]
    (reports,) = (pytester.path / "reports").read_text().split()
    imported = (pytester.path / "imported").read_text().split()
    assert len(imported) == 2  # the probe, and the child
    assert reports not in imported


def test_what_a_driver_started_ends_with_it(
    cts: RunCts, case_file: CaseFile, outside_driver: OutsideDriver, pytester: pytest.Pytester
) -> None:
    daemon = "os.fork() or (open('daemon', 'w').write(str(os.getpid())), time.sleep(600))"
    outside_driver(driver_source(query_capabilities=once(daemon, "forked")))
    run = cts("--driver=outside", "--hal-probe=off", case_file(PASSING_CASE))
    assert len(run.cases) == 1
    assert still_running([int((pytester.path / "daemon").read_text())]) == []
