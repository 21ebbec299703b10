"""A failure at any step of finalize: everything is as it was before, and the error says where."""

from __future__ import annotations

import pytest

from cts.checks import expect, expect_equal, expect_error
from cts.hal import Device, DeviceCapabilities, DeviceGroupBuilder, HalError, StatusCode
from cts.plugin.fixtures import NewDevice, NewGroup, Steer

QUERY, REFINE, ASSIGN = "query_capabilities", "refine_topology_edge", "assign_topology_info"
COUNT = 3
STEPS = [(slot, at) for slot in (QUERY, REFINE, ASSIGN) for at in range(COUNT)]
IDS = [f"{slot}-of-{at}" for slot, at in STEPS]


def steered(
    new_device: NewDevice, steer: Steer, slot: str, at: int, error: BaseException
) -> list[Device]:
    """Three devices, of which one fails at one slot."""
    devices = new_device.many(COUNT)
    for device in devices if slot == REFINE else ():
        steer.capabilities(device, DeviceCapabilities())  # an isolated pair would not be refined
    steer.fail(devices[at], slot, error, when=lambda *args: slot != ASSIGN or args[0] is not None)
    return devices


def builder_of(devices: list[Device]) -> DeviceGroupBuilder:
    """A builder with these devices."""
    builder = DeviceGroupBuilder()
    for device in devices:
        builder.add_device(device)
    return builder


def expect_untouched(devices: list[Device], counts: list[int], doing: str) -> None:
    """Checks counts and topology infos, and that the devices can be in a group."""
    expect_equal([d.reference_count for d in devices], counts, "GRP-11", f"counts after {doing}")
    infos = [device.topology_info for device in devices]
    expect_equal(infos, [None] * len(devices), "GRP-11", f"topology infos after {doing}")


@pytest.mark.spec("GRP-11")
@pytest.mark.needs(devices=COUNT)
@pytest.mark.parametrize(("slot", "at"), STEPS, ids=IDS)
def test_a_failure_keeps_its_code_and_leaves_no_trace(
    new_device: NewDevice, new_group: NewGroup, steer: Steer, slot: str, at: int
) -> None:
    """Fails one slot of one device: that code, no trace, and a new builder succeeds."""
    error = HalError(StatusCode.DATA_LOSS, "steered")
    devices = steered(new_device, steer, slot, at, error)
    counts = [device.reference_count for device in devices]
    doing = f"{slot} failing on device {at}"
    with expect_error(StatusCode.DATA_LOSS, "GRP-11", doing) as raised:
        builder_of(devices).finalize()
    expect_equal(raised.error.slot, slot, "GRP-11", f"the slot named after {doing}")
    expect_equal(
        raised.error.driver, devices[at].driver_name, "GRP-11", f"the driver named after {doing}"
    )
    expect_untouched(devices, counts, doing)
    for device in devices:
        steer.restore(device)
    with new_group(*devices) as group:
        expect_equal(group.device_count, COUNT, "GRP-11", f"a new group after {doing}")


@pytest.mark.spec("GRP-11")
@pytest.mark.needs(devices=COUNT)
@pytest.mark.parametrize("at", range(COUNT))
def test_assignments_are_taken_back_in_reverse(
    new_device: NewDevice, steer: Steer, at: int
) -> None:
    """Fails the assignment on one device: those before it are un-assigned, last first."""
    devices = steered(new_device, steer, ASSIGN, at, HalError(StatusCode.UNAVAILABLE, "steered"))
    log = steer.log(tuple(devices), ASSIGN)
    with expect_error(StatusCode.UNAVAILABLE, "GRP-11", f"assign failing on device {at}"):
        builder_of(devices).finalize()
    calls = [(devices.index(device), info is None) for _, device, (info,) in log]
    wanted = [(i, False) for i in range(at + 1)] + [(i, True) for i in reversed(range(at))]
    expect_equal(calls, wanted, "GRP-11", "assignments, and those taken back")


@pytest.mark.spec("GRP-11")
@pytest.mark.needs(devices=COUNT)
@pytest.mark.parametrize("slot", [QUERY, REFINE, ASSIGN])
@pytest.mark.parametrize("kind", [AssertionError, AttributeError, ValueError, MemoryError])
def test_another_exception_becomes_internal(
    new_device: NewDevice, steer: Steer, slot: str, kind: type[Exception]
) -> None:
    """Raises what is no HalError: INTERNAL naming driver and slot, the original as its cause."""
    original = kind("steered")
    devices = steered(new_device, steer, slot, 1, original)
    counts = [device.reference_count for device in devices]
    doing = f"{slot} raising {kind.__name__}"
    with expect_error(StatusCode.INTERNAL, "GRP-11", doing) as raised:
        builder_of(devices).finalize()
    error = raised.error
    named = error.driver == devices[1].driver_name and error.slot == slot
    named = named and devices[1].driver_name in str(error) and slot in str(error)
    expect(named, "GRP-11", doing, came_back=str(error), asks="driver and slot named")
    expect(
        error.__cause__ is original,
        "GRP-11",
        doing,
        came_back=error.__cause__,
        asks="the original exception as the cause",
    )
    expect_untouched(devices, counts, doing)


@pytest.mark.spec("GRP-11")
@pytest.mark.needs(devices=COUNT)
@pytest.mark.parametrize("slot", [QUERY, REFINE, ASSIGN])
@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit])
def test_an_interrupt_rolls_back_and_passes_through(
    new_device: NewDevice, steer: Steer, slot: str, kind: type[BaseException]
) -> None:
    """Interrupts a slot: the interrupt itself comes out, and everything is as before."""
    original = kind("steered")
    devices = steered(new_device, steer, slot, COUNT - 1, original)
    counts = [device.reference_count for device in devices]
    with pytest.raises(kind) as raised:
        builder_of(devices).finalize()
    doing = f"{kind.__name__} in {slot}"
    expect(raised.value is original, "GRP-11", doing, came_back=raised.value, asks="it itself")
    expect_untouched(devices, counts, doing)


@pytest.mark.spec("GRP-16")
@pytest.mark.needs(devices=COUNT)
def test_later_errors_are_attached_in_order(new_device: NewDevice, steer: Steer) -> None:
    """Fails the last assignment and both un-assignments: the first error, the others on it."""
    first = HalError(StatusCode.RESOURCE_EXHAUSTED, "first")
    devices = steered(new_device, steer, ASSIGN, COUNT - 1, first)
    for index in (0, 1):
        later = HalError(StatusCode.ABORTED, f"later {index}")
        steer.fail(devices[index], ASSIGN, later, when=lambda info: info is None)
    log = steer.log(tuple(devices), ASSIGN)
    with expect_error(StatusCode.RESOURCE_EXHAUSTED, "GRP-16", "assign failing") as raised:
        builder_of(devices).finalize()
    also = [getattr(error, "operation", error) for error in raised.error.also]
    expect_equal(also, ["later 1", "later 0"], "GRP-16", "errors attached to the first")
    undone = [devices.index(device) for _, device, (info,) in log if info is None]
    expect_equal(undone, [1, 0], "GRP-16", "devices un-assigned although that fails")
    for device in devices:
        steer.restore(device)
        device.assign_topology_info(None)


@pytest.mark.spec("GRP-16")
@pytest.mark.needs(devices=COUNT)
def test_a_group_goes_although_an_unassign_fails(
    new_device: NewDevice, new_group: NewGroup, steer: Steer
) -> None:
    """Fails two un-assignments at the group's end: all are tried, all devices released."""
    devices = new_device.many(COUNT)
    group = new_group(*devices)
    for index in (0, 2):
        error = HalError(StatusCode.ABORTED, f"unassign {index}")
        steer.fail(devices[index], ASSIGN, error, when=lambda info: info is None)
    log = steer.log(tuple(devices), ASSIGN)
    with expect_error(StatusCode.ABORTED, "GRP-16", "releasing the group") as raised:
        group.release()
    names = [raised.error.operation, *(e.operation for e in raised.error.also)]  # type: ignore[attr-defined]
    expect_equal(names, ["unassign 2", "unassign 0"], "GRP-16", "the errors, in order")
    expect_equal([devices.index(d) for _, d, _ in log], [2, 1, 0], "GRP-16", "devices un-assigned")
    counts = [device.reference_count for device in devices]
    expect_equal(counts, [1, 1, 1], "GRP-16", "reference counts afterwards")
    for device in devices:
        steer.restore(device)
        device.assign_topology_info(None)
