"""Drivers with a bug in a slot: the stubs of the regression, one that does nothing for each slot,
and errors that say the wrong thing."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import cts.hal.device
import cts.hal.group_formation
from cts.hal import Device, DeviceInfo, HalError, StatusCode, TopologyAssignment, slots
from cts.hal.device import slot_function

from .changes import (
    allocator_class,
    buffer_class,
    change,
    command_buffer_class,
    declare,
    device_class,
    driver_class,
    semaphore_class,
)
from .registry import Mutant, mutant, register

LARGEST = 1 << 40
"""Bytes that can be allocated at once, by a driver that declares that."""

# -- the regression ---------------------------------------------------------------------------


@mutant("STB-1")
def query_capabilities_unimplemented() -> None:
    """query_capabilities is UNIMPLEMENTED."""

    def refuse(good: Any, self: Device) -> None:
        raise cts.hal.device.unimplemented(self, "query_capabilities")

    change(device_class(), "query_capabilities", refuse)


@mutant("STB-1")
def topology_info_has_no_field() -> None:
    """topology_info reads a field that nobody has made."""
    change(device_class(), "topology_info", lambda good, self: self._topology_info)


@mutant("STB-1")
def assign_topology_info_asserts() -> None:
    """assign_topology_info ends in an assertion."""

    def assign(good: Any, self: Device, info: Any) -> None:
        raise AssertionError("not yet")

    change(device_class(), "assign_topology_info", assign)


@mutant("STB-1")
def query_capabilities_inherited() -> None:
    """query_capabilities is the base's."""
    device_class().query_capabilities = Device.query_capabilities


# -- a stub that returns OK and does nothing, for every slot ----------------------------------


def stub(kind: Callable[[], Any], name: str) -> Callable[[], None]:
    """What puts a stub into a class."""

    def apply() -> None:
        cls = kind()
        member = getattr(cls, name)

        def nothing(self: Any, *args: Any, **kwargs: Any) -> None:
            return None

        nothing.__dict__.update(vars(slot_function(member)))
        setattr(cls, name, property(nothing) if isinstance(member, property) else nothing)

    return apply


def add_stubs() -> None:
    """Registers one for each slot, and for each method of what devices make."""
    for name, slot in slots().items():
        breaks = {"optional": "STB-6"}.get(slot.kind, "STB-1")
        if name == "topology_info":  # none is a valid answer, but for one that was assigned
            breaks = "STB-3"
        if name != "trim":  # where there is nothing to give back, it is right to do nothing
            _add("device", name, device_class, breaks)
    # What the check of a slot needs is told as that slot's fault.
    for name, breaks in {"read": "STB-1", "write": "STB-1", "map": "MEM-5"}.items():
        _add("buffer", name, buffer_class, breaks)
    _add("allocator", "allocate", allocator_class, "STB-1")
    for name, breaks in {
        "query": "STB-1",
        "signal": "STB-1",
        "wait": "SEM-3",
        "fail": "SEM-4",
    }.items():
        _add("semaphore", name, semaphore_class, breaks)
    for name, breaks in {
        "begin": "STB-1",
        "end": "STB-1",
        "fill": "STB-1",
        "update": "QUE-2",
        "copy": "QUE-3",
        "barrier": "QUE-8",
        "signal_event": "CMD-5",
        "reset_event": "CMD-6",
        "wait_events": "CMD-6",
    }.items():
        _add("command-buffer", name, command_buffer_class, breaks)


def _add(owner: str, name: str, kind: Callable[[], Any], breaks: str) -> None:
    register(
        Mutant(
            f"stub-{owner}-{name.replace('_', '-')}",
            breaks,
            f"A {owner.replace('-', ' ')}'s {name} does nothing and gives none.",
            stub(kind, name),
        )
    )


add_stubs()


# -- answers of core slots --------------------------------------------------------------------


@mutant("STB-2")
def query_capabilities_works_in_a_group_only() -> None:
    """query_capabilities works in a group only."""

    def refuse(good: Any, self: Device) -> Any:
        if self.topology_info is None:
            raise HalError(StatusCode.FAILED_PRECONDITION, "Device.query_capabilities")
        return good(self)

    change(device_class(), "query_capabilities", refuse)


@mutant("STB-3")
def topology_info_loses_a_field() -> None:
    """topology_info gives what was assigned without its self edge."""

    def lose(good: Any, self: Device) -> Any:
        info = good(self)
        return info and dataclasses.replace(info, self_edge=0)

    change(device_class(), "topology_info", lose)


@mutant("STB-4")
def assignment_cannot_be_taken_back() -> None:
    """assign_topology_info(none) does nothing."""

    def keep(good: Any, self: Any, info: Any) -> None:
        if info is not None:
            good(self, info)

    change(TopologyAssignment, "assign", keep)


@mutant("STB-5")
def refinement_makes_copies_dearer() -> None:
    """Refinement makes copies dearer for no reason."""
    change(
        device_class(),
        "refine_topology_edge",
        lambda good, self, dst, edge: edge.replace(copy_cost=15),
    )


@mutant("STB-7")
def enumerated_device_cannot_be_created() -> None:
    """A device is enumerated that cannot be created."""
    driver = driver_class()

    def create(good: Any, self: Any, info: Any = None) -> Any:
        if info is not None and info.path == "gone":
            raise HalError(StatusCode.NOT_FOUND, "Driver.create_device", "it is gone")
        return good(self, info)

    gone = DeviceInfo(path="gone", name="gone")
    change(driver, "enumerate", lambda good, self: [*good(self), gone])
    change(driver, "create_device", create)


@mutant("STB-9")
def slot_answered_by_nobody() -> None:
    """A slot says that nobody answers it."""
    device = device_class()
    change(device, "query_capabilities", lambda good, self: good(self))
    device.query_capabilities._slot = (None, "nobody")


# -- errors -----------------------------------------------------------------------------------


def refuse_absent_slots_with(code: StatusCode) -> None:
    """Slots that a driver does not have raise another code."""
    refusal = cts.hal.device.unimplemented

    def refuse(device: Device, name: str) -> HalError:
        error = refusal(device, name)
        error.code = code
        return error

    cts.hal.device.unimplemented = refuse


@mutant("STA-1")
def absent_slot_fails_as_internal() -> None:
    """A slot that is not there fails as INTERNAL."""
    refuse_absent_slots_with(StatusCode.INTERNAL)


@mutant("STA-2")
def error_text_is_its_code() -> None:
    """An error's text is its code alone."""
    HalError.__str__ = lambda self: self.code.name  # type: ignore[method-assign]


@mutant("STA-3", driver="iree-local-sync")
def native_code_dropped() -> None:
    """The native code is dropped."""

    def forget(good: Any, self: HalError, *args: Any, **kwargs: Any) -> None:
        good(self, *args, **kwargs | {"native_code": None})

    change(HalError, "__init__", forget)


@mutant("STA-3")
def native_code_of_a_loss_dropped() -> None:
    """A native driver that knows its largest allocation by itself drops the code of a loss."""
    driver_class().native = True
    declare(max_allocation=LARGEST)

    def make(good: Any, self: Any, device: Any, wanted: Any) -> Any:
        if wanted.size > LARGEST:
            operation, detail = "Allocator.allocate", f"size is {wanted.size}: at most {LARGEST}"
            raise HalError(StatusCode.RESOURCE_EXHAUSTED, operation, detail)
        return good(self, device, wanted)

    change(allocator_class(), "_make", make)


@mutant("STA-4")
def absent_slot_says_the_backend_is_absent() -> None:
    """A slot that is not there says that the backend is absent."""
    refuse_absent_slots_with(StatusCode.UNAVAILABLE)


@mutant("STB-6")
def refusal_names_no_slot() -> None:
    """The refusal of a slot that is not there does not name it."""
    refusal = cts.hal.device.unimplemented

    def refuse(device: Device, name: str) -> HalError:
        refused = refusal(device, name)
        return HalError(refused.code, "Device", "it is not implemented")

    cts.hal.device.unimplemented = refuse


@mutant("STB-8")
def error_does_not_name_its_slot() -> None:
    """An error out of a slot does not name it."""
    formation: Any = cts.hal.group_formation
    formation._blamed = lambda device, slot, error: HalError(
        StatusCode.INTERNAL, "DeviceGroupBuilder.finalize"
    )
