"""A process's end, and its forks: orderly, with a group alive."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from cts.checks import expect_equal, unsupported
from cts.hal import DeviceGroup
from cts.plugin.driver_session import DriverSession
from cts.plugin.exit_scenarios import END_OF_WORK

TIMEOUT = 60.0


def run_scenario(scenario: str, session: DriverSession) -> tuple[int, str, str]:
    """Exit status, what a scenario in a process of its own printed, and what it said at its end.

    What is on the error stream before that is the driver's own matter, unless nothing comes after.
    """
    paths = [info.path for info in session.infos]
    done = subprocess.run(
        [sys.executable, "-m", "cts.plugin.exit_scenarios", scenario, session.name, *paths],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(map(str, sys.path))},
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )
    before, mark, after = done.stderr.partition(END_OF_WORK)
    return done.returncode, done.stdout.strip(), (after if mark else before).strip()


@pytest.mark.spec("LIF-10")
def test_exit_with_a_live_group_is_orderly(
    hal_session: DriverSession, device_group: DeviceGroup
) -> None:
    """Ends an interpreter with module, group, devices and objects alive: status 0, no word."""
    device_group.device_at(0).query_capabilities()
    found = run_scenario("exit-with-live-group", hal_session)
    expect_equal(found, (0, "ok", ""), "LIF-10", "exit with a live group")


@pytest.mark.spec("LIF-10")
def test_a_forked_child_leaves_the_parents_devices_alone(
    hal_session: DriverSession, device_group: DeviceGroup
) -> None:
    """Forks with a group alive: the child's calls are refused, the parent's device works on."""
    if not hasattr(os, "fork"):
        unsupported("the platform has no fork")
    device_group.device_at(0).query_capabilities()
    found = run_scenario("fork", hal_session)
    expect_equal(found, (0, "ok", ""), "LIF-10", "a fork with a live group")
