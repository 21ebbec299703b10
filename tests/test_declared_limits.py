"""An honest driver with a limit, and that says so, passes the whole suite."""

from __future__ import annotations

import pytest

from tests.outside_drivers import driver_source

from .conftest import OutsideDriver, RunCts


@pytest.mark.parametrize("most", [1, 2, 3])
def test_few_devices_are_enough(cts: RunCts, outside_driver: OutsideDriver, most: int) -> None:
    outside_driver(driver_source(properties=f"work=False, max_devices={most}"))
    run = cts("--pyargs", "cts.suites", "--driver=outside")
    wrong = [
        (case.case, case.outcome, case.message)
        for case in run.cases
        if case.outcome not in ("pass", "unsupported")
    ]
    assert wrong == []
    assert run.ret == 0
