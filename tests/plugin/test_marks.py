"""Marks that name what does not exist end the session, before any case, and all are listed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import OutsideDriver, RunCts
from tests.outside_drivers import PASSING_CASE, driver_source

CaseFile = Callable[[str], Path]

FAULTY = (
    PASSING_CASE
    + """
    @pytest.mark.spec("GRP-7", "GRP-777", "XYZ-1")
    def test_spec(new_device): pass

    @pytest.mark.spec("GRP-7", subject="weather", colour=["red"])
    def test_keywords(new_device): pass

    @pytest.mark.spec(["GRP-7", "GRP-8"])
    def test_list(new_device): pass

    def test_without(new_device): pass

    @pytest.mark.spec("GRP-7")
    @pytest.mark.needs("queue_wash", "trim", devices=2, colour="red")
    def test_needs(new_device): pass

    @pytest.mark.spec("GRP-7")
    @pytest.mark.stub("query")
    def test_stub(new_device): pass

    @pytest.mark.needs("GRP-7")
    class TestClass:
        @pytest.mark.spec("GRP-7")
        def test_method(self, new_device): pass

    @pytest.mark.spec(42)
    @pytest.mark.needs("whatever", it="is")
    def test_no_case(): pass
"""
)
FAULTS = [
    "area/test_it::test_spec: spec: the contract has no 'GRP-777'",
    "area/test_it::test_spec: spec: the contract has no 'XYZ-1'",
    "area/test_it::test_keywords: spec: there is no colour=['red']",
    "area/test_it::test_keywords: spec: there is no subject='weather'",
    """area/test_it::test_list: spec: the contract has no "['GRP-7', 'GRP-8']\"""",
    "area/test_it::test_without: the case names no requirement: spec(...) is missing",
    "area/test_it::test_needs: needs: there is no slot or method 'queue_wash'",
    "area/test_it::test_needs: needs: there is no property 'colour'",
    "area/test_it::test_stub: stub: there is no slot 'query'",
    "area/test_it::TestClass.test_method: needs: there is no slot or method 'GRP-7'",
]


@pytest.mark.parametrize("workers", [0, 2])
def test_unknown_names_end_the_session(
    cts: RunCts, case_file: CaseFile, outside_driver: OutsideDriver, workers: int
) -> None:
    """Each is said once, also where there are two drivers, or two processes."""
    outside_driver(driver_source())
    outside_driver(driver_source("other"), "other")
    run = cts("--driver=outside,other", f"-n{workers}", case_file(FAULTY))
    assert run.ret == 4
    assert run.cases == []
    for fault in FAULTS:
        assert run.text.count(fault) == 1
    assert run.text.count("area/test_it::") == len(FAULTS)
    assert "nothing was proven" not in run.text


def test_marks_that_name_what_exists_are_taken(
    cts: RunCts, case_file: CaseFile, outside_driver: OutsideDriver
) -> None:
    """Every property, every kind of slot, and marks of a class and of a file."""
    outside_driver(driver_source())
    run = cts(
        "--driver=outside",
        "--strict-markers",
        case_file(
            """
    pytestmark = pytest.mark.spec("STA-1")

    @pytest.mark.needs(devices=2, native=False, work=False, async_queue=False, max_devices=None)
    @pytest.mark.needs(out_of_range="submission", children="retain", import_alignment=1)
    @pytest.mark.spec("GRP-7")
    class TestClass:
        @pytest.mark.needs("query_capabilities")
        @pytest.mark.stub("query_capabilities")
        @pytest.mark.spec("GRP-14", subject="objects")
        def test_method(self, new_device):
            new_device().query_capabilities()
"""
        ),
    )
    assert run.ret == 0
    (case,) = run.cases
    assert case.outcome == "pass"
    assert sorted(case.requirements) == ["GRP-14", "GRP-7", "STA-1"]
