"""Under `-n 2` a run is the same: verdicts, matrix, exit status, one results file."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from cts.results import DriverRecord, RunRecord
from tests.conftest import CtsRun, OutsideDriver, RunCts
from tests.outside_drivers import PASSING_CASE, STUB_CASE, driver_source

CaseFile = Callable[[str], Path]

CASES = (
    PASSING_CASE
    + STUB_CASE
    + """
    @pytest.mark.spec("LIF-1")
    @pytest.mark.parametrize("k", range(8))
    def test_group_again(device_group, k):
        assert device_group.device_at(k % 2).topology_info is not None

    @pytest.mark.spec("LIF-2")
    @pytest.mark.needs("queue_fill")
    def test_work(new_device):
        pass

    @pytest.mark.spec("LIF-3")
    def test_fails(new_device):
        expect_equal(new_device().query_capabilities(), 1, "LIF-3", "asking\\ntwice")

    def test_plain():
        pass
"""
)


def verdicts(run: CtsRun) -> list[tuple[str, ...]]:
    """What is known of each case but its duration, sorted."""
    return sorted(
        (case.driver, case.case, case.outcome, case.message, *case.requirements)
        for case in run.cases
    )


def told(run: CtsRun) -> str:
    """What the terminal says of root causes, matrix and counts."""
    causes = re.findall(r"^\S+: .*cases blocked\)$", run.text, re.MULTILINE)
    return "\n".join([*causes, run.text.partition("conformance matrix")[2].partition("=====")[0]])


def test_a_run_of_named_drivers_is_the_same(
    cts: RunCts, case_file: CaseFile, outside_driver: OutsideDriver
) -> None:
    outside_driver(driver_source("sound"), "sound")
    outside_driver(driver_source("faulty", query_capabilities="raise KeyError(1)"), "faulty")
    outside_driver(driver_source("dead", construct="os._exit(1)"), "dead")
    cases = case_file(CASES)
    plain = cts("--driver=sound,faulty,dead", cases)
    spread = cts("--driver=sound,faulty,dead", "-n2", cases)
    assert plain.ret == spread.ret == 1
    assert len(plain.cases) == 36
    assert verdicts(spread) == verdicts(plain)
    header = "hal-cts: drivers: sound, faulty, dead\n"
    assert told(spread).replace(header, "") == told(plain)
    assert len({r.id for r in spread.records if isinstance(r, RunRecord)}) == 1
    assert plain.driver("sound").groups_built == 1
    assert 1 <= spread.driver("sound").groups_built <= 2
    assert spread.driver("faulty").groups_built == 0
    assert spread.driver("sound").topology == plain.driver("sound").topology


def test_with_the_probe_off_the_workers_find_the_faults(
    cts: RunCts, case_file: CaseFile, outside_driver: OutsideDriver
) -> None:
    """One of them may not have had a case of that driver, and knows nothing."""
    outside_driver(driver_source())
    outside_driver(driver_source("faulty", query_capabilities="raise KeyError(1)"), "faulty")
    run = cts("--driver=faulty,outside", "--hal-probe=off", "-n2", case_file(PASSING_CASE))
    assert run.outcomes("faulty") == {"area/test_it::test_group": "blocked"}
    assert run.outcomes("outside") == {"area/test_it::test_group": "pass"}
    assert run.driver("faulty").slot_faults == {"query_capabilities": "KeyError: 1"}
    assert run.driver("outside").slot_faults == {}


def test_without_names_the_workers_find_the_drivers(
    cts: RunCts, case_file: CaseFile, outside_driver: OutsideDriver
) -> None:
    outside_driver(driver_source())
    outside_driver(driver_source("dead", construct="os._exit(1)"), "dead")
    run = cts("-n2", "--device-count=1", case_file(PASSING_CASE + STUB_CASE))
    assert run.ret == 1
    assert set(run.outcomes("outside").values()) == {"pass"}
    assert set(run.outcomes("dead").values()) == {"blocked"}
    assert run.text.count("dead: construct: exited with status 1 (2 cases blocked)") == 1
    assert run.text.count("hal-cts: not here: mock: by name only") == 1
    assert "conformance matrix" in run.text
    assert run.driver("outside").status == "available"
    assert len({r.id for r in run.records if isinstance(r, RunRecord)}) == 1
    names = [record.driver for record in run.records if isinstance(record, DriverRecord)]
    assert len(names) == len(set(names))


def test_a_fault_at_the_end_of_a_worker_is_not_lost(
    cts: RunCts, case_file: CaseFile, outside_driver: OutsideDriver
) -> None:
    """Nor in a run of one process; the other driver's records are written all the same."""
    late = "if 'pytest' in sys.modules: raise RuntimeError('cannot close')"
    outside_driver(driver_source("late", close=late), "late")
    outside_driver(driver_source("sound"), "sound")
    cases = case_file(PASSING_CASE)
    for workers in (0, 2):
        run = cts("--driver=late,sound", f"-n{workers}", cases)
        assert run.ret == 1
        assert {case.outcome for case in run.cases} == {"pass"}
        assert run.text.count("late: at the end: RuntimeError('cannot close')\n") == 1
        assert run.driver("late").exit_fault == "RuntimeError('cannot close')"
        assert run.driver("sound").groups_built == 1
        assert "Traceback" not in run.text
