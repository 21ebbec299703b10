"""What a case gets: devices and groups of its driver, and control over their slots."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from cts.hal import (
    Device,
    DeviceCapabilities,
    DeviceGroup,
    DeviceGroupBuilder,
    Resource,
    platform_distance,
)
from cts.hal.numa import NumaDistance
from cts.plugin import evidence
from cts.plugin.cases import case_of
from cts.plugin.driver_session import DriverSession
from cts.plugin.examples import settings_on
from cts.plugin.run import run_of

if TYPE_CHECKING:
    import hypothesis

EXAMPLES = 25
EXAMPLES_WHEN_SEARCHING = 500


class NewDevice:
    """Makes fresh devices in no group, and drops the case's reference to each at its end."""

    def __init__(self, session: DriverSession) -> None:
        self._session = session
        self._count = 0
        self._made: list[Device] = []

    def __call__(self) -> Device:
        """A new device; consecutive calls go round the driver's physical devices."""
        device = self._session.new_device(self._count)
        self._count += 1
        self._made.append(device)
        return device

    def forget(self, device: Device) -> None:
        """Leaves a device to the case entirely."""
        self._made = [other for other in self._made if other is not device]

    def many(self, count: int) -> list[Device]:
        """So many new devices."""
        return [self() for _ in range(count)]

    def release(self) -> None:
        """Drops the references that the case still has."""
        _release_all(self._made)


class LoseDevice:
    """Has devices lost, for good (`Driver.provoke_loss`).

    Devices of one non-zero `driver_device_handle` are lost together. The session's group may be
    among them: it is given up at the case's end.
    """

    def __init__(self, session: DriverSession) -> None:
        self._session = session
        self._lost: set[int] = set()

    def __call__(self, device: Device) -> None:
        """Returns once it is lost."""
        with evidence.aside():
            handle = device.query_capabilities().driver_device_handle
        self._lost |= {handle} - {0}
        self._session.driver.provoke_loss(device)

    def release(self) -> None:
        """Gives up what was lost with them."""
        if self._lost:
            with evidence.aside():
                self._session.give_up_lost(self._lost)


class NewGroup:
    """Forms groups, and ends those that the case leaves alive."""

    def __init__(self, new_device: NewDevice) -> None:
        self._new_device = new_device
        self._made: list[DeviceGroup] = []

    def __call__(
        self,
        *devices: Device,
        count: int | None = None,
        numa_distance: NumaDistance = platform_distance,
    ) -> DeviceGroup:
        """A group of these devices, or of `count` new ones."""
        builder = DeviceGroupBuilder(numa_distance=numa_distance)
        for device in devices or self._new_device.many(count or 1):
            builder.add_device(device)
        group = builder.finalize()
        self._made.append(group)
        return group

    def release(self) -> None:
        """Ends the groups that are still alive."""
        _release_all(self._made)


def _release_all(made: Sequence[Resource]) -> None:
    """Drops a reference of each that is alive, the last made first; one that fails stops none."""
    with ExitStack() as releases:
        for resource in made:
            releases.callback(_release, resource)


def _release(resource: Resource) -> None:
    if resource.reference_count > 0:
        resource.release()


class Steer:
    """Observes and replaces slots of the driver's own devices, until the case's end.

    Slots are looked up on the instance, so an attribute on the device stands in for its method.
    """

    def __init__(self) -> None:
        self._steered: list[tuple[Device, str, Any]] = []

    def answer(self, device: Device, slot: str, function: Callable[..., Any]) -> None:
        """From now on `function` answers the slot; it is called with the original and the
        arguments."""
        if isinstance(vars(Device)[slot], property):
            raise TypeError(f"the slot {slot!r} is a property: it cannot be steered")
        original = getattr(device, slot)
        self._steered.append((device, slot, vars(device).get(slot)))
        vars(device)[slot] = lambda *args, **kwargs: function(original, *args, **kwargs)

    def capabilities(self, device: Device, capabilities: DeviceCapabilities) -> None:
        """The device answers with these, and refines no edge."""
        self.answer(device, "query_capabilities", lambda original: capabilities)
        self.answer(device, "refine_topology_edge", lambda original, dst, edge: edge)

    def log(
        self, devices: Device | tuple[Device, ...], *slots: str
    ) -> list[tuple[str, Device, tuple[Any, ...]]]:
        """A list that gets (slot, device, arguments) of each call, which goes on to the slot."""
        calls: list[tuple[str, Device, tuple[Any, ...]]] = []

        def steer_one(device: Device, slot: str) -> None:
            def note(original: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
                calls.append((slot, device, args))
                return original(*args, **kwargs)

            self.answer(device, slot, note)

        for device in devices if isinstance(devices, tuple) else (devices,):
            for slot in slots:
                steer_one(device, slot)
        return calls

    def fail(
        self,
        device: Device,
        slot: str,
        error: BaseException,
        when: Callable[..., bool] = lambda *args: True,
    ) -> None:
        """Raises `error` from the slot's calls whose arguments `when` picks; passes on others."""

        def failing(original: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
            if when(*args):
                raise error
            return original(*args, **kwargs)

        self.answer(device, slot, failing)

    def restore(self, device: Device) -> None:
        """Gives a device all its own slots back."""
        self._undo([entry for entry in self._steered if entry[0] is device])
        self._steered = [entry for entry in self._steered if entry[0] is not device]

    def release(self) -> None:
        """Gives every device its own slots back."""
        self._undo(self._steered)

    @staticmethod
    def _undo(steered: list[tuple[Device, str, Any]]) -> None:
        for device, slot, before in reversed(steered):
            vars(device).pop(slot, None)
            if before is not None:
                vars(device)[slot] = before


class DeviceGroups(Mapping[str, DeviceGroup]):
    """One group for each driver of the run, by the name that its results go by; each is built when
    it is first asked for."""

    def __init__(self, config: pytest.Config) -> None:
        self._run = run_of(config)

    def __getitem__(self, driver: str) -> DeviceGroup:
        return self._run.session_of(driver).group()

    def __iter__(self) -> Iterator[str]:
        return iter(self._run.selection().records)

    def __len__(self) -> int:
        return len(self._run.selection().records)


@contextmanager
def search_settings(config: pytest.Config, item: pytest.Item) -> Iterator[hypothesis.settings]:
    """Hypothesis' settings for a case, with the example that an expectation has pinned. What it
    stores goes beside the results, not into the folder that pytest runs in."""
    import hypothesis  # here, since only some cases need it and it takes its time
    from hypothesis.configuration import set_hypothesis_home_dir
    from hypothesis.database import DirectoryBasedExampleDatabase

    run = run_of(config)
    folder = run.results.scratch_directory / "hypothesis"
    searching = run.options.search
    set_hypothesis_home_dir(folder)
    settings: dict[str, Any] = {
        "max_examples": EXAMPLES_WHEN_SEARCHING if searching else EXAMPLES,
        "deadline": None,
        "derandomize": not searching,
        "database": DirectoryBasedExampleDatabase(folder / "examples") if searching else None,
        "print_blob": True,
        "suppress_health_check": [
            hypothesis.HealthCheck.too_slow,
            hypothesis.HealthCheck.data_too_large,
        ],
    }
    case = case_of(item)
    entry = run.expected.of(case.driver).entry_of(case.id, core=case.core) if case else None
    pinned = entry.example if entry else ""
    yield settings_on(pinned, **settings) if pinned else hypothesis.settings(**settings)
    set_hypothesis_home_dir(None)
