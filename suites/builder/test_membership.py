"""A device is in one living group at most."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from cts.checks import expect, expect_equal, expect_error
from cts.hal import Device, DeviceGroup, DeviceGroupBuilder, HalError, StatusCode
from cts.plugin.fixtures import NewDevice, NewGroup, Steer

ROUNDS = 50
TIMEOUT = 10.0


@pytest.mark.spec("GRP-12")
@pytest.mark.needs(devices=2)
def test_a_grouped_device_is_refused_at_add(new_device: NewDevice, new_group: NewGroup) -> None:
    """Adds a device of a living group to a builder: refused; the builder takes others."""
    device, other = new_device.many(2)
    new_group(device)
    builder = DeviceGroupBuilder()
    with expect_error(StatusCode.FAILED_PRECONDITION, "GRP-12", "adding a grouped device"):
        builder.add_device(device)
    builder.add_device(other)
    builder.finalize().release()


@pytest.mark.spec("GRP-12")
@pytest.mark.needs(devices=2)
def test_a_device_grouped_since_is_refused_at_finalize(new_device: NewDevice) -> None:
    """Adds a device to two builders: the second finalize is refused, the first group untouched."""
    device, other = new_device.many(2)
    builders = [DeviceGroupBuilder(), DeviceGroupBuilder()]
    builders[0].add_device(device)
    builders[1].add_device(other)
    builders[1].add_device(device)
    group = builders[0].finalize()
    info = device.topology_info
    with expect_error(StatusCode.FAILED_PRECONDITION, "GRP-12", "finalize with a grouped device"):
        builders[1].finalize()
    expect_equal(device.topology_info, info, "GRP-12", "the info of the grouped device")
    expect_equal(other.topology_info, None, "GRP-12", "the info of the other device")
    expect_equal(other.reference_count, 1, "GRP-12", "the count of the other device")
    group.release()


@pytest.mark.spec("GRP-12")
def test_a_device_grouped_since_is_not_asked_anything(new_device: NewDevice, steer: Steer) -> None:
    """Adds a device that would take every assignment to two builders: the second is refused, and
    no slot of the device is called for it."""
    device = new_device()
    builders = [DeviceGroupBuilder(), DeviceGroupBuilder()]
    for builder in builders:
        builder.add_device(device)
    with builders[0].finalize():
        calls: list[str] = []
        for slot in ("query_capabilities", "assign_topology_info"):
            steer.answer(device, slot, lambda original, *args, slot=slot: calls.append(slot))
        with expect_error(StatusCode.FAILED_PRECONDITION, "GRP-12", "finalize once more"):
            builders[1].finalize()
        expect_equal(calls, [], "GRP-12", "slots called by a finalize that is refused")
        steer.restore(device)


@pytest.mark.spec("GRP-12")
def test_it_may_join_a_new_group_after_its_own_is_gone(
    new_device: NewDevice, new_group: NewGroup
) -> None:
    """Ends a device's group and forms another: it works, with a topology of its own."""
    device = new_device()
    with new_group(device) as group:
        first = device.topology_info
    with new_group(device) as group:
        second = device.topology_info
        same = second is not None and second.topology is group.topology and second is not first
        expect(same, "GRP-12", "a second group", came_back=second, asks="its own topology")


@pytest.mark.spec("GRP-12")
def test_of_two_builders_in_two_threads_one_wins(new_device: NewDevice) -> None:
    """Finalizes two builders over one device at once, many times: always exactly one wins."""
    device = new_device()
    for round_ in range(ROUNDS):
        builders = [DeviceGroupBuilder(), DeviceGroupBuilder()]
        for builder in builders:
            builder.add_device(device)
        groups, codes = _finalize_at_once(builders)
        expect_equal(len(groups), 1, "GRP-12", f"groups formed in round {round_}, {codes}")
        expect_equal(codes, [StatusCode.FAILED_PRECONDITION], "GRP-12", f"errors, round {round_}")
        groups[0].release()
    expect_equal(device.reference_count, 1, "GRP-12", "the device's count afterwards")


def _finalize_at_once(
    builders: list[DeviceGroupBuilder],
) -> tuple[list[DeviceGroup], list[StatusCode]]:
    groups: list[DeviceGroup] = []
    codes: list[StatusCode] = []
    start = threading.Barrier(len(builders))

    def finalize(builder: DeviceGroupBuilder) -> None:
        start.wait(TIMEOUT)
        try:
            groups.append(builder.finalize())
        except HalError as error:
            codes.append(error.code)

    threads = [threading.Thread(target=finalize, args=(builder,)) for builder in builders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(TIMEOUT)
    alive = [thread for thread in threads if thread.is_alive()]
    expect(not alive, "GRP-12", "two finalizes", came_back="a hang", asks="both end")
    return groups, codes


@pytest.mark.spec("GRP-20")
@pytest.mark.needs(devices=2)
def test_a_device_destroyed_since_is_refused(new_device: NewDevice) -> None:
    """Destroys a device between add and finalize: refused, and the other device is free."""
    gone, other = new_device.many(2)
    other.query_capabilities()
    builder = DeviceGroupBuilder()
    builder.add_device(other)
    builder.add_device(gone)
    gone.release()
    with expect_error(StatusCode.FAILED_PRECONDITION, "GRP-20", "finalize with a destroyed device"):
        builder.finalize()
    with expect_error(StatusCode.FAILED_PRECONDITION, "GRP-20", "adding a destroyed device"):
        DeviceGroupBuilder().add_device(gone)
    expect_equal(other.reference_count, 1, "GRP-20", "the count of the other device")
    DeviceGroup.from_device(other).release()


@pytest.mark.spec("GRP-20")
@pytest.mark.needs(devices=2)
@pytest.mark.parametrize(
    "slot", ["query_capabilities", "refine_topology_edge", "assign_topology_info"]
)
def test_calls_from_inside_a_slot_are_refused(
    new_device: NewDevice, steer: Steer, slot: str
) -> None:
    """Calls the builder and releases the device from inside a slot: refused, and it goes on."""
    devices = new_device.many(2)
    builder = DeviceGroupBuilder()
    attempts: dict[str, Callable[[], object]] = {
        "add_device": lambda: builder.add_device(devices[0]),
        "finalize": lambda: builder.finalize(),
        "release": lambda: devices[0].release(),
    }
    codes: dict[str, object] = {}

    def reenter(original: object, *args: object) -> object:
        for name, attempt in attempts.items() if not codes else ():
            try:
                codes[name] = attempt()
            except HalError as error:
                codes[name] = error.code
        return original(*args)  # type: ignore[operator]

    for device in devices:
        if slot == "refine_topology_edge":
            steer.capabilities(device, devices[1].query_capabilities().__class__())
        builder.add_device(device)
    steer.answer(devices[0], slot, reenter)
    with builder.finalize() as group:
        wanted = dict.fromkeys(attempts, StatusCode.FAILED_PRECONDITION)
        expect_equal(codes, wanted, "GRP-20", f"calls from inside {slot}")
        expect_equal(group.device_count, 2, "GRP-20", "devices of the group nevertheless")
    expect_equal([d.reference_count for d in devices], [1, 1], "GRP-20", "counts afterwards")


@pytest.mark.spec("GRP-20")
@pytest.mark.needs(devices=2)
@pytest.mark.parametrize("slot", ["query_capabilities", "assign_topology_info"])
def test_no_lock_is_held_while_driver_code_runs(
    new_device: NewDevice, steer: Steer, slot: str
) -> None:
    """Forms a group of another device, on another thread, from inside a slot: no deadlock."""
    device, other = new_device.many(2)
    ended: list[bool] = []

    def elsewhere(original: object, *args: object) -> object:
        if not ended:
            thread = threading.Thread(target=_group_and_release, args=(other,))
            thread.start()
            thread.join(TIMEOUT)
            ended.append(not thread.is_alive())
        return original(*args)  # type: ignore[operator]

    steer.answer(device, slot, elsewhere)
    DeviceGroup.from_device(device).release()
    expect_equal(ended, [True], "GRP-20", f"a group formed from inside {slot}")


def _group_and_release(device: Device) -> None:
    DeviceGroup.from_device(device).release()


@pytest.mark.spec("GRP-20")
def test_what_the_driver_makes_meanwhile_may_come_and_go(
    new_device: NewDevice, steer: Steer
) -> None:
    """Retains and releases the device from inside a slot, as an object of its own would: fine."""
    device = new_device()

    def with_an_object(original: object, *args: object) -> object:
        device.retain().release()
        return original(*args)  # type: ignore[operator]

    steer.answer(device, "assign_topology_info", with_an_object)
    DeviceGroup.from_device(device).release()
    expect_equal(device.reference_count, 1, "GRP-20", "the count afterwards")
