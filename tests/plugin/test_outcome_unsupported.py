"""A case that does not apply to the driver: neither pass nor skip."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.conftest import OutsideDriver, RunCts
from tests.outside_drivers import PASSING_CASE, driver_source

CASES = (
    PASSING_CASE
    + """
    @pytest.mark.spec("GRP-9")
    @pytest.mark.needs("queue_fill")
    def test_work(new_device):
        raise AssertionError

    @pytest.mark.spec("GRP-9")
    @pytest.mark.needs("trim")
    def test_optional(new_device):
        new_device().trim()

    @pytest.mark.spec("GRP-9")
    @pytest.mark.needs("create_event")
    def test_unreachable(new_device):
        new_device().create_event()

    @pytest.mark.spec("GRP-9")
    @pytest.mark.needs(async_queue=True)
    def test_property(new_device):
        new_device().query_capabilities()

    @pytest.mark.spec("GRP-9")
    @pytest.mark.needs(native=True)
    def test_native(new_device):
        new_device().query_capabilities()

    @pytest.mark.spec("GRP-9")
    @pytest.mark.needs(devices=3)
    def test_devices(new_device):
        new_device().query_capabilities()

    @pytest.mark.spec("GRP-9")
    def test_says_so(hal_driver):
        unsupported("not at full moon")
"""
)


def test_unsupported(
    cts: RunCts, case_file: Callable[[str], Path], outside_driver: OutsideDriver
) -> None:
    poor = "work=False, max_devices=2, unreachable=('create_event',)"
    outside_driver(driver_source("poor", properties=poor), "poor")
    rich = driver_source("rich", properties="work=False, async_queue=True, max_devices=3")
    rich = rich.replace("native = False", "native = True")
    rich = rich.replace(
        "    def _destroy", "    @slot()\n    def trim(self): pass\n\n    def _destroy"
    )
    outside_driver(rich, "rich")
    run = cts("--driver=poor,rich", "-v", case_file(CASES))
    assert run.ret == 0
    assert [(case.outcome, case.message) for case in run.cases if case.driver == "poor"] == [
        ("pass", ""),
        ("unsupported", "needs queue_fill: the driver has the core slots only"),
        ("unsupported", "needs trim: the driver does not implement the slot"),
        ("unsupported", "needs create_event: not reachable through the binding"),
        ("unsupported", "needs async_queue=True: the driver's is False"),
        ("unsupported", "needs native=True: the driver's is False"),
        ("unsupported", "needs 3 devices: max_devices is 2"),
        ("unsupported", "not at full moon"),
    ]
    assert [case.outcome for case in run.cases if case.driver == "rich"] == [
        *("pass", "unsupported", "pass", "unsupported", "pass", "pass", "pass", "unsupported")
    ]
    assert "area/test_it.py::test_work[poor] UNSUPPORTED" in run.text
    assert "poor: 1 passed, 0 failed, 7 unsupported, 0 blocked" in run.text
    assert "10 unsupported in" in run.text
    assert "reproduce" not in run.text
