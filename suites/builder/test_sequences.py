"""Any sequence of builder calls against a model: plain lists of what should be where."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from cts.checks import expect_equal
from cts.hal import Device, DeviceGroup, DeviceGroupBuilder, HalError, StatusCode
from cts.plugin.fixtures import NewDevice

DEVICES = 3
CAPACITY = 2


class BuilderSequences(RuleBasedStateMachine):
    """Adds, finalizes and releases at random; the model says which call fails, and how."""

    pool: tuple[Device, ...]

    def __init__(self) -> None:
        super().__init__()
        self.builder = DeviceGroupBuilder(capacity=CAPACITY)
        self.added: list[Device] | None = []
        self.groups: list[tuple[DeviceGroup, list[Device]]] = []

    def grouped(self, device: Device) -> bool:
        """Whether the model has a device in a living group."""
        return any(device in members for _, members in self.groups)

    @rule(number=st.integers(0, DEVICES - 1))
    def add(self, number: int) -> None:
        """Adds a device of the pool."""
        device = self.pool[number]
        wanted = None
        if self.added is None or self.grouped(device):
            wanted = StatusCode.FAILED_PRECONDITION
        elif device in self.added:
            wanted = StatusCode.ALREADY_EXISTS
        elif len(self.added) == CAPACITY:
            wanted = StatusCode.RESOURCE_EXHAUSTED
        found = _code_of(lambda: self.builder.add_device(device))
        allowed = [wanted]
        if self.added is not None and self.grouped(device) and device in self.added:
            allowed.append(StatusCode.ALREADY_EXISTS)  # both hold; either may be told
        if self.added is not None and self.grouped(device) and len(self.added) == CAPACITY:
            allowed.append(StatusCode.RESOURCE_EXHAUSTED)
        expect_equal(found in allowed, True, "GRP-6", f"add_device: {found} of {allowed}")
        if found is None and self.added is not None:
            self.added.append(device)

    @rule()
    def add_nothing(self) -> None:
        """Adds what is no device."""
        found = _code_of(lambda: self.builder.add_device(None))  # type: ignore[arg-type]
        used_up = self.added is None
        code = StatusCode.FAILED_PRECONDITION if used_up else StatusCode.INVALID_ARGUMENT
        expect_equal(found, code, "GRP-4", "add_device(None)")

    @rule()
    def finalize(self) -> None:
        """Finalizes, which uses the builder up whatever comes of it."""
        wanted = None
        if self.added is None or any(self.grouped(device) for device in self.added):
            wanted = StatusCode.FAILED_PRECONDITION
        elif not self.added:
            wanted = StatusCode.INVALID_ARGUMENT
        formed: list[DeviceGroup] = []
        found = _code_of(lambda: formed.append(self.builder.finalize()))
        expect_equal(found, wanted, "GRP-6", f"finalize of {self.added}")
        if formed and self.added is not None:
            self.groups.append((formed[0], self.added))
        self.added = None

    @rule()
    def start_anew(self) -> None:
        """Takes another builder."""
        self.builder = DeviceGroupBuilder(capacity=CAPACITY)
        self.added = []

    @rule()
    def release_a_group(self) -> None:
        """Releases the oldest group."""
        if self.groups:
            group, _ = self.groups.pop(0)
            group.release()

    @invariant()
    def devices_are_where_the_model_says(self) -> None:
        """Compares members, indices, infos and counts with the model's."""
        for group, members in self.groups:
            found = [group.device_at(index) for index in range(group.device_count)]
            expect_equal(found, members, "GRP-7", "the devices of a group")
            for index, device in enumerate(members):
                info = device.topology_info
                expect_equal(info and info.topology_index, index, "GRP-7", "topology_index")
        for device in self.pool:
            grouped = self.grouped(device)
            expect_equal(device.topology_info is not None, grouped, "GRP-17", "having an info")
            expect_equal(device.reference_count, 1 + grouped, "LIF-1", "reference_count")

    def teardown(self) -> None:
        """Ends the groups that are left."""
        for group, _ in self.groups:
            group.release()


def _code_of(call: object) -> StatusCode | None:
    try:
        call()  # type: ignore[operator]
    except HalError as error:
        return error.code
    return None


@pytest.mark.spec("GRP-1", "GRP-2", "GRP-3", "GRP-4", "GRP-6", "GRP-7", "GRP-12")
@pytest.mark.needs(devices=DEVICES)
def test_every_sequence_does_what_the_model_does(
    new_device: NewDevice, hal_search: settings
) -> None:
    """Runs random sequences over three devices: every code, member and count as in the model."""

    class OnThisDriver(BuilderSequences):
        pool = tuple(new_device.many(DEVICES))

    run_state_machine_as_test(OnThisDriver, settings=hal_search)
