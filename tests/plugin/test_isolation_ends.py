"""However a run ends: no process outlives it, and what was proven is on disk."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from cts.results import read_cases
from tests.conftest import OutsideDriver, RunCts, start_session, still_running
from tests.outside_drivers import HANG, PASSING_CASE, driver_source, once

CaseFile = Callable[[str], Path]


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
    session = start_session(pytester.path, "--driver=outside", until=pytester.path / "waiting")
    pids = [int(word) for word in (pytester.path / "waiting").read_text().split()]
    session.send_signal(number)
    session.communicate(timeout=60)
    assert session.returncode == (2 if number is signal.SIGINT else -number)
    assert still_running(pids) == []
    cases = read_cases(pytester.path / "out" / "results.jsonl")
    assert [case.outcome for case in cases] == ["pass"]


def test_ctrl_c_while_a_child_collects_blames_nobody(
    pytester: pytest.Pytester, case_file: CaseFile, outside_driver: OutsideDriver
) -> None:
    """No case has a verdict, no second child is begun, and no process is left."""
    outside_driver(driver_source())
    case_file(PASSING_CASE)
    pytester.makeconftest("""
        import os, time
        def pytest_sessionstart(session):
            if hasattr(session.config, "workerinput"):
                with open("collecting", "a") as file:
                    print(os.getpid(), file=file)
                time.sleep(600)
    """)
    folder = pytester.path
    session = start_session(folder, "--driver=outside", until=folder / "collecting")
    session.send_signal(signal.SIGINT)
    session.communicate(timeout=60)
    assert session.returncode == 2
    pids = [int(line) for line in (folder / "collecting").read_text().splitlines()]
    assert len(pids) == 1
    assert still_running(pids) == []
    assert read_cases(folder / "out" / "results.jsonl") == []


def test_a_session_that_stops_early_runs_no_more_cases(
    cts: RunCts, case_file: CaseFile, outside_driver: OutsideDriver, pytester: pytest.Pytester
) -> None:
    """Somebody's plugin ends the session at its first report: a lane that runs ahead stops too."""
    outside_driver(driver_source())
    pytester.makeconftest("""
        import pytest
        @pytest.hookimpl
        def pytest_runtest_logfinish(nodeid):
            stopped.shouldfail = "enough"
        def pytest_sessionstart(session):
            global stopped
            stopped = session
    """)
    source = """
    import time
    @pytest.mark.spec("STB-2")
    @pytest.mark.parametrize("n", range(20))
    def test_it(new_device, n):
        new_device().query_capabilities()
        time.sleep(0.2)
"""
    run = cts("--driver=outside", case_file(source))
    assert 1 <= len(run.cases) < 10
    assert "enough" in run.text


@pytest.mark.parametrize("mode", ["auto", "off"])
def test_a_verdict_is_on_disk_before_the_tear_down(
    pytester: pytest.Pytester, case_file: CaseFile, outside_driver: OutsideDriver, mode: str
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
    session = start_session(
        pytester.path, "--driver=outside", f"--isolate={mode}", until=pytester.path / "waiting"
    )
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
