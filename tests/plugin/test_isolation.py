"""Cases in children: second attempts, what is left behind, limits and modes."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import OutsideDriver, RunCts
from tests.outside_drivers import SEGFAULT, driver_source, once

CaseFile = Callable[[str], Path]


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
    assert sorted(run.in_order) == ["flaky", "pass", "pass"]
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
    assert run.in_order == ["pass", "crash", "pass"]
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
    assert run.in_order == ["pass", "crash", "blocked"]
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
    assert run.in_order == ["crash", "crash", "blocked", "blocked"]
    assert "4 crashes and time-outs, the last of them in area/test_it::test_dies[1]" in run.text


def test_a_case_that_the_child_has_not_collected_is_no_fault_of_the_drivers(
    cts: RunCts, case_file: CaseFile, outside_driver: OutsideDriver, pytester: pytest.Pytester
) -> None:
    outside_driver(driver_source())
    pytester.makeconftest("""
        def pytest_collection_modifyitems(config, items):
            if hasattr(config, "workerinput"):
                del items[1]
    """)
    run = cts("--driver=outside", case_file(QUERY))
    assert run.in_order == ["pass", "error", "pass"]
    assert run.cases[1].message == "the process that was to run it has not collected it"


# -- what is left behind ----------------------------------------------------------------

LEAKS = {
    "live OutsideDevice": "kept.append(new_device()); new_device.forget(kept[-1])",
    "descriptors": "kept.append(os.open('/dev/null', os.O_RDONLY))",
    "threads": "threading.Thread(target=time.sleep, args=(60,), daemon=True).start()",
    "environment variable OF_THE_CASE": "os.environ['OF_THE_CASE'] = '1'",
    "handler of SIGTERM": "signal.signal(signal.SIGTERM, lambda *_: None)",
    "handler of SIGSEGV": "ctypes.CDLL(None).signal(signal.SIGSEGV, ctypes.c_void_p(1))",
    "working folder": "os.chdir('/')",
}


@pytest.mark.parametrize("what", LEAKS)
def test_what_is_left_each_time_fails_the_case(
    cts: RunCts, case_file: CaseFile, outside_driver: OutsideDriver, what: str
) -> None:
    outside_driver(driver_source())
    source = f"""
    import ctypes, os, signal, threading, time
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
    assert run.in_order == ["pass", "fail"], run.text
    assert run.cases[1].message.startswith("each time that it runs it leaves something behind: ")
    assert what in run.cases[1].message
    assert run.ret == 1


@pytest.mark.parametrize("isolate", ["auto", "case"])
def test_what_a_first_use_leaves_fails_no_case(
    cts: RunCts, case_file: CaseFile, outside_driver: OutsideDriver, isolate: str
) -> None:
    """A pool of threads that comes with the first device, in each child anew."""
    pool = "threading.Thread(target=time.sleep, args=(60,), daemon=True).start()"
    create_device = f"if alive == 0:\n    import threading\n    {pool}"
    outside_driver(driver_source(create_device=create_device))
    source = """
    @pytest.mark.spec("STB-2")
    @pytest.mark.parametrize("n", range(3))
    def test_group(device_group, n):
        device_group.device_at(0).query_capabilities()
"""
    run = cts("--driver=outside", f"--isolate={isolate}", case_file(source))
    assert run.in_order == ["pass"] * 3, run.text
    assert run.ret == 0


def test_a_crash_after_it_is_still_explained(
    cts: RunCts, case_file: CaseFile, outside_driver: OutsideDriver
) -> None:
    """C takes the handler that prints the stacks away in one case: the next one has it again."""
    outside_driver(driver_source())
    source = """
    import ctypes, os, signal

    @pytest.mark.spec("STB-2")
    def test_takes(new_device):
        new_device().query_capabilities()
        ctypes.CDLL(None).signal(signal.SIGSEGV, ctypes.c_void_p(0))

    @pytest.mark.spec("STB-2")
    def test_crashes(new_device):
        new_device().query_capabilities()
        ctypes.string_at(0)
"""
    run = cts("--driver=outside", case_file(source))
    assert run.in_order == ["fail", "crash"]
    deaths = [attempt.death for attempt in run.cases[1].attempts]
    assert all(death is not None and "test_it.py" in death.stack for death in deaths)


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
    assert run.in_order == ["pass", "timeout"]
    assert "no end within 1 s in call" in run.cases[1].message
    death = run.cases[1].attempts[0].death
    assert death is not None
    assert "test_it.py" in death.stack


def test_a_search_may_take_longer(
    cts: RunCts, case_file: CaseFile, outside_driver: OutsideDriver
) -> None:
    outside_driver(driver_source())
    source = """
    import time
    @pytest.mark.spec("STB-2")
    def test_it(hal_search, new_device):
        new_device().query_capabilities()
        time.sleep(2)
"""
    cases = case_file(source)
    assert cts("--driver=outside", "--hal-timeout=1", "--search", cases).in_order == ["pass"]
    assert cts("--driver=outside", "--hal-timeout=1", cases).in_order == ["timeout"]


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
    assert run.in_order == ["pass"] * 3
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
    assert run.in_order == ["pass"] * 3
    assert (pytester.path / "pids").read_text().count("here") == 3
