"""Any sequence of retains and releases against a model of plain counts."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from cts.checks import expect_equal, expect_error
from cts.hal import DeviceGroup, Module, Resource, StatusCode
from cts.plugin.fixtures import NewDevice


class RetainsAndReleases(RuleBasedStateMachine):
    """A device, its group and a module over it; the model counts who holds what."""

    new_device: NewDevice

    @initialize()
    def make(self) -> None:
        """Makes the three, each held once by whoever made it."""
        device = self.new_device()
        group = DeviceGroup.from_device(device)
        self.device = device
        self.things: dict[str, Resource] = {
            "device": device,
            "group": group,
            "module": Module(group),
        }
        self.held = dict.fromkeys(self.things, 1)

    def alive(self, name: str) -> bool:
        """Whether somebody holds it: its holder, or what holds it in turn."""
        return self.count(name) > 0

    def count(self, name: str) -> int:
        """References that the model says there are."""
        holder = {"device": "group", "group": "module"}.get(name)
        return self.held[name] + (self.alive(holder) if holder else 0)

    @rule(name=st.sampled_from(["device", "group", "module"]))
    def retain(self, name: str) -> None:
        """Retains one of them: refused once it is destroyed."""
        if self.alive(name):
            self.things[name].retain()
            self.held[name] += 1
        else:
            with expect_error(StatusCode.FAILED_PRECONDITION, "LIF-6", f"retain of the {name}"):
                self.things[name].retain()

    @rule(name=st.sampled_from(["device", "group", "module"]))
    def release(self, name: str) -> None:
        """Releases what is held; one too many is an error."""
        if self.held[name]:
            self.things[name].release()
            self.held[name] -= 1
        elif not self.alive(name):
            with expect_error(StatusCode.FAILED_PRECONDITION, "LIF-6", f"release of the {name}"):
                self.things[name].release()

    @invariant()
    def counts_are_the_models(self) -> None:
        """Compares every count, and whether the device is in its group."""
        for name, thing in self.things.items():
            expect_equal(thing.reference_count, self.count(name), "LIF-1", f"count of the {name}")
        if self.alive("device"):
            info = self.device.topology_info
            expect_equal(info is not None, self.alive("group"), "LIF-4", "having an info")

    def teardown(self) -> None:
        """Drops what is held, from the outside in."""
        for name in ("module", "group", "device"):
            while self.held[name]:
                self.held[name] -= 1
                self.things[name].release()


@pytest.mark.spec("LIF-1", "LIF-6", "MOD-2")
def test_every_sequence_counts_as_the_model_does(
    new_device: NewDevice, hal_search: settings
) -> None:
    """Runs random retains and releases of device, group and module: counts as in the model."""
    factory = new_device

    class OnThisDriver(RetainsAndReleases):
        new_device = factory

    run_state_machine_as_test(OnThisDriver, settings=hal_search)
