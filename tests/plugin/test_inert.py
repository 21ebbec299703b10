"""The plugin is a guest: a session that names no driver and meets no case is left alone."""

from __future__ import annotations

import re

import pytest

from tests.outside_drivers import driver_source

from .conftest import Package

CONFTEST = """
    import subprocess
    import pytest

    started = subprocess.Popen.__init__

    def note(self, args, **kwargs):
        with open("children", "a") as file:
            print(args, file=file)
        started(self, args, **kwargs)

    subprocess.Popen.__init__ = note

    def pytest_addoption(parser):
        parser.addoption("--device", default="their default")
        parser.addoption("--results", type=int, default=3)
        parser.addoption("--search", action="store_false")

    def pytest_configure(config):
        config.addinivalue_line("markers", "needs(what): their mark")
        config.addinivalue_line("markers", "spec(number): their mark")

    @pytest.fixture
    def device_group(request):
        return "theirs: " + request.config.getoption("--device")

    @pytest.fixture
    def new_device():
        return "also theirs"
"""
TESTS = """
    import sys
    import pytest

    @pytest.mark.spec(7)
    @pytest.mark.needs("coffee", sugar=2)
    def test_theirs(device_group, new_device, pytestconfig):
        assert device_group == "theirs: their default"
        assert new_device == "also theirs"
        assert pytestconfig.getoption("--results") == 3
        assert pytestconfig.getoption("--search") is True

    def test_nothing_of_the_suite_is_loaded():
        loaded = {name for name in sys.modules if name.split(".")[0] in ("cts", "numpy")}
        assert not {"numpy", "cts.hal", "cts.registry", "cts.probe", "cts.plugin.run"} & loaded

    @pytest.mark.skip
    def test_skipped(): pass

    @pytest.mark.xfail
    def test_fails_as_expected(): assert 0
"""


@pytest.fixture
def project(pytester: pytest.Pytester, package: Package) -> pytest.Pytester:
    """Somebody else's project, in an environment with a driver that crashes on sight."""
    package("bad", driver_source(import_="open('imported', 'w')"), "[cts.drivers]\nbad = bad:D\n")
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile(test_it=TESTS)
    pytester.makeini("[pytest]\naddopts = --strict-markers -p no:cacheprovider -p no:benchmark\n")
    return pytester


def lines_of(result: pytest.RunResult) -> list[str]:
    """What a session printed, without what differs from one to the next."""
    text = "\n".join(result.outlines + result.errlines)
    text = re.sub(r"in [0-9.]+s", "in ...s", text)
    return [
        line for line in text.splitlines() if not line.startswith(("plugins: ", "=====", "rootdir"))
    ]


def left_behind(project: pytest.Pytester) -> set[str]:
    """Names of what a session has put into the folder."""
    given = {"bad.py", "bad-1.0.dist-info", "conftest.py", "test_it.py", "tox.ini", "__pycache__"}
    found = {path.name for path in project.path.iterdir()} - given - {"stdout", "stderr"}
    return {name for name in found if not name.startswith("runpytest-")}


def test_a_session_without_cases_is_left_alone(project: pytest.Pytester) -> None:
    """It prints the same as without the plugin; no file, no child process, no import."""
    without = project.runpytest_subprocess("-rA", "-p", "no:hal-cts", "-p", "no:hal-cts-reports")
    with_it = project.runpytest_subprocess("-rA")
    with_it.assert_outcomes(passed=2, skipped=1, xfailed=1)
    assert with_it.ret == 0
    assert lines_of(with_it) == lines_of(without)
    assert left_behind(project) == set()


def test_nor_is_one_disturbed_that_is_spread_over_processes(project: pytest.Pytester) -> None:
    result = project.runpytest_subprocess("-n2", "-v")
    result.assert_outcomes(passed=2, skipped=1, xfailed=1)
    assert result.ret == 0
    assert left_behind(project) == {"children"}
    assert "probe" not in (project.path / "children").read_text()
    ours = [line for line in lines_of(result) if "hal" in line.lower() or "driver" in line]
    assert ours == []


def test_a_session_that_collects_nothing_is_left_alone(project: pytest.Pytester) -> None:
    result = project.runpytest_subprocess("-q", "-k", "elsewhere")
    assert result.ret == 5
    assert left_behind(project) == set()
    assert [line for line in lines_of(result) if line] == ["4 deselected in ...s"]


def test_its_marks_and_fixtures_are_listed(project: pytest.Pytester) -> None:
    """Nothing else of it is seen in a session that only asks."""
    marks = project.runpytest_subprocess("--markers")
    marks.stdout.fnmatch_lines(["@pytest.mark.stub(slot): *"])
    assert left_behind(project) == set()
