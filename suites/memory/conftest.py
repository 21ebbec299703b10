"""What cases of memory get: a second device, and a kind of handle that it shares memory by."""

from __future__ import annotations

import pytest

from cts.checks import unsupported
from cts.hal import Device, DeviceGroup, HandleType
from cts.work_cases.sharing import KINDS, name_of, needs_kind


@pytest.fixture
def peer(device_group: DeviceGroup) -> Device:
    """The session's second device."""
    if device_group.device_count < 2:
        unsupported("needs a second device")
    return device_group.device_at(1)


@pytest.fixture(params=KINDS, ids=name_of)
def kind(request: pytest.FixtureRequest, device: Device, peer: Device) -> HandleType:
    """A kind of handle that device and peer share memory by."""
    wanted: HandleType = request.param
    needs_kind(wanted, device, peer)
    return wanted
