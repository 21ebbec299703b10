"""A case that was skipped by a mark, or by its own word: a gap, and no verdict on the driver."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.conftest import OutsideDriver, RunCts
from tests.outside_drivers import PASSING_CASE, driver_source

CASES = (
    PASSING_CASE
    + """
    @pytest.mark.skip(reason="not today")
    @pytest.mark.spec("GRP-9")
    def test_marked(new_device):
        raise AssertionError

    @pytest.mark.spec("GRP-9")
    def test_says_so(new_device):
        pytest.skip("nor tomorrow")
"""
)


def test_skip(cts: RunCts, case_file: Callable[[str], Path], outside_driver: OutsideDriver) -> None:
    outside_driver(driver_source())
    run = cts("--driver=outside", "-v", case_file(CASES))
    assert run.ret == 0
    assert [(case.outcome, case.message) for case in run.cases] == [
        ("pass", ""),
        ("skip", "not today"),
        ("skip", "nor tomorrow"),
    ]
    assert "area/test_it.py::test_says_so[outside] SKIPPED" in run.text
    assert "outside: 1 passed, 0 failed, 0 unsupported, 0 blocked, 2 skipped" in run.text
    assert "1 passed, 2 skipped in" in run.text
