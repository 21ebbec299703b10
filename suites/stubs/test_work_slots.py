"""Work slots: required where the driver does work, refused where it does not."""

from __future__ import annotations

import pytest

from cts.checks import expect
from cts.hal import slots
from cts.plugin.fixtures import NewDevice, NewGroup
from cts.slot_checks import WORK_SLOTS_NEEDED, SlotFault, check_slot

WORK = [name for name, slot in slots().items() if slot.kind == "work"]
_PARAMS = [
    pytest.param(
        name,
        marks=[pytest.mark.stub(name), pytest.mark.needs(name, *WORK_SLOTS_NEEDED.get(name, ()))],
    )
    for name in WORK
]


@pytest.mark.spec("STB-1")
@pytest.mark.parametrize("name", _PARAMS)
def test_slot_is_implemented(new_device: NewDevice, new_group: NewGroup, name: str) -> None:
    """Calls one work slot of a device in a group: the driver has it, and its effect is there."""
    device = new_device()
    new_group(device)
    try:
        check_slot(name, device)
    except SlotFault as fault:
        expect(False, "STB-1", f"calling {name}", came_back=fault.fault, asks="a working slot")
