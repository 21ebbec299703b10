"""Errors: one canonical code each, and a text that says what was wrong."""

from __future__ import annotations

import pytest

from cts.checks import expect, expect_equal, expect_error, unsupported
from cts.hal import (
    DEVICE_LOST,
    DeviceGroup,
    DeviceGroupBuilder,
    Driver,
    HalError,
    StatusCode,
    implements,
    slots,
)
from cts.plugin.exit_scenarios import CALLS
from cts.plugin.fixtures import LoseDevice, NewDevice, NewGroup

CANONICAL = {
    "CANCELLED": 1,
    "UNKNOWN": 2,
    "INVALID_ARGUMENT": 3,
    "DEADLINE_EXCEEDED": 4,
    "NOT_FOUND": 5,
    "ALREADY_EXISTS": 6,
    "PERMISSION_DENIED": 7,
    "RESOURCE_EXHAUSTED": 8,
    "FAILED_PRECONDITION": 9,
    "ABORTED": 10,
    "OUT_OF_RANGE": 11,
    "UNIMPLEMENTED": 12,
    "INTERNAL": 13,
    "UNAVAILABLE": 14,
    "DATA_LOSS": 15,
    "UNAUTHENTICATED": 16,
    "DEFERRED": 17,
    "INCOMPATIBLE": 18,
}
OPTIONAL = [name for name, slot in slots().items() if slot.kind == "optional"]
TOO_LARGE = 1 << 62
"""Bytes that no device has."""


@pytest.mark.spec("STA-1")
def test_a_slot_that_is_not_there_fails_with_a_canonical_code(
    new_device: NewDevice, new_group: NewGroup
) -> None:
    """Calls a slot that the driver does not have: the code's name and number are the contract's."""
    device = new_device()
    new_group(device)
    absent = [name for name in OPTIONAL if not implements(device, name)]
    for name in absent:
        with expect_error(StatusCode.UNIMPLEMENTED, "STA-1", f"calling {name}") as raised:
            CALLS[name](device)
        code = raised.error.code
        expect_equal(CANONICAL.get(code.name), int(code), "STA-1", f"the code of {code.name}")
    codes = {code.name: int(code) for code in StatusCode}
    expect_equal(codes, CANONICAL, "STA-1", "the table of codes")


@pytest.mark.spec("STA-1")
@pytest.mark.needs("create_semaphore")
@pytest.mark.parametrize("name", CANONICAL)
def test_a_failure_keeps_its_code(new_device: NewDevice, new_group: NewGroup, name: str) -> None:
    """Fails a semaphore with each code: query raises that code."""
    device = new_device()
    new_group(device)
    with device.create_semaphore() as semaphore:
        semaphore.fail(StatusCode[name], "on purpose")
        with expect_error(StatusCode[name], "STA-1", f"query after fail({name})"):
            semaphore.query()


@pytest.mark.spec("STA-2")
def test_an_index_out_of_range_is_named_with_its_limit(device_group: DeviceGroup) -> None:
    """Asks a group for a device past its end: operation, index and limit are in the text."""
    count = device_group.device_count
    device_group.topology.query_edge(0, 0)
    with expect_error(StatusCode.OUT_OF_RANGE, "STA-2", "device_at(4711)") as raised:
        device_group.device_at(4711)
    _expect_named(raised.error, "device_at", "4711", str(count - 1))


@pytest.mark.spec("STA-2")
@pytest.mark.needs(devices=2)
def test_a_capacity_is_named_with_the_device_beyond_it(new_device: NewDevice) -> None:
    """Adds a second device to a builder for one: operation, device and capacity are named."""
    first, second = new_device.many(2)
    builder = DeviceGroupBuilder(capacity=1)
    builder.add_device(first)
    with expect_error(StatusCode.RESOURCE_EXHAUSTED, "STA-2", "a second device") as raised:
        builder.add_device(second)
    _expect_named(raised.error, "add_device", second.identifier, "1")
    builder.finalize().release()


@pytest.mark.spec("STA-2")
@pytest.mark.needs("create_semaphore")
def test_a_drivers_own_error_names_the_operation(
    new_device: NewDevice, new_group: NewGroup
) -> None:
    """Signals a semaphore backwards: the driver's error has an operation in it."""
    device = new_device()
    new_group(device)
    with (
        device.create_semaphore(5) as semaphore,
        expect_error(StatusCode.INVALID_ARGUMENT, "STA-2", "signal(3) after 5") as raised,
    ):
        semaphore.signal(3)
    _expect_named(raised.error, raised.error.operation or "an operation")


@pytest.mark.spec("STA-3")
@pytest.mark.needs("allocator", native=True)
def test_a_native_code_is_kept(
    hal_driver: Driver, lose_device: LoseDevice, new_device: NewDevice, new_group: NewGroup
) -> None:
    """Allocates more than there is; on a lost device, where the driver refuses by a limit that it
    declares, and asks its library nothing: the library's own error code stays on the error."""
    device = new_device()
    new_group(device)
    properties = hal_driver.properties
    doing = "allocate(2**62)"
    with expect_error(StatusCode.RESOURCE_EXHAUSTED, "STA-3", doing) as raised:
        device.allocator.allocate(TOO_LARGE)
    if raised.error.native_code is None and properties.max_allocation is not None:
        if not properties.provokes_loss:
            unsupported("the driver refuses by its max_allocation; no other failure can be had")
        lose_device(device)
        doing += " on a lost device"
        with expect_error(DEVICE_LOST, "STA-3", doing) as raised:
            device.allocator.allocate(TOO_LARGE)
    expect(
        raised.error.native_code is not None,
        "STA-3",
        doing,
        came_back=str(raised.error),
        asks="the native code beside the canonical one",
    )


@pytest.mark.spec("STA-4")
def test_a_driver_that_runs_is_available(hal_driver: Driver) -> None:
    """Asks a driver whose cases run: it is available, and enumerates what it can create."""
    absent = hal_driver.available()
    expect(absent is None, "STA-4", "available()", came_back=absent, asks="none")
    infos = hal_driver.enumerate()
    expect(len(infos) > 0, "STA-4", "enumerate()", came_back=infos, asks="a device")
    paths = [info.path for info in infos]
    expect_equal(len(set(paths)), len(paths), "STA-4", f"counting the distinct paths of {paths}")


@pytest.mark.spec("STA-4")
def test_only_absence_is_unavailable(new_device: NewDevice) -> None:
    """Calls slots that the driver does not have: none says that the backend is absent."""
    device = new_device()
    device.query_capabilities()
    absent = [name for name in OPTIONAL if not implements(device, name)]
    if not absent:
        unsupported("the driver has each of these slots")
    for name in absent:
        with expect_error(StatusCode.UNIMPLEMENTED, "STA-4", f"calling {name}"):
            CALLS[name](device)


def _expect_named(error: HalError, *parts: str) -> None:
    missing = [part for part in parts if part not in str(error)]
    expect(not missing, "STA-2", "reading the error", came_back=str(error), asks=f"{missing} named")
