"""What many groups and devices leave behind: nothing, or no more than is declared."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Callable
from typing import NamedTuple

import psutil
import pytest

from cts.checks import expect, expect_equal
from cts.hal import DeviceGroup, DeviceGroupBuilder, Driver, live_counts
from cts.plugin.fixtures import NewDevice

WARM_UP = 20
GROUPS = 1000
FRESH_DEVICES_AT_LEAST = 20
FRESH_DEVICES_AT_MOST = 300
BUDGET = 10.0
"""Seconds to spend on fresh devices; not a limit that anything is held to."""
MEMORY_SLACK = 1 << 20


class Left(NamedTuple):
    """What a process has open."""

    live: dict[str, int]
    descriptors: int
    threads: int


def left() -> Left:
    """What is open now."""
    gc.collect()
    process = psutil.Process()
    return Left(live_counts(), process.num_fds(), threading.active_count())


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
def test_groups_over_the_same_devices_leave_nothing(new_device: NewDevice) -> None:
    """Forms and ends a thousand groups of one device: objects, descriptors, memory as before."""
    device = new_device()

    def step() -> None:
        DeviceGroup.from_device(device).release()

    for _ in range(WARM_UP):
        step()
    before = left()
    growth = memory_growth(GROUPS, step)
    expect_equal(left(), before, "LIF-9", f"what is open after {GROUPS} groups")
    expect(
        growth <= MEMORY_SLACK,
        "LIF-9",
        f"memory over {GROUPS} groups",
        came_back=f"{growth} more bytes",
        asks=f"at most {MEMORY_SLACK}",
    )


@pytest.mark.spec("LIF-9")
def test_groups_over_fresh_devices_leave_no_more_than_declared(hal_driver: Driver) -> None:
    """Creates and destroys device after device, each in a group: no more is left than declared."""

    def step() -> None:
        with hal_driver.create_device() as device:
            builder = DeviceGroupBuilder()
            builder.add_device(device)
            builder.finalize().release()

    started = time.monotonic()
    for _ in range(WARM_UP):
        step()
    pace = (time.monotonic() - started) / WARM_UP
    steps = int(min(max(BUDGET / max(pace, 1e-6), FRESH_DEVICES_AT_LEAST), FRESH_DEVICES_AT_MOST))
    before = left()
    growth = memory_growth(steps, step)
    expect_equal(left(), before, "LIF-9", f"what is open after {steps} devices")
    allowed = MEMORY_SLACK + steps * hal_driver.properties.growth_per_device
    expect(
        growth <= allowed,
        "LIF-9",
        f"memory over {steps} devices",
        came_back=f"{growth} more bytes",
        asks=f"at most {allowed}",
    )
