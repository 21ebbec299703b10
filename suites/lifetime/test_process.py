"""A process's end, and its forks: orderly, with a group alive."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from cts.checks import expect_equal, unsupported
from cts.hal import DeviceGroup, Driver
from cts.plugin.driver_session import DriverSession
from cts.plugin.exit_scenarios import AT_WORK, COMPLAINTS, END_OF_WORK, VERDICT
from cts.work_cases import needs_room
from cts.work_cases.operations import NEEDED_BY_EXECUTE

TIMEOUT = 20.0


def run_scenario(scenario: str, session: DriverSession) -> tuple[int | str, str, str]:
    """How a scenario in a process of its own ended, its last line, and its complaints at the end.

    What is printed before the end of the work is the driver's own matter, unless it did not come
    so far.
    """
    paths = [info.path for info in session.infos]
    try:
        done = subprocess.run(
            [sys.executable, "-m", "cts.plugin.exit_scenarios", scenario, session.name, *paths],
            env=os.environ | {"PYTHONPATH": os.pathsep.join(map(str, sys.path))},
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"still running after {TIMEOUT:g} s", "", ""
    before, mark, after = done.stderr.partition(END_OF_WORK)
    said = (after if mark else before).strip()
    complaint = said if not mark or any(word in said for word in COMPLAINTS) else ""
    return done.returncode, _verdict_in(done.stdout), complaint


def _verdict_in(printed: str) -> str:
    """What the scenario itself printed, without what the driver has."""
    _, _, verdict = printed.rpartition(VERDICT)
    return verdict.partition(END_OF_WORK)[0].strip() if VERDICT in printed else printed.strip()


@pytest.mark.spec("LIF-10")
def test_exit_with_a_live_group_is_orderly(
    hal_session: DriverSession, device_group: DeviceGroup
) -> None:
    """Ends an interpreter with module, group, devices and objects alive: status 0, no word."""
    device_group.device_at(0).query_capabilities()
    found = run_scenario("exit-with-live-group", hal_session)
    expect_equal(found, (0, "ok", ""), "LIF-10", "exit with a live group")


@pytest.mark.spec("LIF-10")
@pytest.mark.needs("allocator", "create_semaphore", "queue_fill", "queue_barrier")
@pytest.mark.needs(*NEEDED_BY_EXECUTE, async_queue=True)
def test_exit_with_pending_work_is_orderly(
    hal_session: DriverSession, hal_driver: Driver, device_group: DeviceGroup
) -> None:
    """Ends an interpreter with a fill at work and a chain that waits: status 0, no word."""
    needs_room(hal_driver, AT_WORK)
    device_group.device_at(0).query_capabilities()
    found = run_scenario("exit-with-pending-work", hal_session)
    expect_equal(found, (0, "ok", ""), "LIF-10", "exit with pending work")


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
