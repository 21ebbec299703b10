"""`--hal-probe-timeout`: what one step of a driver may take in its probe."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import OutsideDriver, RunCts
from tests.outside_drivers import PASSING_CASE, driver_source

CaseFile = Callable[[str], Path]


def test_a_step_that_takes_longer_is_given_up(
    cts: RunCts, case_file: CaseFile, outside_driver: OutsideDriver
) -> None:
    """Even one that is nothing but the start of a process."""
    outside_driver(driver_source())
    run = cts("--driver=outside", "--hal-probe-timeout=0.01", case_file(PASSING_CASE))
    assert run.ret == 1
    assert run.driver("outside").stage == "start"
    assert run.driver("outside").reason == "no answer within 0.01 s"
    assert "outside: start: no answer within 0.01 s (1 cases blocked)" in run.text


@pytest.mark.parametrize("value", ["0", "nan", "soon"])
def test_what_is_no_time_is_refused(cts: RunCts, case_file: CaseFile, value: str) -> None:
    run = cts("--driver=null", f"--hal-probe-timeout={value}", case_file(PASSING_CASE))
    assert run.ret == 4
    assert run.records == []
    assert "--hal-probe-timeout" in run.text
