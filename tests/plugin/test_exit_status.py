"""The exit status of a run, row by row of the table in the README."""

from __future__ import annotations

import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from tests.conftest import OutsideDriver, RunCts, start_session
from tests.outside_drivers import HANG, PASSING_CASE, UNAVAILABLE, driver_source

CaseFile = Callable[[str], Path]

UNSUPPORTED_CASE = """
    @pytest.mark.spec("GRP-9")
    @pytest.mark.needs("queue_fill")
    def test_work(new_device):
        pass
"""
FAILING_CASE = """
    @pytest.mark.spec("GRP-9")
    def test_fails(new_device):
        assert new_device().query_capabilities() is None
"""
PLAIN_TEST = """
    def test_plain():
        pass
"""
NO_CASE = "x = 1"


@dataclass(frozen=True)
class Row:
    """One session, and what its exit status is to be."""

    status: int
    source: str
    options: str = "--driver=outside"
    unproven: bool = False
    """Whether it is said that nothing was proven of the driver."""


ROWS = {
    "all passed": Row(0, PASSING_CASE + UNSUPPORTED_CASE + PLAIN_TEST),
    "the failing case is deselected": Row(
        0, PASSING_CASE + FAILING_CASE, "--driver=outside -k group"
    ),
    "collected only": Row(0, FAILING_CASE, "--driver=outside --collect-only"),
    "a case failed": Row(1, PASSING_CASE + FAILING_CASE),
    "another driver is broken": Row(1, PASSING_CASE, "--driver=outside,broken"),
    "broken, not probed": Row(1, PASSING_CASE, "--driver=broken --hal-probe=off"),
    "no case applied": Row(1, UNSUPPORTED_CASE, unproven=True),
    "no test was a case": Row(1, PLAIN_TEST, unproven=True),
    "no test at all": Row(1, NO_CASE, unproven=True),
    "every case is deselected": Row(1, PASSING_CASE, "--driver=outside -k nothing", unproven=True),
    "no test at all, no driver named": Row(5, NO_CASE, "--device=outside/0"),
    "a file that cannot be collected": Row(2, "1 / 0"),
    "unknown driver": Row(4, PASSING_CASE, "--driver=outside,nobody"),
    "absent driver": Row(4, PASSING_CASE, "--driver=outside,absent"),
    "unknown option": Row(4, PASSING_CASE, "--driver=outside --hal-no-such-option"),
}


@pytest.mark.parametrize("row", ROWS.values(), ids=list(ROWS))
def test_status(cts: RunCts, case_file: CaseFile, outside_driver: OutsideDriver, row: Row) -> None:
    """Where pytest itself has a status of its own, such as no test at all, that one stays."""
    outside_driver(driver_source())
    outside_driver(driver_source("broken", construct="raise RuntimeError('no')"), "broken")
    outside_driver(driver_source("absent", available=UNAVAILABLE), "absent")
    run = cts(*row.options.split(), case_file(row.source))
    assert run.ret == row.status
    assert ("outside: nothing was proven: no case passed" in run.text) == row.unproven
    if row.status in (2, 4, 5):
        assert run.cases == []


def interrupt(folder: Path, *options: str, when: Path) -> tuple[int, str]:
    """Starts a session, and presses Ctrl-C once a file is there; its status and output."""
    session = start_session(folder, *options, until=when)
    session.send_signal(signal.SIGINT)
    output, _ = session.communicate(timeout=60)
    return session.returncode, output


def test_ctrl_c_in_a_case(
    pytester: pytest.Pytester, case_file: CaseFile, outside_driver: OutsideDriver
) -> None:
    """What was proven until then is on disk."""
    outside_driver(driver_source())
    waiting = """
    @pytest.mark.spec("GRP-9")
    def test_waits(new_device):
        import time
        open("waiting", "w").close()
        time.sleep(600)
"""
    case_file(PASSING_CASE + waiting)
    status, output = interrupt(pytester.path, "--driver=outside", when=pytester.path / "waiting")
    assert status == 2
    assert "nothing was proven" not in output
    lines = (pytester.path / "out" / "results.jsonl").read_text().splitlines()
    assert sum('"record":"case"' in line for line in lines) == 1
    assert '"outcome":"pass"' in "".join(lines)


def test_ctrl_c_in_a_probe(
    pytester: pytest.Pytester, case_file: CaseFile, outside_driver: OutsideDriver
) -> None:
    """Nobody waits for the other probes, and nothing of them is left."""
    mark = "open('probed', 'w').write(str(os.getpid())); "
    outside_driver(driver_source("hangs", construct=mark + HANG), "hangs")
    outside_driver(driver_source("too", construct=HANG), "too")
    case_file(PASSING_CASE)
    status, _ = interrupt(
        *(pytester.path, "--driver=hangs,too", "--hal-probe-timeout=600"),
        when=pytester.path / "probed",
    )
    assert status == 2
    pid = int((pytester.path / "probed").read_text())
    assert not psutil.pid_exists(pid)
