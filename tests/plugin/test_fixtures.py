"""What a case gets: `new_device`, `new_group` and `steer`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cts.hal import DeviceCapabilities, DeviceGroup, HalError, StatusCode
from cts.hal.testing import MockDevice
from cts.plugin.fixtures import Steer
from tests.conftest import OutsideDriver, RunCts
from tests.outside_drivers import driver_source

CASES = """
    import outside_driver

    @pytest.mark.spec("STB-7")
    def test_1_devices_go_round_the_physical_ones(new_device):
        devices = [new_device(), *new_device.many(4)]
        assert [d.made_from.path[-1] for d in devices] == ["0", "1", "2", "0", "1"]
        assert [d.reference_count for d in devices] == [1] * 5
        assert {d.topology_info for d in devices} == {None}

    @pytest.mark.spec("STB-7")
    def test_2_they_were_released(new_device):
        assert outside_driver.alive == 0
        device = new_device()
        device.query_capabilities()
        device.release()

    @pytest.mark.spec("STB-7")
    def test_3_groups_are_formed(new_device, new_group):
        assert outside_driver.alive == 0
        assert new_group().device_count == 1
        assert new_group(count=3).device_count == 3
        a, b = new_device.many(2)
        group = new_group(b, a)
        assert [group.device_at(0), group.device_at(1)] == [b, a]
        new_group(new_device()).release()

    @pytest.mark.spec("STB-7")
    def test_4_and_ended(new_device, steer):
        assert outside_driver.alive == 0
        device = new_device()
        steer.fail(device, "query_capabilities", HalError(StatusCode.UNKNOWN, "steered"))
        with expect_error(StatusCode.UNKNOWN, "STB-7", "asking"):
            device.query_capabilities()
        device.topology_info

    @pytest.mark.spec("STB-7")
    def test_5_a_release_that_fails_stops_no_other(new_device):
        assert outside_driver.alive == 0
        for device in new_device.many(3):
            device.query_capabilities()
        outside_driver.unlucky = device

    @pytest.mark.spec("STB-7")
    def test_6_all_were_released(new_device):
        assert outside_driver.alive == 0
        new_device().query_capabilities()
"""
UNLUCKY = "if self is globals().get('unlucky'): raise RuntimeError('stuck')"


def test_devices_and_groups_end_with_the_case(
    cts: RunCts, case_file: Callable[[str], Path], outside_driver: OutsideDriver
) -> None:
    outside_driver(driver_source(devices="3", destroy=UNLUCKY))
    run = cts("--driver=outside", "-W", "error", case_file(CASES))
    assert [case.outcome for case in run.cases] == ["pass"] * 4 + ["fail", "pass"]
    assert run.cases[4].message == "RuntimeError: stuck"


# -- steering ---------------------------------------------------------------------------


@pytest.fixture
def device() -> Iterator[MockDevice]:
    """A device with something to say."""
    with MockDevice("m", capabilities=DeviceCapabilities(numa_node=3)) as device:
        yield device


@pytest.fixture
def other() -> Iterator[MockDevice]:
    """Another device."""
    with MockDevice("other") as device:
        yield device


def test_a_log_passes_calls_on(device: MockDevice, other: MockDevice) -> None:
    calls = Steer().log((device, other), "query_capabilities", "assign_topology_info")
    assert device.query_capabilities().numa_node == 3
    other.assign_topology_info(None)
    assert calls == [
        ("query_capabilities", device, ()),
        ("assign_topology_info", other, (None,)),
    ]


def test_an_answer_gets_the_original_and_the_arguments(device: MockDevice) -> None:
    steer = Steer()
    answered = []
    steer.answer(device, "assign_topology_info", lambda *args: answered.append(args))
    device.assign_topology_info(None)
    ((original, info),) = answered
    assert (original.__self__, info) == (device, None)
    assert device.calls == []


def test_a_failure_may_pick_its_calls(device: MockDevice) -> None:
    error = HalError(StatusCode.ABORTED, "steered")
    steer = Steer()
    steer.fail(device, "assign_topology_info", error, when=lambda info: info is not None)
    device.assign_topology_info(None)
    with pytest.raises(HalError) as caught, DeviceGroup.from_device(device):
        pass
    assert caught.value is error


def test_steering_ends_in_the_reverse_order(device: MockDevice) -> None:
    """What the device itself had in a slot's place is there again."""
    own = DeviceCapabilities(numa_node=7)
    device.answer("query_capabilities", lambda: own)
    steer = Steer()
    for node in (1, 2):
        steer.capabilities(device, DeviceCapabilities(numa_node=node))
        assert device.query_capabilities().numa_node == node
    steer.release()
    assert device.query_capabilities() is own
    assert "refine_topology_edge" not in vars(device)


def test_one_device_can_be_given_back(device: MockDevice, other: MockDevice) -> None:
    own = DeviceCapabilities(numa_node=7)
    device.answer("query_capabilities", lambda: own)
    steer = Steer()
    for steered in (device, other):
        steer.capabilities(steered, DeviceCapabilities(numa_node=1))
    steer.restore(device)
    assert device.query_capabilities() is own
    assert other.query_capabilities().numa_node == 1
    steer.release()
    assert other.query_capabilities().numa_node == 0


@pytest.mark.parametrize("slot", ["identifier", "topology_info", "allocator"])
def test_a_property_cannot_be_steered(device: MockDevice, slot: str) -> None:
    with pytest.raises(TypeError, match=slot):
        Steer().answer(device, slot, lambda original: None)


def test_nor_can_what_is_no_slot(device: MockDevice) -> None:
    with pytest.raises(KeyError, match="query"):
        Steer().answer(device, "query", lambda original: None)
