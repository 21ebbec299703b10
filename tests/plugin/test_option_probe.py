"""`--hal-probe`: verdicts do not depend on whether drivers were tried in a child process first."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.conftest import CtsRun, OutsideDriver, RunCts
from tests.outside_drivers import PASSING_CASE, STUB_CASE, UNAVAILABLE, driver_source

CaseFile = Callable[[str], Path]

CASES = (
    PASSING_CASE
    + STUB_CASE
    + """
    @pytest.mark.spec("LIF-1")
    @pytest.mark.needs("allocator")
    def test_work(new_device):
        assert new_device().allocator

    @pytest.mark.spec("LIF-1")
    @pytest.mark.needs("trim")
    def test_optional(new_device):
        new_device().trim()

    @pytest.mark.spec("LIF-1")
    @pytest.mark.needs(devices=2)
    def test_two(new_group):
        new_group(count=2)

    @pytest.mark.spec("LIF-1")
    def test_fails(new_device):
        assert new_device().query_capabilities() is None
"""
)
UNIMPLEMENTED = "raise unimplemented(self, 'query_capabilities')"
MISNAMED = "OutsideDevice.driver_name = 'somebody else'"


def facts(run: CtsRun) -> list[tuple[str, ...]]:
    """All that is known of each case but its duration."""
    return [
        (case.driver, case.case, case.outcome, case.message, case.code, case.blocked_by)
        for case in run.cases
    ]


def test_verdicts_are_the_same_with_and_without(
    cts: RunCts, case_file: CaseFile, outside_driver: OutsideDriver
) -> None:
    outside_driver(driver_source("sound"), "sound")
    outside_driver(driver_source("limited", properties="work=False, max_devices=1"), "limited")
    outside_driver(driver_source("core", query_capabilities=UNIMPLEMENTED), "core")
    outside_driver(driver_source("work", properties=""), "work")
    outside_driver(driver_source("names", construct=MISNAMED), "names")
    cases = case_file(CASES)
    option = "--driver=sound,limited,core,work,names"
    on = cts(option, cases)
    off = cts(option, cases, "--hal-probe=off")
    assert sorted(facts(on)) == sorted(facts(off))  # side by side, in no order between drivers
    assert on.ret == off.ret == 1
    outcomes = {name: list(on.outcomes(name).values()) for name in option[9:].split(",")}
    assert outcomes == {
        "sound": ["pass", "pass", "unsupported", "unsupported", "pass", "fail"],
        "limited": ["pass", "pass", "unsupported", "unsupported", "unsupported", "fail"],
        "core": ["blocked", "fail", "blocked", "blocked", "blocked", "blocked"],
        "work": ["pass", "pass", "blocked", "unsupported", "pass", "fail"],
        "names": ["blocked"] * 6,
    }
    assert on.driver("core").slot_faults == off.driver("core").slot_faults != {}
    assert on.driver("sound").capabilities != []
    assert off.driver("sound").capabilities == []  # nothing was tried
    assert on.driver("sound").devices == off.driver("sound").devices != []


def test_an_absent_driver_is_absent_without_it_too(
    cts: RunCts, case_file: CaseFile, outside_driver: OutsideDriver
) -> None:
    outside_driver(driver_source(available=UNAVAILABLE))
    run = cts("--driver=outside", "--hal-probe=off", case_file(PASSING_CASE))
    assert run.ret == 4
    assert "install acme-runtime" in run.text


def test_other_values_are_refused(cts: RunCts, case_file: CaseFile) -> None:
    run = cts("--driver=null", "--hal-probe=perhaps", case_file(PASSING_CASE))
    assert run.ret == 4
    assert "'perhaps' (choose from" in run.text
