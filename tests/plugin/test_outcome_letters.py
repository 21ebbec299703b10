"""Each outcome's letter, side by side: under the cases, in the matrix, and in its legend."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.conftest import OutsideDriver, RunCts
from tests.outside_drivers import BY_ADAPTER, driver_source

CASES = """
    @pytest.mark.spec("TIN-1")
    def test_1(new_device): new_device().query_capabilities()

    @pytest.mark.spec("TIN-2")
    def test_2(new_device): raise HalError(StatusCode.UNKNOWN, "x")

    @pytest.mark.spec("TIN-3")
    def test_3(new_device): 1 / 0

    @pytest.mark.spec("TIN-4")
    def test_4(new_device): unsupported("x")

    @pytest.mark.spec("TIN-5")
    def test_5(new_device): raise Blocked("x")

    @pytest.mark.spec("TIN-6")
    def test_6(new_device): new_device().topology_info

    @pytest.mark.spec("TIN-7")
    def test_7(new_device): pytest.skip("x")
"""


def test_letters(
    cts: RunCts, case_file: Callable[[str], Path], outside_driver: OutsideDriver
) -> None:
    source = driver_source(answered=BY_ADAPTER).replace(
        '@slot(answered_by="adapter")', "@slot()", 1
    )
    outside_driver(source)
    run = cts("--driver=outside", case_file(CASES))
    assert "area/test_it.py .FEubas " in run.text
    assert "TIN 1-7    .FEub as" in run.text
    legend = ". pass  a adapter  u unsupported  b blocked  F fail  E error  s skip  - untested"
    assert legend in run.text.splitlines()
    assert "outside: 1 passed, 1 adapter, 2 failed, 1 unsupported, 1 blocked, 1 skipped" in run.text
    last = run.text.strip().splitlines()[-1]
    for count in ("1 failed", "1 passed", "1 skipped", "1 unsupported", "1 blocked", "1 adapter"):
        assert count in last
    assert "1 error" in last
    assert "untested: STA-1..4 " in run.text
    assert "TIN" not in run.text.partition("untested: ")[2].splitlines()[0]
