"""What the conformance suites do not cover of device groups: they are cts.hal's own affair."""

from __future__ import annotations

import pytest

from cts.hal import DeviceCapabilities, DeviceGroupBuilder, HalError, StatusCode, TopologyBuilder
from cts.hal.testing import MockDevice


@pytest.mark.parametrize("capacity", [0, -1])
def test_a_capacity_below_one_is_refused(capacity: int) -> None:
    with pytest.raises(HalError) as raised:
        DeviceGroupBuilder(capacity=capacity)
    assert raised.value.code is StatusCode.INVALID_ARGUMENT


@pytest.mark.parametrize("count", [0, -1])
def test_a_topology_of_no_device_is_refused(count: int) -> None:
    with pytest.raises(HalError) as raised:
        TopologyBuilder(count)
    assert raised.value.code is StatusCode.INVALID_ARGUMENT


def test_a_group_of_1024_devices_and_no_more() -> None:
    devices = [MockDevice(str(i), capabilities=DeviceCapabilities()) for i in range(1025)]
    for device in devices:
        device.calls = _NoLog()
    builder = DeviceGroupBuilder()
    for device in devices[:1024]:
        builder.add_device(device)
    with pytest.raises(HalError) as raised:
        builder.add_device(devices[1024])
    assert raised.value.code is StatusCode.RESOURCE_EXHAUSTED
    with builder.finalize() as group:
        info = devices[1023].topology_info
        assert info is not None
        assert info.can_wait_from == (1 << 1023) - 1
        assert group.topology.lo.shape == (1024, 1024)
    for device in devices:
        device.release()


class _NoLog(list[tuple[str, tuple[object, ...]]]):
    """A log that keeps nothing: a million refinements would fill the memory."""

    def append(self, call: tuple[str, tuple[object, ...]]) -> None:
        pass
