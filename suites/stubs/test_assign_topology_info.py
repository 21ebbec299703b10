"""assign_topology_info: once, and with none back to the state before."""

from __future__ import annotations

import pytest

from cts.checks import expect_error
from cts.hal import StatusCode
from cts.plugin.fixtures import NewDevice
from cts.slot_checks import single_device_info


@pytest.mark.spec("STB-4")
@pytest.mark.stub("assign_topology_info")
def test_none_takes_it_back(new_device: NewDevice) -> None:
    """Assigns, takes back and assigns again: the second time works like the first."""
    device = new_device()
    info, topology = single_device_info()
    for value in (info, None, info, None):
        device.assign_topology_info(value)
    del topology


@pytest.mark.spec("STB-4")
@pytest.mark.stub("assign_topology_info")
def test_none_is_taken_where_nothing_was_assigned(new_device: NewDevice) -> None:
    """Takes back twice what was never assigned: nothing happens."""
    device = new_device()
    device.assign_topology_info(None)
    device.assign_topology_info(None)


@pytest.mark.spec("GRP-12")
@pytest.mark.stub("assign_topology_info")
def test_a_second_assignment_is_refused(new_device: NewDevice) -> None:
    """Assigns twice with no none between: the device itself refuses the second."""
    device = new_device()
    info, topology = single_device_info()
    device.assign_topology_info(info)
    with expect_error(StatusCode.FAILED_PRECONDITION, "GRP-12", "a second assign_topology_info"):
        device.assign_topology_info(info)
    device.assign_topology_info(None)
    del topology
