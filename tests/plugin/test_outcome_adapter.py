"""A case whose evidence an adapter answered for the driver: never a pass (STB-9)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.conftest import OutsideDriver, RunCts
from tests.outside_drivers import BY_ADAPTER, driver_source

CASES = """
    @pytest.mark.spec("GRP-7")
    def test_group(device_group):
        assert device_group.device_count == 2

    @pytest.mark.spec("CAP-2")
    def test_one_slot(new_device):
        assert new_device().query_capabilities() == DeviceCapabilities()

    @pytest.mark.spec("LIF-6", subject="objects")
    def test_objects(device_group):
        assert device_group.reference_count == 1

    @pytest.mark.spec("STB-1")
    @pytest.mark.stub("identifier")
    def test_identifier(new_device):
        assert new_device().identifier
"""


def test_adapter(
    cts: RunCts, case_file: Callable[[str], Path], outside_driver: OutsideDriver
) -> None:
    """What the driver underneath answers counts, also where an adapter answers beside it."""
    outside_driver(driver_source("adapted", answered=BY_ADAPTER), "adapted")
    properties = 'work=False, objects_kept_by="adapter"'
    half = driver_source("half", properties=properties, answered=BY_ADAPTER)
    half = half.replace('@slot(answered_by="adapter")\n    def refine', "@slot()\n    def refine")
    outside_driver(half, "half")
    run = cts("--driver=adapted,half", "-v", case_file(CASES))
    outcomes = {name: list(run.outcomes(name).values()) for name in ("adapted", "half")}
    assert outcomes == {
        "adapted": ["adapter", "adapter", "adapter", "pass"],
        "half": ["pass", "adapter", "adapter", "pass"],
    }
    assert run.ret == 0
    assert "area/test_it.py::test_group[adapted] ADAPTER" in run.text
    assert "adapted: 1 passed, 3 adapter, 0 failed, 0 unsupported, 0 blocked" in run.text
    assert "a adapter" in run.text


def test_adapter_answers_alone_prove_nothing_of_a_named_driver(
    cts: RunCts, case_file: Callable[[str], Path], outside_driver: OutsideDriver
) -> None:
    outside_driver(driver_source(answered=BY_ADAPTER))
    run = cts("--driver=outside", "-k", "not identifier", case_file(CASES))
    assert [case.outcome for case in run.cases] == ["adapter"] * 3
    assert "outside: nothing was proven: no case passed" in run.text
    assert run.ret == 1
