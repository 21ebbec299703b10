"""topology_info: none outside a group, and inside one what was assigned."""

from __future__ import annotations

import pytest

from cts.checks import expect, expect_equal
from cts.plugin.fixtures import NewDevice, NewGroup, Steer
from cts.slot_checks import single_device_info


@pytest.mark.spec("STB-3")
@pytest.mark.stub("topology_info")
def test_is_none_outside_a_group(new_device: NewDevice) -> None:
    """Reads it on a fresh device: none, not a placeholder."""
    info = new_device().topology_info
    expect(info is None, "STB-3", "topology_info outside a group", came_back=info, asks="none")


@pytest.mark.spec("STB-3")
def test_is_what_was_assigned(new_device: NewDevice) -> None:
    """Assigns an info to a bare device and reads it: equal, field by field."""
    device = new_device()
    info, topology = single_device_info()
    device.assign_topology_info(info)
    found = device.topology_info
    device.assign_topology_info(None)
    expect_equal(found, info, "STB-3", "topology_info after assign_topology_info(info)")
    del topology


@pytest.mark.spec("STB-3")
@pytest.mark.needs(devices=2)
def test_in_a_group_is_what_the_group_assigned(
    new_device: NewDevice, new_group: NewGroup, steer: Steer
) -> None:
    """Logs what a group assigns to each device: that is what each device tells."""
    devices = tuple(new_device.many(2))
    calls = steer.log(devices, "assign_topology_info")
    new_group(*devices)
    for _, device, (info,) in calls:
        expect_equal(device.topology_info, info, "STB-3", "topology_info in a group")


@pytest.mark.spec("STB-4")
def test_is_none_again_after_the_group(new_device: NewDevice, new_group: NewGroup) -> None:
    """Ends the group of a device: its topology_info is none, as before."""
    device = new_device()
    new_group(device).release()
    info = device.topology_info
    expect(info is None, "STB-4", "topology_info after the group", came_back=info, asks="none")
