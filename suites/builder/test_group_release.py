"""A group's last release: topology closed, devices un-assigned, then released, in reverse."""

from __future__ import annotations

from functools import partial

import pytest

from cts.checks import expect_equal, expect_error
from cts.hal import StatusCode
from cts.hal.testing import before_destruction
from cts.plugin.fixtures import NewDevice, NewGroup, Steer

ASSIGN = "assign_topology_info"


@pytest.mark.spec("GRP-17")
@pytest.mark.needs(devices=3)
def test_devices_are_unassigned_in_reverse_before_any_is_released(
    new_device: NewDevice, new_group: NewGroup, steer: Steer
) -> None:
    """Logs un-assignments with the counts then: last device first, all still held."""
    devices = new_device.many(3)
    group = new_group(*devices)
    log: list[tuple[int, object, list[int]]] = []

    def note(index: int) -> None:
        def unassign(original: object, info: object) -> None:
            log.append((index, info, [device.reference_count for device in devices]))
            original(info)  # type: ignore[operator]

        steer.answer(devices[index], ASSIGN, unassign)

    for index in range(3):
        note(index)
    group.release()
    wanted = [(index, None, [2, 2, 2]) for index in (2, 1, 0)]
    expect_equal(log, wanted, "GRP-17", "un-assignments, and reference counts at each")
    expect_equal([d.reference_count for d in devices], [1, 1, 1], "GRP-17", "counts afterwards")


@pytest.mark.spec("GRP-17")
@pytest.mark.needs(devices=2)
def test_devices_are_released_in_reverse(new_device: NewDevice, new_group: NewGroup) -> None:
    """Leaves the last references to a group: the device added last is destroyed first."""
    devices = new_device.many(2)
    destroyed: list[int] = []
    group = new_group(*devices)
    for index, device in enumerate(devices):
        before_destruction(device, partial(destroyed.append, index))
        device.release()
    group.release()
    expect_equal(destroyed, [1, 0], "GRP-17", "devices destroyed")


@pytest.mark.spec("GRP-17")
def test_the_topology_is_closed_before_a_device_is_told(
    new_device: NewDevice, new_group: NewGroup, steer: Steer
) -> None:
    """Reads the topology from inside the un-assignment: it is closed already."""
    device = new_device()
    group = new_group(device)
    info = device.topology_info
    assert info is not None
    seen: list[StatusCode] = []

    def unassign(original: object, new_info: object) -> None:
        with expect_error(StatusCode.FAILED_PRECONDITION, "GRP-17", "a read while un-assigning"):
            info.topology  # noqa: B018 - the read is what is tried
        seen.append(StatusCode.FAILED_PRECONDITION)
        original(new_info)  # type: ignore[operator]

    steer.answer(device, ASSIGN, unassign)
    group.release()
    expect_equal(len(seen), 1, "GRP-17", "un-assignments")


@pytest.mark.spec("GRP-17")
def test_a_device_that_outlives_it_has_no_topology_info(
    new_device: NewDevice, new_group: NewGroup
) -> None:
    """Ends a group: its device is alive, in no group."""
    device = new_device()
    new_group(device).release()
    expect_equal(device.topology_info, None, "GRP-17", "topology_info after the group")
    device.query_capabilities()
