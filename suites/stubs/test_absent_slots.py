"""Slots that a driver does not have: each refuses by name, and never pretends."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from cts.checks import expect, expect_error, unsupported
from cts.hal import Device, HandleType, StatusCode, implements, slots
from cts.plugin.fixtures import NewDevice, NewGroup
from cts.slot_checks import CHECKED_SLOTS, SlotFault, check_slot

NOT_REQUIRED = [name for name, slot in slots().items() if slot.kind in ("work", "optional")]
OPTIONAL = [name for name, slot in slots().items() if slot.kind == "optional"]

# What stands for a buffer or semaphore here is never looked at: the slot refuses before.
_OBJECT: Any = object()

CALLS: dict[str, Callable[[Device], object]] = {
    "allocator": lambda device: device.allocator,
    "create_semaphore": lambda device: device.create_semaphore(0),
    "queue_fill": lambda device: device.queue_fill(_OBJECT, 0, 4, b"\0"),
    "queue_update": lambda device: device.queue_update(b"data", _OBJECT, 0),
    "queue_copy": lambda device: device.queue_copy(_OBJECT, 0, _OBJECT, 0, 4),
    "queue_barrier": lambda device: device.queue_barrier(),
    "create_command_buffer": lambda device: device.create_command_buffer(),
    "queue_execute": lambda device: device.queue_execute(_OBJECT),
    "queue_alloca": lambda device: device.queue_alloca(64),
    "queue_dealloca": lambda device: device.queue_dealloca(_OBJECT),
    "queue_host_call": lambda device: device.queue_host_call(lambda: None),
    "create_executable": lambda device: device.create_executable("format", b"data"),
    "queue_dispatch": lambda device: device.queue_dispatch(_OBJECT, 0, (1, 1, 1)),
    "export_buffer": lambda device: device.export_buffer(_OBJECT, HandleType.OPAQUE_FD),
    "import_buffer": lambda device: device.import_buffer(_OBJECT, HandleType.OPAQUE_FD, 64),
    "export_semaphore": lambda device: device.export_semaphore(_OBJECT, HandleType.OPAQUE_FD),
    "import_semaphore": lambda device: device.import_semaphore(_OBJECT, HandleType.OPAQUE_FD),
    "query_semaphore_compatibility": lambda device: device.query_semaphore_compatibility(_OBJECT),
    "create_event": lambda device: device.create_event(),
    "trim": lambda device: device.trim(),
    "query_i64": lambda device: device.query_i64("category", "key"),
}


@pytest.mark.spec("STB-6", "STA-2")
@pytest.mark.parametrize("name", NOT_REQUIRED)
def test_refuses_naming_driver_and_slot(
    new_device: NewDevice, new_group: NewGroup, name: str
) -> None:
    """Calls a slot that the driver does not have: UNIMPLEMENTED, naming driver and slot."""
    device = new_device()
    if implements(device, name):
        unsupported(f"the driver has the slot {name}")
    new_group(device)
    with expect_error(StatusCode.UNIMPLEMENTED, "STB-6", f"calling {name}") as raised:
        CALLS[name](device)
    error = raised.error
    expect(
        (error.driver, error.slot) == (device.driver_name, name)
        and device.driver_name in str(error)
        and name in str(error),
        "STB-6",
        f"calling {name}",
        came_back=str(error),
        asks=f"driver {device.driver_name!r} and slot {name!r} named",
    )


@pytest.mark.spec("STB-6")
@pytest.mark.needs(work=True)
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.needs(name)) for name in OPTIONAL]
)
def test_one_that_is_there_has_its_effect(
    new_device: NewDevice, new_group: NewGroup, name: str
) -> None:
    """Calls an optional slot that the driver has: its effect is there, it is no placeholder."""
    if name not in CHECKED_SLOTS:
        unsupported(f"{name} is exercised together with what it works on")
    device = new_device()
    new_group(device)
    try:
        check_slot(name, device)
    except SlotFault as fault:
        expect(False, "STB-6", f"calling {name}", came_back=fault.fault, asks="a working slot")
