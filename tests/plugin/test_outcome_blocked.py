"""A case that could not run because something that it needs is broken: one root cause is named."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.conftest import OutsideDriver, RunCts
from tests.outside_drivers import PASSING_CASE, STUB_CASE, driver_source

CASES = (
    PASSING_CASE
    + STUB_CASE
    + """
    @pytest.mark.spec("STB-1")
    @pytest.mark.stub("identifier")
    def test_other_stub(new_device):
        assert new_device().identifier

    @pytest.mark.spec("STB-1")
    @pytest.mark.stub("allocator")
    @pytest.mark.needs("allocator")
    def test_work_stub(new_device):
        new_device().allocator

    @pytest.mark.spec("GRP-9")
    @pytest.mark.needs("allocator", "queue_fill")
    def test_work(new_device):
        raise AssertionError

    @pytest.mark.spec("GRP-9")
    def test_gives_up(hal_driver):
        raise Blocked("the weather")
"""
)


def test_blocked(
    cts: RunCts, case_file: Callable[[str], Path], outside_driver: OutsideDriver
) -> None:
    """A core slot blocks all but its own stub case, a work slot those that call it."""
    outside_driver(driver_source("core", query_capabilities="assert 0, 'not\\nyet'"), "core")
    outside_driver(driver_source("work", properties=""), "work")
    run = cts("--driver=core,work", "-v", case_file(CASES))
    assert run.ret == 1
    core = [case for case in run.cases if case.driver == "core"]
    assert [case.outcome for case in core] == [
        *("blocked", "fail", "blocked", "blocked", "blocked", "blocked")
    ]
    cause = "query_capabilities: AssertionError: not yet"
    blocked = [case for case in core if case.outcome == "blocked"]
    assert {(case.message, case.blocked_by) for case in blocked} == {(cause, "query_capabilities")}
    work = [case for case in run.cases if case.driver == "work"]
    assert [case.outcome for case in work] == [
        *("pass", "pass", "pass", "fail", "blocked", "blocked")
    ]
    assert [(case.message, case.blocked_by) for case in work[-2:]] == [
        ("allocator: inherited from the base: not implemented", "allocator"),
        ("the weather", ""),
    ]
    assert "area/test_it.py::test_group[core] BLOCKED" in run.text
    lines = run.text.splitlines()
    assert lines.count(f"core: {cause} (5 cases blocked)") == 1
    assert lines.count(
        "work: allocator: inherited from the base: not implemented (1 cases blocked)"
    )
    assert lines.count("work: create_semaphore: inherited from the base: not implemented") == 1
    assert "core: 0 passed, 1 failed, 0 unsupported, 5 blocked" in run.text
    first_line_under_the_cases = run.text.partition("[100%]\n")[2].lstrip("\n").splitlines()[0]
    assert first_line_under_the_cases == f"core: {cause} (5 cases blocked)"


NINE = """
    @pytest.mark.spec("GRP-7")
    @pytest.mark.parametrize("n", range(9))
    def test_group(device_group, n):
        raise AssertionError
"""


def test_a_blocked_case_does_not_cost_the_next_one_its_process(
    cts: RunCts, case_file: Callable[[str], Path], outside_driver: OutsideDriver, tmp_path: Path
) -> None:
    started = tmp_path / "started"
    note = f"open({str(started)!r}, 'a').write('.')"
    outside_driver(driver_source(query_capabilities="assert 0", import_=note))
    run = cts("--driver=outside", case_file(NINE))
    assert [case.outcome for case in run.cases] == ["blocked"] * 9
    assert len(started.read_text()) <= 3  # the session, the probe, one child
