"""`--device-count`: how many devices are in each driver's group."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import OutsideDriver, RunCts
from tests.outside_drivers import driver_source

COUNT_CASE = """
    @pytest.mark.spec("GRP-14")
    @pytest.mark.parametrize("count", range(1, 5))
    def test_count(device_group, count):
        expect_equal(device_group.device_count, count, "GRP-14", "counting")
"""


@pytest.mark.parametrize(
    ("option", "one", "many"),
    [(("--device-count=3",), 1, 3), ((), 1, 2)],
    ids=["three", "by default"],
)
def test_the_group_has_so_many_devices(
    cts: RunCts,
    case_file: Callable[[str], Path],
    outside_driver: OutsideDriver,
    option: tuple[str, ...],
    one: int,
    many: int,
) -> None:
    """Two by default; as many as it can make where that is fewer."""
    outside_driver(driver_source("many"), "many")
    outside_driver(driver_source("one", properties="work=False, max_devices=1"), "one")
    run = cts("--driver=many,one", *option, case_file(COUNT_CASE))
    passed = {(case.driver, case.case) for case in run.cases if case.outcome == "pass"}
    assert passed == {
        ("many", f"area/test_it::test_count[{many}]"),
        ("one", f"area/test_it::test_count[{one}]"),
    }


@pytest.mark.parametrize("value", ["0", "two"])
def test_what_is_no_count_is_refused(
    cts: RunCts, case_file: Callable[[str], Path], outside_driver: OutsideDriver, value: str
) -> None:
    outside_driver(driver_source())
    run = cts("--driver=outside", f"--device-count={value}", case_file(COUNT_CASE))
    assert run.ret == 4
    assert run.records == []
    assert "device-count" in run.text
    assert value in run.text.partition("device-count")[2]
