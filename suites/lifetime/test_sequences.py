"""Any sequence of retains and releases against a model of plain counts."""

from __future__ import annotations

import gc
from dataclasses import dataclass, field

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from cts.checks import expect_equal, expect_error
from cts.hal import Device, DeviceGroup, DeviceGroupBuilder, Module, Resource, StatusCode
from cts.hal import live_counts as count_live
from cts.hal.testing import before_destruction
from cts.plugin.fixtures import NewDevice

ONE_AND_SEVERAL = [1, pytest.param(2, marks=pytest.mark.needs(devices=2))]
THINGS = 14
"""Objects of all kinds that one sequence makes at most."""


@dataclass(eq=False)
class Counted:
    """A resource, and what the model knows of it."""

    thing: Resource
    holds: list[Counted] = field(default_factory=list)
    """What it retains for as long as it lives."""
    held: int = 1
    """References that the sequence itself has."""
    destroyed: int = 0

    def note_destruction(self) -> None:
        """Counts one destruction."""
        self.destroyed += 1


class RetainsAndReleases(RuleBasedStateMachine):
    """Makes devices, groups, modules and objects, and retains and releases them at random."""

    new_device: NewDevice
    most_devices: int
    object_kinds: tuple[str, ...]

    def __init__(self) -> None:
        super().__init__()
        self.all: list[Counted] = []

    # -- the model --------------------------------------------------------------------

    def count(self, counted: Counted) -> int:
        """References that the model says there are."""
        holders = [other for other in self.all if counted in other.holds and self.alive(other)]
        return counted.held + len(holders)

    def alive(self, counted: Counted) -> bool:
        """Whether somebody holds it."""
        return self.count(counted) > 0

    def living(self, kind: type[Resource]) -> list[Counted]:
        """What is alive of a kind."""
        return [c for c in self.all if isinstance(c.thing, kind) and self.alive(c)]

    def grouped(self, device: Counted) -> bool:
        """Whether a device is in a living group."""
        return any(device in group.holds for group in self.living(DeviceGroup))

    def add(self, thing: Resource, *holds: Counted) -> None:
        """Takes a new resource into the model."""
        counted = Counted(thing, list(holds))
        before_destruction(thing, counted.note_destruction)
        self.all.append(counted)

    # -- what can happen --------------------------------------------------------------

    @rule()
    def make_device(self) -> None:
        """Creates a device."""
        if len(self.all) < THINGS and len(self.living(Device)) < self.most_devices:
            device = self.new_device()
            self.new_device.forget(device)
            self.add(device)

    @rule(most=st.integers(1, THINGS))
    def form_group(self, most: int) -> None:
        """Forms a group of devices that are in none."""
        members = [device for device in self.living(Device) if not self.grouped(device)][:most]
        if members and len(self.all) < THINGS:
            builder = DeviceGroupBuilder()
            for member in members:
                assert isinstance(member.thing, Device)
                builder.add_device(member.thing)
            self.add(builder.finalize(), *members)

    @rule(number=st.integers(0, THINGS))
    def make_module(self, number: int) -> None:
        """Creates a module over a group."""
        groups = self.living(DeviceGroup)
        if groups and len(self.all) < THINGS:
            group = groups[number % len(groups)]
            assert isinstance(group.thing, DeviceGroup)
            self.add(Module(group.thing), group)

    @rule(number=st.integers(0, THINGS), kind=st.integers(0, THINGS))
    def make_object(self, number: int, kind: int) -> None:
        """Makes an object of a device."""
        devices = self.living(Device)
        if devices and self.object_kinds and len(self.all) < THINGS:
            device = devices[number % len(devices)]
            assert isinstance(device.thing, Device)
            self.add(make(device.thing, self.object_kinds[kind % len(self.object_kinds)]), device)

    @rule(number=st.integers(0, THINGS))
    def retain(self, number: int) -> None:
        """Retains one of them: refused once it is destroyed."""
        counted = self.all[number % len(self.all)] if self.all else None
        if counted and self.alive(counted):
            counted.thing.retain()
            counted.held += 1
        elif counted:
            with expect_error(StatusCode.FAILED_PRECONDITION, "LIF-6", "retain of what is gone"):
                counted.thing.retain()

    @rule(number=st.integers(0, THINGS))
    def release(self, number: int) -> None:
        """Releases what the sequence holds; a release of what is destroyed is refused."""
        counted = self.all[number % len(self.all)] if self.all else None
        if counted and counted.held:
            counted.held -= 1
            counted.thing.release()
        elif counted and not self.alive(counted):
            with expect_error(StatusCode.FAILED_PRECONDITION, "LIF-6", "release of what is gone"):
                counted.thing.release()

    # -- what holds at all times ------------------------------------------------------

    @invariant()
    def counts_are_the_models(self) -> None:
        """Compares every count, who is destroyed, and who is in a group."""
        for counted in self.all:
            thing, name = counted.thing, type(counted.thing).__name__
            wanted = self.count(counted)
            expect_equal(thing.reference_count, wanted, "LIF-1", f"the count of a {name}")
            expect_equal(counted.destroyed, int(not wanted), "LIF-6", f"ends of a {name}")
            if isinstance(thing, Device) and wanted:
                grouped = thing.topology_info is not None
                expect_equal(grouped, self.grouped(counted), "LIF-2", "having an info")

    def teardown(self) -> None:
        """Drops what is held, the newest first."""
        for counted in reversed(self.all):
            while counted.held:
                counted.held -= 1
                counted.thing.release()


def make(device: Device, kind: str) -> Resource:
    """One object of a device."""
    if kind == "buffer":
        return device.allocator.allocate(16)
    return device.create_semaphore() if kind == "semaphore" else device.create_command_buffer()


def run_sequences(
    factory: NewDevice, search: settings, devices: int, kinds: tuple[str, ...] = ()
) -> None:
    """Runs random sequences, and checks that they leave nothing alive."""

    class OnThisDriver(RetainsAndReleases):
        new_device = factory
        most_devices = devices
        object_kinds = kinds

    gc.collect()
    before = count_live()
    run_state_machine_as_test(OnThisDriver, settings=search)
    expect_equal(count_live(), before, "LIF-6", "live objects after all sequences")


@pytest.mark.spec("LIF-1", "LIF-2", "LIF-6", "MOD-2")
@pytest.mark.parametrize("devices", ONE_AND_SEVERAL)
def test_every_sequence_counts_as_the_model_does(
    new_device: NewDevice, hal_search: settings, devices: int
) -> None:
    """Runs random sequences over devices, groups and modules: counts and ends as in the model."""
    run_sequences(new_device, hal_search, devices)


@pytest.mark.spec("LIF-7", subject="objects")
@pytest.mark.needs("allocator", "create_semaphore", "create_command_buffer", children="retain")
@pytest.mark.parametrize("devices", ONE_AND_SEVERAL)
def test_every_sequence_with_objects_counts_as_the_model_does(
    new_device: NewDevice, hal_search: settings, devices: int
) -> None:
    """Runs random sequences with buffers, semaphores and command buffers besides."""
    run_sequences(new_device, hal_search, devices, ("buffer", "semaphore", "command_buffer"))
