"""DeviceGroupBuilder.finalize: once, in order, each slot called as often as the contract says."""

from __future__ import annotations

import copy

import pytest

from cts.checks import expect, expect_equal, expect_error
from cts.hal import (
    Device,
    DeviceCapabilities,
    DeviceGroup,
    DeviceGroupBuilder,
    HalError,
    StatusCode,
)
from cts.hal.testing import MockDevice
from cts.plugin.fixtures import NewDevice, NewGroup, Steer

QUERY, REFINE, ASSIGN = "query_capabilities", "refine_topology_edge", "assign_topology_info"


@pytest.mark.spec("GRP-1")
def test_an_empty_builder_is_refused(new_device: NewDevice) -> None:
    """Finalizes an empty builder: refused; one with a device makes a group."""
    with expect_error(StatusCode.INVALID_ARGUMENT, "GRP-1", "finalize of an empty builder"):
        DeviceGroupBuilder().finalize()
    builder = DeviceGroupBuilder()
    builder.add_device(new_device())
    builder.finalize().release()


@pytest.mark.spec("GRP-6")
@pytest.mark.needs(devices=2)
@pytest.mark.parametrize("fails", [False, True], ids=["success", "failure"])
def test_uses_the_builder_up(new_device: NewDevice, steer: Steer, fails: bool) -> None:
    """Finalizes, well or not: any later call of the builder is refused."""
    device, other = new_device.many(2)
    builder = DeviceGroupBuilder()
    builder.add_device(device)
    if fails:
        steer.fail(device, ASSIGN, HalError(StatusCode.UNAVAILABLE, "steered"))
        with expect_error(StatusCode.UNAVAILABLE, "GRP-6", "finalize with a failing device"):
            builder.finalize()
    else:
        builder.finalize().release()
    with expect_error(StatusCode.FAILED_PRECONDITION, "GRP-6", "add_device after finalize"):
        builder.add_device(other)
    with expect_error(StatusCode.FAILED_PRECONDITION, "GRP-6", "a second finalize"):
        builder.finalize()


@pytest.mark.spec("GRP-6")
def test_an_empty_builder_is_used_up_too(new_device: NewDevice) -> None:
    """Finalizes an empty builder, then adds a device to it: refused."""
    builder = DeviceGroupBuilder()
    with expect_error(StatusCode.INVALID_ARGUMENT, "GRP-1", "finalize of an empty builder"):
        builder.finalize()
    device = new_device()
    device.query_capabilities()
    with expect_error(StatusCode.FAILED_PRECONDITION, "GRP-6", "add_device after finalize"):
        builder.add_device(device)


@pytest.mark.spec("GRP-7")
@pytest.mark.needs(devices=3)
def test_order_of_insertion_is_topology_order(new_device: NewDevice, new_group: NewGroup) -> None:
    """Adds devices in an order of its own: device_at and topology_index follow it."""
    first, second, third = new_device.many(3)
    order = [third, first, second]
    group = new_group(*order)
    found = [group.device_at(index) for index in range(3)]
    expect_equal([d.identifier for d in found], [d.identifier for d in order], "GRP-7", "device_at")
    indices = [device.topology_info and device.topology_info.topology_index for device in order]
    expect_equal(indices, [0, 1, 2], "GRP-7", "topology_index of each")


@pytest.mark.spec("GRP-8")
@pytest.mark.needs(devices=3)
def test_each_device_is_asked_once_before_any_edge(
    new_device: NewDevice, new_group: NewGroup, steer: Steer
) -> None:
    """Logs the slots: every query once, in order, before the first refinement."""
    devices = tuple(new_device.many(3))
    log = steer.log(devices, QUERY, REFINE, ASSIGN)
    new_group(*devices)
    queried = [device for slot, device, _ in log if slot == QUERY]
    expect_equal(queried, list(devices), "GRP-8", "devices asked for capabilities")
    first_three = [slot for slot, _, _ in log[:3]]
    expect_equal(first_three, [QUERY] * 3, "GRP-8", "the first three calls")


@pytest.mark.spec("GRP-9")
@pytest.mark.needs(devices=3)
def test_refine_is_called_once_for_each_ordered_pair(
    new_device: NewDevice, new_group: NewGroup, steer: Steer
) -> None:
    """Logs refinements: each of the six ordered pairs once, none from a device to itself."""
    devices = tuple(new_device.many(3))
    for device in devices:  # an isolated pair would not be refined
        steer.capabilities(device, DeviceCapabilities())
    log = steer.log(devices, REFINE)
    new_group(*devices)
    pairs = sorted((devices.index(device), devices.index(args[0])) for _, device, args in log)
    wanted = [(i, j) for i in range(3) for j in range(3) if i != j]
    expect_equal(pairs, wanted, "GRP-9", "pairs refined")


@pytest.mark.spec("GRP-9")
def test_refine_is_never_called_across_drivers(
    new_device: NewDevice, new_group: NewGroup, steer: Steer
) -> None:
    """Groups a device with two of another driver: it is never asked to refine."""
    device = new_device()
    log = steer.log(device, REFINE)
    with (
        MockDevice("a", "hal-cts-foreign") as first,
        MockDevice("b", "hal-cts-foreign") as second,
        new_group(first, device, second),
    ):
        refined = [c for mock in (first, second) for c in mock.calls if c[0] == REFINE]
        foreign = [args[0] for _, args in refined if args[0] not in (first, second)]
        expect_equal((log, foreign), ([], []), "GRP-9", "refinements across drivers")
        expect_equal(len(refined), 2, "GRP-9", "refinements within the other driver")


@pytest.mark.spec("GRP-10")
@pytest.mark.needs(devices=3)
def test_assign_is_called_once_for_each_device_at_the_end(
    new_device: NewDevice, new_group: NewGroup, steer: Steer
) -> None:
    """Logs assignments: each device once, in order, after the last refinement."""
    devices = tuple(new_device.many(3))
    log = steer.log(devices, QUERY, REFINE, ASSIGN)
    new_group(*devices)
    assigned = [device for slot, device, _ in log if slot == ASSIGN]
    expect_equal(assigned, list(devices), "GRP-10", "devices assigned")
    expect_equal([slot for slot, _, _ in log[-3:]], [ASSIGN] * 3, "GRP-10", "the last three calls")


@pytest.mark.spec("GRP-10")
@pytest.mark.needs(devices=2)
def test_the_matrix_is_complete_when_assign_is_called(
    new_device: NewDevice, new_group: NewGroup, steer: Steer
) -> None:
    """Reads the topology from inside the first assignment: every edge is there."""
    devices = new_device.many(2)
    seen = []

    def assign(original: object, info: object) -> None:
        if info is not None:
            topology = info.topology  # type: ignore[attr-defined]
            seen.append([topology.query_edge(i, j) for i in range(2) for j in range(2)])
        original(info)  # type: ignore[operator]

    steer.answer(devices[0], ASSIGN, assign)
    topology = new_group(*devices).topology
    wanted = [topology.query_edge(i, j) for i in range(2) for j in range(2)]
    expect_equal(seen, [wanted], "GRP-10", "edges seen inside assign_topology_info")


@pytest.mark.spec("GRP-13")
def test_from_device_is_the_builders_sequence(
    new_device: NewDevice, new_group: NewGroup, steer: Steer
) -> None:
    """Forms a group of one both ways: the same calls, the same topology."""
    device = new_device()
    log = steer.log(device, QUERY, REFINE, ASSIGN)
    with new_group(device) as group:
        built, topology = [slot for slot, _, _ in log], group.topology
    log.clear()
    with DeviceGroup.from_device(device) as group:
        expect_equal([slot for slot, _, _ in log], built, "GRP-13", "calls of from_device")
        expect_equal(group.topology, topology, "GRP-13", "the topology of from_device")


@pytest.mark.spec("GRP-13")
def test_from_device_has_the_builders_errors(new_device: NewDevice, steer: Steer) -> None:
    """Calls from_device with none, a grouped and a failing device: the builder's errors."""
    device = new_device()
    with expect_error(StatusCode.INVALID_ARGUMENT, "GRP-13", "from_device(None)"):
        DeviceGroup.from_device(None)  # type: ignore[arg-type]
    with (
        DeviceGroup.from_device(device),
        expect_error(StatusCode.FAILED_PRECONDITION, "GRP-13", "from_device of a grouped device"),
    ):
        DeviceGroup.from_device(device)
    steer.fail(device, QUERY, HalError(StatusCode.DATA_LOSS, "steered"))
    with expect_error(StatusCode.DATA_LOSS, "GRP-13", "from_device of a failing device"):
        DeviceGroup.from_device(device)


@pytest.mark.spec("GRP-14")
def test_device_at_takes_indices_in_range_only(device_group: DeviceGroup) -> None:
    """Asks for each index and for those past both ends: devices, and OUT_OF_RANGE."""
    count = device_group.device_count
    for index in range(count):
        device = device_group.device_at(index)
        expect(
            isinstance(device, Device),
            "GRP-14",
            f"device_at({index})",
            came_back=device,
            asks="a device",
        )
        info = device.topology_info
        expect_equal(info and info.topology_index, index, "GRP-14", f"device_at({index})")
    for index in (count, count + 1, -1, 1 << 63):
        with expect_error(StatusCode.OUT_OF_RANGE, "GRP-14", f"device_at({index})"):
            device_group.device_at(index)


@pytest.mark.spec("GRP-19")
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("flags", 1 << 12),
        ("semaphore_export_types", 1 << 8),
        ("semaphore_import_types", -1),
        ("buffer_export_types", 1 << 9),
        ("buffer_import_types", "fd"),
        ("numa_node", 256),
        ("numa_node", -1),
        ("physical_device_uuid", bytes(16)),
        ("physical_device_uuid", b"short"),
        ("driver_device_handle", -1),
    ],
)
@pytest.mark.needs(devices=2)
def test_malformed_capabilities_are_refused(
    new_device: NewDevice, steer: Steer, field: str, value: object
) -> None:
    """Lets the second of two devices answer with one bad field: refused, naming both."""
    devices = new_device.many(2)
    malformed = copy.copy(devices[1].query_capabilities())
    object.__setattr__(malformed, field, value)
    steer.answer(devices[1], QUERY, lambda original: malformed)
    _expect_refused(devices, StatusCode.INVALID_ARGUMENT, field, f"{field}={value!r}")


@pytest.mark.spec("GRP-19")
@pytest.mark.needs(devices=2)
@pytest.mark.parametrize("answer", [None, {}, 0], ids=["none", "dict", "int"])
def test_an_answer_that_is_no_capabilities_is_refused(
    new_device: NewDevice, steer: Steer, answer: object
) -> None:
    """Lets the second of two devices answer with none: INTERNAL, naming it and the slot."""
    devices = new_device.many(2)
    steer.answer(devices[1], QUERY, lambda original: answer)
    _expect_refused(devices, StatusCode.INTERNAL, QUERY, f"answering {answer!r}")


def _expect_refused(devices: list[Device], code: StatusCode, named: str, doing: str) -> None:
    builder = DeviceGroupBuilder()
    for device in devices:
        builder.add_device(device)
    with expect_error(code, "GRP-19", f"finalize with a device {doing}") as raised:
        builder.finalize()
    text = str(raised.error)
    both = named in text and devices[1].identifier in text
    expect(both, "GRP-19", doing, came_back=text, asks=f"{devices[1].identifier!r}, {named} named")
