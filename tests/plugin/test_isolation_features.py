"""What pytest itself goes on doing for cases that run in children."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import OutsideDriver, RunCts
from tests.outside_drivers import driver_source

CaseFile = Callable[[str], Path]


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
    assert run.in_order == ["pass", "fail"]
    assert run.ret == 1
    again = cts("--driver=outside", "--lf", features)
    assert [case.case for case in again.cases][-1] == "area/test_it::test_2_fails"
    assert "run-last-failure: rerun previous 1 failure" in again.text


def test_maxfail_and_ff(cts: RunCts, features: Path) -> None:
    run = cts("--driver=outside", "--maxfail=1", features)
    assert run.in_order == ["pass", "fail"]
    again = cts("--driver=outside", "--ff", "-v", features)
    assert again.text.index("test_2_fails[outside] FAILED") < again.text.index("test_1_passes[out")


def test_subtests_and_session_fixtures_live_in_the_child(
    cts: RunCts, case_file: CaseFile, outside_driver: OutsideDriver, pytester: pytest.Pytester
) -> None:
    outside_driver(driver_source())
    source = """
    import os

    @pytest.fixture(scope="session")
    def of_the_session():
        yield os.getpid()
        with open("ended", "a") as file:
            print(os.getpid(), file=file)

    @pytest.mark.spec("STB-2")
    @pytest.mark.parametrize("n", range(2))
    def test_session(new_device, of_the_session, n):
        new_device().query_capabilities()
        assert of_the_session == os.getpid()

    @pytest.mark.spec("STB-2")
    def test_parts(new_device, subtests):
        new_device().query_capabilities()
        for n in range(3):
            with subtests.test(msg=f"part {n}"):
                assert n != 1
"""
    run = cts("--driver=outside", case_file(source))
    assert sorted(run.in_order) == ["fail", "pass", "pass"]
    assert "[part 1]" in run.text
    assert (pytester.path / "ended").read_text().count("\n") == 1


def test_k_and_collect_only(cts: RunCts, features: Path) -> None:
    run = cts("--driver=outside", "-k", "1 or 3", features)
    assert run.in_order == ["pass", "pass"]
    assert "5 tests collected" in cts("--driver=outside", "--collect-only", features).text


def test_warnings_as_errors_are_the_childs_too(cts: RunCts, features: Path) -> None:
    run = cts("--driver=outside", "-W", "error", "-k", "1", features)
    assert run.in_order == ["error"]


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
    assert run.in_order == ["fail"]
    assert "number=100" in run.text


def test_s_shows_what_is_printed_as_it_comes(cts: RunCts, features: Path) -> None:
    run = cts("--driver=outside", "-s", "-k", "2", features)
    assert "before it failed" in run.text.partition("= FAILURES =")[0]
