"""A case's id is ``area/file::test[params]``: no driver, no root, and however it is run."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from cts.results import CaseRecord, read
from tests.conftest import OutsideDriver, RunCts
from tests.outside_drivers import PASSING_CASE, driver_source

from .conftest import Package

SUITE = Path(__file__).resolve().parents[2] / "suites" / "stubs" / "test_topology_info.py"
CASES = (
    PASSING_CASE
    + """
    @pytest.mark.spec("GRP-9")
    @pytest.mark.parametrize("b", ["x", "y-z"])
    @pytest.mark.parametrize("a", [1, 2.5])
    def test_params(new_device, a, b):
        new_device().query_capabilities()

    class TestClass:
        @pytest.mark.spec("GRP-9")
        def test_method(self, new_device):
            new_device().query_capabilities()

    @pytest.fixture(params=["p", "q"])
    def letter(request):
        return request.param

    @pytest.mark.spec("GRP-9")
    def test_fixture(letter, hal_driver):
        hal_driver.enumerate()
"""
)
IDS = [
    "area/test_it::test_group",
    "area/test_it::test_params[1-x]",
    "area/test_it::test_params[1-y-z]",
    "area/test_it::test_params[2.5-x]",
    "area/test_it::test_params[2.5-y-z]",
    "area/test_it::TestClass.test_method",
    "area/test_it::test_fixture[p]",
    "area/test_it::test_fixture[q]",
]
NAMES = ["test", "test-2", "größer", "a b", "50%", "x[1]::y", "test_group", "p"]
"""Names of drivers that are parts of each other's, of ids, or not what ids are made of."""


def test_the_drivers_name_is_no_part_of_it(
    cts: RunCts, case_file: Callable[[str], Path], package: Package
) -> None:
    for number, name in enumerate(NAMES):
        entry_point = f"[cts.drivers]\n{name} = driver_{number}:OutsideDriver\n"
        package(f"driver_{number}", driver_source(name), entry_point)
    run = cts(f"--driver={','.join(NAMES)}", case_file(CASES))
    assert run.ret == 0
    for name in NAMES:
        assert sorted(run.outcomes(name)) == sorted(IDS), name


def test_they_are_the_same_from_a_checkout_a_package_and_two_processes(
    pytester: pytest.Pytester, outside_driver: OutsideDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And each case has the same id when it is run from its own folder."""
    outside_driver(driver_source())
    checkout = pytester.mkdir("checkout")
    (checkout / "suites" / "stubs").mkdir(parents=True)
    shutil.copy(SUITE, checkout / "suites" / "stubs")
    (checkout / "pytest.ini").write_text("[pytest]\ntestpaths = suites\n")
    elsewhere = pytester.mkdir("elsewhere")

    def ids(folder: Path, *args: str | Path) -> set[str]:
        monkeypatch.chdir(folder)
        results = pytester.path / "results"
        session = pytester.runpytest_subprocess("--driver=outside", f"--results={results}", *args)
        assert session.ret == 0
        cases = [r for r in read(results / "results.jsonl") if isinstance(r, CaseRecord)]
        found = {case.case for case in cases}
        assert len(found) == len(cases)
        return found

    first = ids(checkout)
    assert first
    assert all(id.startswith("stubs/test_topology_info::") for id in first)
    assert ids(checkout, "-n2", "--dist=load") == first
    assert ids(checkout / "suites" / "stubs", "test_topology_info.py") == first
    assert ids(elsewhere, "--pyargs", "cts.suites.stubs.test_topology_info") == first
    assert ids(elsewhere, SUITE) == first


def test_cases_that_pytest_calls_the_same_are_told_apart(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two packages that are named from another folder: pytest's ids are relative to each."""
    monkeypatch.chdir(pytester.mkdir("elsewhere"))
    areas = ("dispatch", "command_buffer")
    results = pytester.path / "results"
    session = pytester.runpytest_subprocess(
        *("--pyargs", *(f"cts.suites.{area}" for area in areas)),
        *("--driver=local-sync", "-k", "keeps_what_it_uses", f"--results={results}"),
        timeout=60,
    )
    assert session.ret == 0
    cases = [r for r in read(results / "results.jsonl") if isinstance(r, CaseRecord)]
    assert [(case.case, case.outcome) for case in cases] == [
        (f"{area}/test_dispatch::test_keeps_what_it_uses", "pass") for area in areas
    ]


def test_a_case_of_the_installed_suites_is_reproduced_from_anywhere(
    cts: RunCts, outside_driver: OutsideDriver
) -> None:
    outside_driver(driver_source())
    first = cts("--pyargs", "cts.suites.stubs.test_topology_info", "--driver=outside").cases[0]
    program, *words = shlex.split(first.reproduce)
    assert program == "pytest"
    assert cts(*words).cases[0].case == first.case
    assert words == [
        *("--driver=outside", "--pyargs"),
        "cts.suites.stubs.test_topology_info::test_is_none_outside_a_group[outside]",
    ]
