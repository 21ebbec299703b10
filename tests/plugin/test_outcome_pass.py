"""A case that passes, on evidence of the driver's own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.conftest import OutsideDriver, RunCts
from tests.outside_drivers import driver_source

CASES = """
    @pytest.mark.spec("GRP-7", "GRP-14")
    @pytest.mark.spec("GRP-7")
    @pytest.mark.parametrize("k", [1, 2])
    def test_of_group(device_group, k):
        expect_equal(device_group.device_count, 2, "GRP-14", "counting")

    @pytest.mark.spec("STA-4")
    def test_of_driver(hal_driver):
        expect(hal_driver.enumerate(), "STA-4", "enumerating", came_back=[], asks="a device")

    @pytest.mark.spec("STB-1")
    @pytest.mark.stub("identifier")
    def test_of_identifier(new_device):
        assert new_device().identifier
"""


def test_pass(cts: RunCts, case_file: Callable[[str], Path], outside_driver: OutsideDriver) -> None:
    outside_driver(driver_source())
    run = cts("--driver=outside", case_file(CASES))
    assert run.ret == 0
    assert "area/test_it.py .... " in run.text
    first = run.cases[0]
    assert first.driver == "outside"
    assert first.case == "area/test_it::test_of_group[1]"
    assert first.requirements == ["GRP-7", "GRP-14"]
    assert (first.outcome, first.message, first.code, first.blocked_by) == ("pass", "", "", "")
    assert first.duration > 0
    assert [case.outcome for case in run.cases] == ["pass"] * 4
    assert "outside: 4 passed, 0 failed, 0 unsupported, 0 blocked" in run.text
    assert "reproduce" not in run.text


def test_a_driver_may_have_its_slots_in_other_ways_too(
    cts: RunCts, case_file: Callable[[str], Path], outside_driver: OutsideDriver
) -> None:
    """Set on the device itself, in a mixin that is no device, as a cached property."""
    own = "self.query_capabilities = DeviceCapabilities"
    source = driver_source("own").replace("self._number = number", own, 1)
    outside_driver(source.replace("{self._number}", "0"), "own")
    mixin = driver_source("mixin").replace("class OutsideDevice(Device):", "class Slots:")
    outside_driver(
        mixin.replace("super().__init__()", "Device.__init__(self)").replace(
            "class OutsideDriver", "class OutsideDevice(Slots, Device): pass\n\nclass OutsideDriver"
        ),
        "mixin",
    )
    cached = driver_source("cached").replace("@property", "@functools.cached_property", 1)
    outside_driver("import functools\n" + cached, "cached")
    run = cts(
        "--driver=own,mixin,cached",
        case_file(
            CASES
            + """
    @pytest.mark.spec("CAP-2")
    def test_of_capabilities(new_device):
        new_device().query_capabilities()
"""
        ),
    )
    assert {case.outcome for case in run.cases} == {"pass"}
    assert len(run.cases) == 15
    assert run.ret == 0
