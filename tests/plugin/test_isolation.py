"""Cases in children: second attempts, leaks, limits, and what pytest itself goes on doing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from cts.results import read_cases
from tests.conftest import CtsRun, OutsideDriver, RunCts

from .outside_drivers import HANG, PASSING_CASE, SEGFAULT, driver_source

CaseFile = Callable[[str], Path]


def once(fault: str, name: str) -> str:
    """Code that does something the first time only, over all processes."""
    return f"if not os.path.exists({name!r}):\n    open({name!r}, 'w').close()\n    {fault}"


QUERY = """
    @pytest.mark.spec("STB-2")
    @pytest.mark.parametrize("n", range(3))
    def test_query(new_device, n):
        device = new_device()
        if n == 1:
            open("armed", "w").close()
            device.refine_topology_edge(device, SELF_EDGE)
        device.query_capabilities()
"""


def outcomes_of(run: CtsRun) -> list[str]:
    """Outcomes in the order of the cases."""
    return [case.outcome for case in run.cases]


def is_running(pid: int) -> bool:
    """Whether a process is there, and not one that nobody has asked about after its end."""
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


# -- second attempts --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "message"),
    [("raise KeyError(1)", "KeyError: 1"), (SEGFAULT, "killed by SIGSEGV in call")],
    ids=["fails", "crashes"],
)
def test_what_goes_well_the_second_time_is_flaky(
    cts: RunCts, case_file: CaseFile, outside_driver: OutsideDriver, fault: str, message: str
) -> None:
    armed = once(fault, "did-it").replace("if ", "if os.path.exists('armed') and ")
    outside_driver(driver_source(refine_topology_edge=armed))
    run = cts("--driver=outside", case_file(QUERY))
    assert sorted(outcomes_of(run)) == ["flaky", "pass", "pass"]
    (flaky,) = (case for case in run.cases if case.outcome == "flaky")
    assert message in flaky.message
    assert [attempt.outcome for attempt in flaky.attempts][1] == "pass"
    assert run.ret == 1


def test_a_crash_has_all_that_is_known_of_it(
    cts: RunCts, case_file: CaseFile, outside_driver: OutsideDriver
) -> None:
    fault = f"if os.path.exists('armed'): print('last words'); {SEGFAULT}"
    outside_driver(driver_source(refine_topology_edge=fault))
    run = cts("--driver=outside", case_file(QUERY))
    assert outcomes_of(run) == ["pass", "crash", "pass"]
    case = run.cases[1]
    assert case.message.startswith(
        "killed by SIGSEGV in call, last slot entered: refine_topology_edge"
    )
    assert [attempt.outcome for attempt in case.attempts] == ["crash", "crash"]
    death = case.attempts[0].death
    assert death is not None
    assert death.exit_status == -signal.SIGSEGV
    assert death.after == "area/test_it::test_query[0]"
    assert "outside_driver.py" in death.stack
    assert death.output["stdout"] == "last words\n"
    assert "area/test_it.py .C. " in run.text
    assert "--worker-wrapper=gdb -ex run --args" in run.text
    assert "outside: 2 passed, 1 failed, 0 unsupported, 0 blocked" in run.text


def test_a_crash_is_a_case_like_any_other_under_xdist(
    cts: RunCts, case_file: CaseFile, outside_driver: OutsideDriver
) -> None:
    """It is in the results and in the counts, and no worker of xdist dies of it."""
    fault = f"if os.path.exists('armed'): {SEGFAULT}"
    outside_driver(driver_source(refine_topology_edge=fault))
    run = cts("--driver=outside", "-n2", case_file(QUERY))
    assert run.outcomes() == {
        "area/test_it::test_query[0]": "pass",
        "area/test_it::test_query[1]": "crash",
        "area/test_it::test_query[2]": "pass",
    }
    assert "outside: 2 passed, 1 failed, 0 unsupported, 0 blocked" in run.text
    assert "crashed while running" not in run.text


def test_a_driver_that_does_not_work_any_more_is_given_up(
    cts: RunCts, case_file: CaseFile, outside_driver: OutsideDriver
) -> None:
    """The canary finds it out, and the cases that follow are blocked by that one line."""
    broken = "if os.path.exists('broken'): raise OSError('the card is gone')"
    dies = f"if os.path.exists('armed'): open('broken', 'w'); {SEGFAULT}"
    outside_driver(driver_source(create_device=broken, refine_topology_edge=dies))
    run = cts("--driver=outside", case_file(QUERY))
    assert outcomes_of(run) == ["pass", "crash", "blocked"]
    assert "the driver does not work any more after area/test_it::test_query[1]: " in run.text
    assert "the card is gone" in run.cases[2].message


def test_after_so_many_crashes_it_is_given_up(
    cts: RunCts, case_file: CaseFile, outside_driver: OutsideDriver
) -> None:
    outside_driver(driver_source())
    crash = """
    import os, signal
    @pytest.mark.spec("STB-2")
    @pytest.mark.parametrize("n", range(4))
    def test_dies(new_device, n):
        new_device().query_capabilities()
        os.kill(os.getpid(), signal.SIGSEGV)
"""
    run = cts("--driver=outside", "--max-crashes=4", case_file(crash))
    assert outcomes_of(run) == ["crash", "crash", "blocked", "blocked"]
    assert "4 crashes and time-outs, the last of them in area/test_it::test_dies[1]" in run.text


# -- what is left behind ----------------------------------------------------------------

LEAKS = {
    "live OutsideDevice": "kept.append(new_device()); new_device.forget(kept[-1])",
    "descriptors": "kept.append(os.open('/dev/null', os.O_RDONLY))",
    "threads": "threading.Thread(target=time.sleep, args=(60,), daemon=True).start()",
    "environment variable OF_THE_CASE": "os.environ['OF_THE_CASE'] = '1'",
    "handler of SIGTERM": "signal.signal(signal.SIGTERM, lambda *_: None)",
    "working folder": "os.chdir('/')",
}


@pytest.mark.parametrize("what", LEAKS)
def test_what_is_left_each_time_fails_the_case(
    cts: RunCts, case_file: CaseFile, outside_driver: OutsideDriver, what: str
) -> None:
    outside_driver(driver_source())
    source = f"""
    import os, signal, threading, time
    kept = []

    @pytest.mark.spec("STB-2")
    @pytest.mark.parametrize("always", [False, True])
    def test_leaves(new_device, device_group, always):
        new_device().query_capabilities()
        if always or not kept:
            kept.append(None)
            {LEAKS[what]}
"""
    run = cts("--driver=outside", case_file(source))
    assert outcomes_of(run) == ["pass", "fail"], run.text
    assert run.cases[1].message.startswith("each time that it runs it leaves something behind: ")
    assert what in run.cases[1].message
    assert run.ret == 1


# -- limits, modes ----------------------------------------------------------------------


def test_the_mark_goes_before_the_option(
    cts: RunCts, case_file: CaseFile, outside_driver: OutsideDriver
) -> None:
    outside_driver(driver_source())
    source = """
    import time
    @pytest.mark.spec("STB-2")
    @pytest.mark.timeout(60)
    def test_a(new_device):
        time.sleep(2)
        new_device().query_capabilities()

    @pytest.mark.spec("STB-2")
    def test_b(new_device):
        new_device().query_capabilities()
        time.sleep(60)
"""
    run = cts("--driver=outside", "--hal-timeout=1", case_file(source))
    assert outcomes_of(run) == ["pass", "timeout"]
    assert "no end within 1 s in call" in run.cases[1].message
    death = run.cases[1].attempts[0].death
    assert death is not None
    assert "test_it.py" in death.stack


PROCESSES = """
    import os
    @pytest.mark.spec("STB-2")
    @pytest.mark.parametrize("n", range(3))
    def test_it(new_device, n):
        new_device().query_capabilities()
        with open("pids", "a") as file:
            print(os.getpid(), os.getppid(), file=file)
"""


@pytest.mark.parametrize(("mode", "count"), [("auto", 1), ("case", 3), ("off", 1)])
def test_the_mode_says_in_which_process_a_case_runs(
    cts: RunCts,
    case_file: CaseFile,
    outside_driver: OutsideDriver,
    pytester: pytest.Pytester,
    mode: str,
    count: int,
) -> None:
    outside_driver(driver_source())
    run = cts("--driver=outside", f"--isolate={mode}", case_file(PROCESSES))
    assert outcomes_of(run) == ["pass"] * 3
    assert run.driver("outside").groups_built == 0
    pids = (pytester.path / "pids").read_text().splitlines()
    assert len(set(pids)) == count


def test_a_wrapper_starts_the_children(
    cts: RunCts, case_file: CaseFile, outside_driver: OutsideDriver, pytester: pytest.Pytester
) -> None:
    outside_driver(driver_source())
    wrapper = "env OF_THE_WRAPPER=here"
    source = PROCESSES.replace("os.getpid()", "os.environ['OF_THE_WRAPPER']")
    run = cts("--driver=outside", f"--worker-wrapper={wrapper}", case_file(source))
    assert outcomes_of(run) == ["pass"] * 3
    assert (pytester.path / "pids").read_text().count("here") == 3


# -- the end ----------------------------------------------------------------------------


def start(folder: Path, *options: str) -> subprocess.Popen[str]:
    """Starts a session whose case hangs, and waits until it does."""
    command = [sys.executable, "-m", "pytest", "--results=out", "--driver=outside", *options]
    session = subprocess.Popen(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
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
    for _ in range(250):
        if not any(map(is_running, pids)):
            break
        time.sleep(0.02)
    assert [pid for pid in pids if is_running(pid)] == []
    cases = read_cases(pytester.path / "out" / "results.jsonl")
    assert [case.outcome for case in cases] == ["pass"]


def test_what_a_driver_started_ends_with_it(
    cts: RunCts, case_file: CaseFile, outside_driver: OutsideDriver, pytester: pytest.Pytester
) -> None:
    daemon = "os.fork() or (open('daemon', 'w').write(str(os.getpid())), time.sleep(600))"
    outside_driver(driver_source(query_capabilities=once(daemon, "forked")))
    run = cts("--driver=outside", "--hal-probe=off", case_file(PASSING_CASE))
    assert len(run.cases) == 1
    assert not is_running(int((pytester.path / "daemon").read_text()))


# -- pytest's own -----------------------------------------------------------------------

FEATURES = """
    import warnings
    @pytest.mark.spec("STB-2")
    def test_1_passes(new_device, record_property, tmp_path, capfd):
        record_property("seen", "it")
        (tmp_path / "file").write_text("x")
        print("said")
        assert capfd.readouterr().out == "said\\n"
        warnings.warn("mind this", UserWarning)
        new_device().query_capabilities()

    @pytest.mark.spec("STB-2")
    def test_2_fails(new_device):
        print("before it failed")
        assert new_device().query_capabilities() is None

    @pytest.mark.spec("STB-2")
    def test_3_passes(new_device):
        new_device().query_capabilities()

    @pytest.mark.spec("STB-2")
    def test_4_skips(new_device):
        pytest.skip("not today")

    @pytest.mark.spec("STB-2")
    @pytest.mark.xfail
    def test_5_xfails(new_device):
        assert new_device().query_capabilities() is None
"""


@pytest.fixture
def features(case_file: CaseFile, outside_driver: OutsideDriver) -> Path:
    """Cases that use what pytest offers."""
    outside_driver(driver_source())
    return case_file(FEATURES)


def test_captured_output_warnings_and_durations_come_over(cts: RunCts, features: Path) -> None:
    run = cts("--driver=outside", "-rA", "--durations=2", features)
    assert "before it failed" in run.text
    assert "UserWarning: mind this" in run.text
    assert "slowest 2 durations" in run.text
    assert "1 failed, 2 passed, 1 skipped, 1 xfailed, 1 warning" in run.text


def test_junit_has_properties_and_failures(
    cts: RunCts, features: Path, pytester: pytest.Pytester
) -> None:
    cts("--driver=outside", "--junitxml=junit.xml", features)
    suite = ElementTree.parse(pytester.path / "junit.xml").getroot()[0]
    assert suite.attrib["tests"] == "5"
    assert suite.attrib["failures"] == "1"
    assert [p.attrib for p in suite.iter("property")] == [{"name": "seen", "value": "it"}]


def test_x_stops_at_the_failure_and_lf_runs_it_again(cts: RunCts, features: Path) -> None:
    run = cts("--driver=outside", "-x", features)
    assert outcomes_of(run) == ["pass", "fail"]
    assert run.ret == 1
    again = cts("--driver=outside", "--lf", features)
    assert [case.case for case in again.cases][-1] == "area/test_it::test_2_fails"
    assert "run-last-failure: rerun previous 1 failure" in again.text


def test_k_and_collect_only(cts: RunCts, features: Path) -> None:
    run = cts("--driver=outside", "-k", "1 or 3", features)
    assert outcomes_of(run) == ["pass", "pass"]
    assert "5 tests collected" in cts("--driver=outside", "--collect-only", features).text


def test_warnings_as_errors_are_the_childs_too(cts: RunCts, features: Path) -> None:
    run = cts("--driver=outside", "-W", "error", "-k", "1", features)
    assert outcomes_of(run) == ["error"]


def test_a_search_shows_the_smallest_example(
    cts: RunCts, case_file: CaseFile, outside_driver: OutsideDriver
) -> None:
    outside_driver(driver_source())
    source = """
    from hypothesis import given, strategies

    @pytest.mark.spec("STB-2")
    def test_search(hal_search, new_device):
        @hal_search
        @given(strategies.integers())
        def check(number):
            new_device().query_capabilities()
            assert number < 100
        check()
"""
    run = cts("--driver=outside", case_file(source))
    assert outcomes_of(run) == ["fail"]
    assert "number=100" in run.text


def test_s_shows_what_is_printed_as_it_comes(cts: RunCts, features: Path) -> None:
    run = cts("--driver=outside", "-s", "-k", "2", features)
    assert "before it failed" in run.text.partition("= FAILURES =")[0]


def test_the_environment_of_the_run_is_left_alone(cts: RunCts, features: Path) -> None:
    before = dict(os.environ)
    cts("--driver=outside", features)
    assert dict(os.environ) == before
