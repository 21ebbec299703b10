"""Destruction: once, at the last reference; nothing of the resource can be used afterwards."""

from __future__ import annotations

import pytest

from cts.checks import expect, expect_equal, expect_error
from cts.hal import StatusCode, live_counts
from cts.hal.testing import before_destruction
from cts.plugin.exit_scenarios import CALLS
from cts.plugin.fixtures import NewDevice, NewGroup


@pytest.mark.spec("LIF-6")
def test_a_device_is_destroyed_once_at_its_last_reference(new_device: NewDevice) -> None:
    """Retains twice, releases three times: destroyed at the third and not before."""
    device = new_device()
    device.query_capabilities()
    destroyed: list[str] = []
    before_destruction(device, lambda: destroyed.append("once"))
    device.retain().retain()
    device.release()
    device.release()
    expect_equal((device.reference_count, destroyed), (1, []), "LIF-6", "one reference left")
    device.query_capabilities()
    device.release()
    expect_equal((device.reference_count, len(destroyed)), (0, 1), "LIF-6", "the last release")


@pytest.mark.spec("LIF-6")
@pytest.mark.parametrize("name", CALLS)
def test_a_slot_of_a_destroyed_device_refuses(new_device: NewDevice, name: str) -> None:
    """Calls a slot of a destroyed device: FAILED_PRECONDITION; its name can still be read."""
    device = new_device()
    identifier = device.identifier
    device.query_capabilities()
    device.release()
    with expect_error(StatusCode.FAILED_PRECONDITION, "LIF-6", f"{name} after destruction"):
        CALLS[name](device)
    expect_equal(device.identifier, identifier, "LIF-6", "the identifier after destruction")


@pytest.mark.spec("LIF-6")
def test_a_release_too_many_is_an_error(new_device: NewDevice, new_group: NewGroup) -> None:
    """Releases a destroyed device and group once more, and retains them: refused."""
    device = new_device()
    group = new_group(device)
    group.release()
    device.query_capabilities()
    device.release()
    for thing in (device, group):
        for operation in (thing.release, thing.retain):
            with expect_error(StatusCode.FAILED_PRECONDITION, "LIF-6", f"{operation.__name__}"):
                operation()


@pytest.mark.spec("LIF-6")
def test_nothing_is_left_of_a_destroyed_device(new_device: NewDevice, new_group: NewGroup) -> None:
    """Counts live objects around a device and its group: as before."""
    new_device().release()
    before = live_counts()
    device = new_device()
    group = new_group(device)
    expect(
        live_counts() != before,
        "LIF-6",
        "live objects with a group",
        came_back=before,
        asks="two more",
    )
    group.release()
    device.release()
    expect_equal(live_counts(), before, "LIF-6", "live objects afterwards")
