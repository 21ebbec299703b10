"""The slot checks: each finds a broken slot by its effect, and blames no other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from cts.hal import Device, DeviceGroup, HalError, StatusCode, slots
from cts.registry import load
from cts.slot_checks import (
    CHECKED_SLOTS,
    SlotFault,
    check_slot,
    core_slot_faults,
    work_slot_faults,
)

STEERABLE_CORE = ("query_capabilities", "assign_topology_info", "refine_topology_edge")
WORK = [name for name, slot in slots().items() if slot.kind == "work" and name != "allocator"]

FAULTS: dict[str, Callable[..., Any]] = {
    "raises UNIMPLEMENTED": lambda *args, **kwargs: _raise(
        HalError(StatusCode.UNIMPLEMENTED, "test", "stub")
    ),
    "asserts": lambda *args, **kwargs: _raise(AssertionError("stub")),
    "lacks a field": lambda *args, **kwargs: _raise(AttributeError("stub")),
}


def _raise(error: Exception) -> None:
    raise error


def broken_maker(slot: str, function: Callable[..., Any]) -> Callable[[], Device]:
    """Makes devices of a good driver with one slot replaced."""

    def make() -> Device:
        device = load("local-sync")().create_device()
        device.__dict__[slot] = function
        return device

    return make


def test_a_good_driver_has_no_fault() -> None:
    make = load("local-sync")().create_device
    assert core_slot_faults(make) == {}
    assert work_slot_faults(make) == {}


@pytest.mark.parametrize("slot", STEERABLE_CORE)
@pytest.mark.parametrize("fault", FAULTS)
def test_a_broken_core_slot_is_the_only_one_blamed(slot: str, fault: str) -> None:
    assert list(core_slot_faults(broken_maker(slot, FAULTS[fault]))) == [slot]


@pytest.mark.parametrize("slot", WORK)
@pytest.mark.parametrize("fault", FAULTS)
def test_a_broken_work_slot_is_the_only_one_blamed(slot: str, fault: str) -> None:
    assert list(work_slot_faults(broken_maker(slot, FAULTS[fault]))) == [slot]


@pytest.mark.parametrize(
    "slot", [name for name in (*STEERABLE_CORE, *WORK) if "assign" not in name]
)
def test_a_stub_that_does_nothing_is_found(slot: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cts.slot_checks._TIMEOUT", 0.05)
    make = broken_maker(slot, lambda *args, **kwargs: None)
    with make() as device:
        if slots()[slot].kind == "core":
            with pytest.raises(SlotFault):
                check_slot(slot, device)
        else:
            with DeviceGroup.from_device(device), pytest.raises(SlotFault):
                check_slot(slot, device)


def test_every_required_slot_is_checked() -> None:
    required = {name for name, slot in slots().items() if slot.kind in ("core", "work")}
    assert required <= CHECKED_SLOTS


def test_a_slot_inherited_from_the_base_is_a_fault() -> None:
    with load("null")().create_device() as device, pytest.raises(SlotFault, match="inherited"):
        check_slot("create_semaphore", device)
