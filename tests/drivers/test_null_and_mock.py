"""The drivers with nothing underneath: the core slots, and not one more."""

from __future__ import annotations

import pytest

from cts import registry
from cts.hal import DeviceInfo, HalError, StatusCode, implements, slots
from cts.hal.testing import MockDevice


@pytest.mark.parametrize("name", ["null", "mock"])
def test_exactly_the_core_slots_are_implemented(name: str) -> None:
    driver = registry.load(name)()
    assert not driver.properties.work
    with driver.create_device() as device:
        found = {slot for slot in slots() if implements(device, slot)}
    assert found == {slot for slot, entry in slots().items() if entry.kind == "core"}


@pytest.mark.parametrize("name", ["null", "mock", "local-sync"])
def test_identifiers_are_unique_across_driver_objects(name: str) -> None:
    kind = registry.load(name)
    with kind().create_device() as one, kind().create_device() as other:
        assert one.identifier != other.identifier
        assert one.driver_name == other.driver_name == name


@pytest.mark.parametrize("name", ["null", "mock", "local-sync"])
def test_an_unknown_device_is_not_found(name: str) -> None:
    driver = registry.load(name)()
    driver.create_device(driver.enumerate()[0]).release()
    with pytest.raises(HalError, match="'elsewhere'") as caught:
        driver.create_device(DeviceInfo(path="elsewhere", name="no such"))
    assert caught.value.code is StatusCode.NOT_FOUND


def test_mock_devices_can_be_controlled() -> None:
    with registry.load("mock")().create_device() as device:
        assert isinstance(device, MockDevice)
