"""A group of one: what a stub in any core slot makes impossible."""

from __future__ import annotations

import pytest

from cts.checks import expect, expect_equal, expect_error
from cts.hal import Device, DeviceGroup, HalError, InteropMode, StatusCode
from cts.plugin.driver_session import DriverSession
from cts.plugin.fixtures import NewDevice, Steer
from cts.slot_checks import core_slot_faults

STEERABLE = ("query_capabilities", "assign_topology_info", "refine_topology_edge")


@pytest.mark.core
@pytest.mark.spec("STB-7")
def test_can_be_made_of_every_device(hal_session: DriverSession, new_device: NewDevice) -> None:
    """Makes a group of each device that the driver enumerates: a topology of one native edge."""
    for info in hal_session.infos:
        device = new_device()  # goes round the devices
        new_device.forget(device)
        with device, DeviceGroup.from_device(device) as group:
            edge = group.topology.query_edge(0, 0)
            expect(
                edge is not None and edge.wait_mode is InteropMode.NATIVE,
                "STB-7",
                f"a group of the device {info.path!r}",
                came_back=edge,
                asks="a native self edge",
            )


@pytest.mark.spec("STB-8")
@pytest.mark.parametrize("broken", STEERABLE)
def test_a_broken_slot_is_named_once(new_device: NewDevice, steer: Steer, broken: str) -> None:
    """Breaks one core slot of the driver's devices: the checks find that slot and no other."""
    fault = HalError(StatusCode.UNIMPLEMENTED, broken, "steered")

    def make_broken() -> Device:
        device = new_device()
        new_device.forget(device)
        steer.fail(device, broken, fault)
        return device

    found = core_slot_faults(make_broken)
    expect_equal(list(found), [broken], "STB-8", f"checking the core slots with {broken} broken")
    expect_equal(found[broken].driver, new_device().driver_name, "STB-8", "naming the driver")


@pytest.mark.spec("STB-8")
@pytest.mark.parametrize("broken", ["query_capabilities", "assign_topology_info"])
def test_a_group_over_a_broken_slot_names_it(
    new_device: NewDevice, steer: Steer, broken: str
) -> None:
    """Forms a group over a device with a broken slot: the error names driver and slot."""
    device = new_device()
    DeviceGroup.from_device(device).release()  # sound until it is broken here
    steer.fail(device, broken, AssertionError("steered"))
    with expect_error(StatusCode.INTERNAL, "STB-8", f"a group with {broken} broken") as raised:
        DeviceGroup.from_device(device)
    expect_equal(
        (raised.error.driver, raised.error.slot),
        (device.driver_name, broken),
        "STB-8",
        "naming driver and slot",
    )
