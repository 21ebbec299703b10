"""`--budget`: how many cases of a driver may be unsupported or skipped."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import OutsideDriver, RunCts
from tests.outside_drivers import PASSING_CASE, driver_source

CASES = (
    PASSING_CASE
    + """
    @pytest.mark.spec("GRP-7")
    @pytest.mark.needs("queue_copy")
    @pytest.mark.parametrize("n", range(3))
    def test_left_out(device_group, n):
        pass
"""
)


@pytest.mark.parametrize(
    ("budget", "status"), [("3", 0), ("2", 1), ("0", 1), ("75%", 0), ("74.9%", 1), ("100%", 0)]
)
def test_both_sides_of_it(
    cts: RunCts,
    case_file: Callable[[str], Path],
    outside_driver: OutsideDriver,
    budget: str,
    status: int,
) -> None:
    outside_driver(driver_source())
    run = cts("--driver=outside", f"--budget={budget}", case_file(CASES))
    assert run.ret == status
    said = f"outside: 3 of 4 cases are unsupported or skipped: the budget is {budget}"
    assert (said in run.text) == (said in run.run.expectation_faults) == bool(status)


@pytest.mark.parametrize("budget", ["", "-1", "some", "101%", "1.5", "%"])
def test_what_is_no_budget_is_refused(cts: RunCts, budget: str) -> None:
    run = cts("--driver=null", f"--budget={budget}")
    assert run.ret == 4
    assert "--budget" in run.text
