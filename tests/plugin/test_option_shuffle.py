"""`--shuffle`: another order, the same verdicts."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import OutsideDriver, RunCts
from tests.outside_drivers import driver_source

CASES = """
    @pytest.mark.spec("STB-2")
    @pytest.mark.parametrize("n", range(12))
    def test_it(new_device, n):
        new_device().query_capabilities()
"""


@pytest.mark.parametrize("mode", ["auto", "off"])
def test_the_order_follows_the_seed(
    cts: RunCts, case_file: Callable[[str], Path], outside_driver: OutsideDriver, mode: str
) -> None:
    outside_driver(driver_source())
    cases = case_file(CASES)

    def order(*options: str) -> list[str]:
        run = cts("--driver=null,outside", f"--isolate={mode}", "-v", *options, cases)
        assert {case.outcome for case in run.cases} == {"pass"}
        assert len(run.cases) == 24
        return re.findall(r"test_it\[(\w+-\d+)\] PASSED", run.text)

    written = order()
    mixed = order("--shuffle=3")
    assert mixed == order("--shuffle=3")
    assert mixed not in (written, order("--shuffle=4"))
    assert sorted(mixed) == sorted(written)
    assert [name.partition("-")[0] for name in mixed] == ["null"] * 12 + ["outside"] * 12


def test_what_is_no_seed_is_refused(cts: RunCts) -> None:
    assert cts("--driver=null", "--shuffle=often").ret == 4
