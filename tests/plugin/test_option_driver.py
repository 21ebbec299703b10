"""`--driver`: which drivers take part, and who may not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.conftest import OutsideDriver, RunCts
from tests.outside_drivers import PASSING_CASE, UNAVAILABLE, driver_source

from .conftest import Package

CaseFile = Callable[[str], Path]

SELENIUM = """
    def pytest_addoption(parser):
        parser.addoption("--driver", action="store", dest="browser")

    def pytest_report_header(config):
        return f"browser: {config.getoption('browser')}"
"""
FAILING_CASE = """
    @pytest.mark.spec("GRP-7")
    def test_fails(new_device):
        assert new_device().query_capabilities() is None
"""


def test_comma_lists_and_repetitions_add_up(
    cts: RunCts, case_file: CaseFile, outside_driver: OutsideDriver
) -> None:
    for name in ("one", "two", "three", "other"):
        outside_driver(driver_source(name), name)
    run = cts("--driver=two, one", "--driver=one", "--hal-driver=three", case_file(PASSING_CASE))
    assert run.ret == 0
    assert sorted(case.driver for case in run.cases) == ["one", "three", "two"]
    assert "hal-cts: drivers: two, one, three" in run.text


def test_an_unknown_name_ends_the_session_and_lists_the_known_ones(
    cts: RunCts, case_file: CaseFile, outside_driver: OutsideDriver
) -> None:
    outside_driver(driver_source())
    run = cts("--driver=outside,nobody", "--driver=none", case_file(PASSING_CASE))
    assert run.ret == 4
    assert run.records == []
    assert "unknown driver 'nobody', 'none'; there are: " in run.text
    known = run.text.partition("there are: ")[2].splitlines()[0].split(", ")
    assert {"outside", "mock", "null", "cuda"} <= set(known)
    assert known == sorted(known)


def test_an_unavailable_driver_ends_the_session_with_its_reason(
    cts: RunCts, case_file: CaseFile, outside_driver: OutsideDriver
) -> None:
    outside_driver(driver_source("here"), "here")
    outside_driver(driver_source("absent", available=UNAVAILABLE), "absent")
    run = cts("--driver=here,absent", case_file(PASSING_CASE))
    assert run.ret == 4
    assert run.records == []
    assert (
        "ERROR: driver 'absent' is not here: UNAVAILABLE: Driver.available:"
        " no libacme.so.1 here: install acme-runtime"
    ) in run.text
    assert "passed" not in run.text


def test_an_empty_name_is_refused(cts: RunCts, case_file: CaseFile) -> None:
    run = cts("--driver=null,", case_file(PASSING_CASE))
    assert run.ret == 4
    assert "--driver: an empty driver name" in run.text


def test_without_it_every_available_driver_takes_part(
    cts: RunCts, case_file: CaseFile, outside_driver: OutsideDriver
) -> None:
    """The broken one as well, so that it is not passed over in silence; mock by name only."""
    outside_driver(driver_source("here"), "here")
    outside_driver(driver_source("absent", available=UNAVAILABLE), "absent")
    outside_driver(driver_source("bad", construct="raise RuntimeError('no luck')"), "bad")
    run = cts(case_file(PASSING_CASE))
    assert run.outcomes("here") == {"area/test_it::test_group": "pass"}
    assert run.outcomes("bad") == {"area/test_it::test_group": "blocked"}
    assert run.outcomes("null") == {"area/test_it::test_group": "pass"}
    assert {"absent", "mock"}.isdisjoint(case.driver for case in run.cases)
    assert (
        "hal-cts: not here: absent: UNAVAILABLE: Driver.available:"
        " no libacme.so.1 here: install acme-runtime"
    ) in run.text.splitlines()
    assert "hal-cts: not here: mock: by name only" in run.text
    taking_part = run.text.partition("hal-cts: drivers: ")[2].splitlines()[0].split(", ")
    assert {"bad", "here", "null"} <= set(taking_part)
    assert run.ret == 1


def test_the_short_form_is_left_to_whoever_has_it(
    cts: RunCts,
    case_file: CaseFile,
    outside_driver: OutsideDriver,
    package: Package,
) -> None:
    """pytest-selenium has a `--driver`; `--hal-driver` is ours all the same."""
    outside_driver(driver_source())
    package("fake_selenium", SELENIUM, "[pytest11]\nselenium = fake_selenium\n")
    cases = case_file(PASSING_CASE + FAILING_CASE)
    run = cts("--driver=firefox", "--hal-driver=outside", "--device-count=1", cases)
    assert run.ret == 1
    assert "browser: firefox" in run.text
    assert [case.outcome for case in run.cases] == ["pass", "fail"]
    assert "--driver is somebody else's option here: ours is --hal-driver" in run.text
    assert "pytest --hal-driver=outside 'area/test_it.py::test_fails[outside]'" in run.text
