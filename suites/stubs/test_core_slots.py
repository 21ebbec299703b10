"""Core slots: required of every driver."""

from __future__ import annotations

import pytest

from cts.checks import expect
from cts.hal import answered_by, slots
from cts.plugin.fixtures import NewDevice
from cts.slot_checks import SlotFault, check_slot

CORE = [name for name, slot in slots().items() if slot.kind == "core"]


@pytest.mark.spec("STB-1")
@pytest.mark.parametrize("name", [pytest.param(n, marks=pytest.mark.stub(n)) for n in CORE])
def test_slot_is_implemented(new_device: NewDevice, name: str) -> None:
    """Calls one core slot of a bare device: it is the driver's own and it works."""
    device = new_device()
    try:
        check_slot(name, device)
    except SlotFault as fault:
        expect(False, "STB-1", f"calling {name}", came_back=fault.fault, asks="a working slot")


@pytest.mark.spec("STB-9")
def test_every_slot_says_who_answers_it(new_device: NewDevice) -> None:
    """Every slot says driver or adapter, and a driver with nothing underneath adapts nothing."""
    device = new_device()
    device.query_capabilities()
    answers = {name: answered_by(device, name) for name in slots()}
    unknown = {name: a for name, a in answers.items() if a not in ("driver", "adapter")}
    expect(
        not unknown,
        "STB-9",
        "asking who answers each slot",
        came_back=unknown,
        asks="driver or adapter",
    )
