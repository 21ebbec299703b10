"""What many groups and devices leave behind: nothing, or no more than is declared."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from typing import NamedTuple

import psutil
import pytest

from cts.checks import expect
from cts.hal import Device, DeviceGroup, DeviceGroupBuilder, Driver, live_counts
from cts.plugin.fixtures import NewDevice

WARM_UP = 20
GROUPS = 1000
FRESH_DEVICES_AT_LEAST = 20
FRESH_DEVICES_AT_MOST = 300
BUDGET = 10.0
"""Seconds to spend on fresh devices; not a limit that anything is held to."""
MEMORY_SLACK = 1 << 20
SETTLING = 5.0
"""Seconds that threads and descriptors of what was destroyed may take to be gone."""
ONE_AND_SEVERAL = [1, pytest.param(2, marks=pytest.mark.needs(devices=2))]


class Left(NamedTuple):
    """What a process has open."""

    live: dict[str, int]
    descriptors: int
    threads: int
    """The driver's own ones too."""

    def is_no_more_than(self, before: Left) -> bool:
        """Whether the same objects live, with no more descriptors and threads."""
        within = self.descriptors <= before.descriptors and self.threads <= before.threads
        return within and all(n <= before.live.get(name, 0) for name, n in self.live.items())


def left() -> Left:
    """What is open now."""
    gc.collect()
    process = psutil.Process()
    return Left(live_counts(), process.num_fds(), process.num_threads())


def expect_no_more(before: Left, doing: str) -> None:
    """Checks what is open against what was, once it has settled."""
    deadline = time.monotonic() + SETTLING
    while not (found := left()).is_no_more_than(before) and time.monotonic() < deadline:
        time.sleep(0.01)
    expect(
        found.is_no_more_than(before),
        "LIF-9",
        f"what is open {doing}",
        came_back=found,
        asks=f"no more than {before}",
    )


def form_and_end(devices: list[Device]) -> None:
    """Forms a group of these devices, and releases it."""
    builder = DeviceGroupBuilder()
    for device in devices:
        builder.add_device(device)
    group: DeviceGroup = builder.finalize()
    group.release()


def memory_growth(steps: int, step: Callable[[], None]) -> int:
    """Bytes that the last quarter of the steps has more than the second, as the least of each."""
    process = psutil.Process()
    samples = []
    for _ in range(steps):
        step()
        samples.append(process.memory_info().rss)
    quarter = steps // 4
    return min(samples[3 * quarter :]) - min(samples[quarter : 2 * quarter])


@pytest.mark.spec("LIF-9")
@pytest.mark.timeout(120)
@pytest.mark.parametrize("count", ONE_AND_SEVERAL)
def test_groups_over_the_same_devices_leave_nothing(new_device: NewDevice, count: int) -> None:
    """Forms and ends a thousand groups: objects, descriptors, threads, memory as before."""
    devices = new_device.many(count)

    def step() -> None:
        form_and_end(devices)

    for _ in range(WARM_UP):
        step()
    before = left()
    growth = memory_growth(GROUPS, step)
    expect_no_more(before, f"after {GROUPS} groups")
    expect(
        growth <= MEMORY_SLACK,
        "LIF-9",
        f"memory over {GROUPS} groups",
        came_back=f"{growth} more bytes",
        asks=f"at most {MEMORY_SLACK}",
    )


@pytest.mark.spec("LIF-9")
@pytest.mark.timeout(120)
def test_groups_over_fresh_devices_leave_no_more_than_declared(
    hal_driver: Driver, new_device: NewDevice
) -> None:
    """Creates and destroys device after device, each in a group: no more is left than declared."""

    def step() -> None:
        with new_device() as device:
            new_device.forget(device)
            form_and_end([device])

    started = time.monotonic()
    for _ in range(WARM_UP):
        step()
    pace = (time.monotonic() - started) / WARM_UP
    steps = int(min(max(BUDGET / max(pace, 1e-6), FRESH_DEVICES_AT_LEAST), FRESH_DEVICES_AT_MOST))
    before = left()
    growth = memory_growth(steps, step)
    expect_no_more(before, f"after {steps} devices")
    between = steps // 2  # devices from the second quarter to the last
    allowed = max(MEMORY_SLACK, between * hal_driver.properties.growth_per_device)
    expect(
        growth <= allowed,
        "LIF-9",
        f"memory over {steps} devices",
        came_back=f"{growth} more bytes",
        asks=f"at most {allowed}",
    )
