"""The pytest plugin's door: what is in every pytest session of an environment that has it.

It declares options, marks and fixtures, and nothing more: the rest (`hooks`, and with it numpy and
hypothesis) is loaded when a driver is named or the first case is met. Until then a session is left
alone.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from cts.plugin import command_line, hookspecs

if TYPE_CHECKING:
    import hypothesis

    from cts.hal import DeviceGroup, Driver
    from cts.plugin.driver_session import DriverSession
    from cts.plugin.fixtures import DeviceGroups, LoseDevice, NewDevice, NewGroup, Steer

DRIVER_FIXTURE = "hal_session"
"""A test that uses this fixture, itself or through another, is a case."""

_MARKS = (
    "spec(*ids, subject=None): the contract's requirements that the case fails for when they are"
    " broken; subject='objects' where it judges the lifetime or origin of objects",
    "needs(*slots, devices=N, **properties): what the driver must have for the case to apply",
    "timeout(seconds): what each phase of a case may take, instead of --hal-timeout",
    "core: without it there is no device group; no expectation excuses a failure",
    "stub(slot): the case judges this slot, and runs although the slot is broken",
)


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    """Declares the hooks of our own."""
    pluginmanager.add_hookspecs(hookspecs)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds the options."""
    command_line.add(parser)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(
    early_config: pytest.Config, parser: pytest.Parser
) -> Generator[None]:
    """Adds the short forms of the options that no plugin and no conftest has taken."""
    yield
    command_line.add_short_forms(early_config, parser)


def pytest_configure(config: pytest.Config) -> None:
    """Declares the marks, and stands ready."""
    for line in _MARKS:
        config.addinivalue_line("markers", line)
    door = Door(config)
    config.pluginmanager.register(door, "hal-cts-door")
    if command_line.any_given(config):
        door.open()


class Door:
    """Loads the rest of the plugin when a session turns out to need it."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._is_open = False

    def open(self) -> None:
        """Makes this session a run; once."""
        if not self._is_open:
            from cts.plugin import hooks
            from cts.plugin.isolation.protocol import Isolation
            from cts.plugin.recording import Recorder
            from cts.plugin.run import Run

            self._is_open = True
            run = Run.attach(self._config)
            self._config.pluginmanager.register(hooks, "hal-cts-hooks")
            recorder = Recorder(run)
            self._config.pluginmanager.register(recorder, "hal-cts-recorder")
            if Isolation.is_wanted(self._config, run):
                isolation = Isolation(self._config, run, recorder)
                self._config.pluginmanager.register(isolation, "hal-cts-isolation")

    @pytest.hookimpl(tryfirst=True)
    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Gives a case one variant for each driver selected."""
        if DRIVER_FIXTURE in metafunc.fixturenames:
            self.open()
            from cts.plugin import cases

            cases.parametrize(metafunc)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Opens for the first verdict that an xdist worker sends; the recorder takes the others."""
        if hasattr(report, "hal_cts") and not self._is_open:
            self.open()
            self._config.pluginmanager.getplugin("hal-cts-recorder").take(report)

    @pytest.hookimpl(tryfirst=True, optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: object) -> None:
        """Opens for a worker of xdist that has found out something, be it no verdict at all."""
        found = getattr(node, "workeroutput", {}).get("hal_cts")
        if found is not None and not self._is_open:
            self.open()
            from cts.plugin.run import run_of

            run_of(self._config).from_worker(found)


@pytest.fixture(scope="session")
def hal_session(request: pytest.FixtureRequest) -> DriverSession:
    """The case's driver in this process; every case is parametrised by it."""
    from cts.plugin.run import run_of

    return run_of(request.config).session_of(request.param)


@pytest.fixture(scope="session")
def hal_driver(hal_session: DriverSession) -> Driver:
    """The driver under test."""
    return hal_session.driver


@pytest.fixture(scope="session")
def device_groups(request: pytest.FixtureRequest) -> DeviceGroups:
    """The device group of each driver of the run; topology info is assigned in each."""
    from cts.plugin.fixtures import DeviceGroups

    return DeviceGroups(request.config)


@pytest.fixture
def device_group(hal_session: DriverSession) -> DeviceGroup:
    """The session's device group of the driver under test; not for a case to change."""
    return hal_session.group()


@pytest.fixture
def new_device(hal_session: DriverSession) -> Iterator[NewDevice]:
    """Makes fresh devices of the driver under test, in no group."""
    from cts.plugin.fixtures import NewDevice

    factory = NewDevice(hal_session)
    yield factory
    factory.release()


@pytest.fixture
def new_group(new_device: NewDevice) -> Iterator[NewGroup]:
    """Forms groups of devices of the driver under test."""
    from cts.plugin.fixtures import NewGroup

    factory = NewGroup(new_device)
    yield factory
    factory.release()


@pytest.fixture
def lose_device(hal_session: DriverSession) -> Iterator[LoseDevice]:
    """Has devices of the driver under test lost."""
    from cts.plugin.fixtures import LoseDevice

    losses = LoseDevice(hal_session)
    yield losses
    losses.release()


@pytest.fixture
def steer(new_device: NewDevice) -> Iterator[Steer]:
    """Observes and replaces slots of devices; ends before the devices are released."""
    from cts.plugin.fixtures import Steer

    steering = Steer()
    yield steering
    steering.release()


@pytest.fixture
def hal_search(request: pytest.FixtureRequest, hal_session: Any) -> Iterator[hypothesis.settings]:
    """Hypothesis' settings for a case: the same examples every time, unless ``--search``."""
    from cts.plugin.fixtures import search_settings

    with search_settings(request.config, request.node) as settings:
        yield settings
