"""Destruction in many orders, of a device and one object of each kind: all ends, nothing stays.

Of the 720 orders 120: each kind is first and last beside each other one, and at each place between.
All of them would take minutes where a device takes a tenth of a second.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest

from cts.checks import expect_equal
from cts.hal import Driver, HalError, Resource, StatusCode, live_counts
from cts.plugin.fixtures import NewDevice, NewGroup
from cts.work_cases import submitted
from cts.work_cases.alive import left_after
from cts.work_cases.dispatch import recording
from cts.work_cases.operations import NEEDED_BY_EXECUTE

SIZE = 16
SOON = 1.0
"""Seconds in which what nobody can let go on has ended; there is no work that it could wait for."""
KINDS = ("device", "group", "semaphore", "buffer", "command_buffer", "executable")
ENDS = [(first, last) for first in KINDS for last in KINDS if first != last]

by_first_and_last = pytest.mark.parametrize(
    ("first", "last"), ENDS, ids=[f"{first}-first-{last}-last" for first, last in ENDS]
)

pytestmark = pytest.mark.needs("allocator", "create_semaphore", *NEEDED_BY_EXECUTE)


class Objects:
    """A new device in a group, and one object of each kind that it makes.

    Attributes
    ----------
    by_kind : all of them; without an executable where the driver takes no code of the suite's.
    """

    def __init__(self, driver: Driver, new_device: NewDevice, new_group: NewGroup) -> None:
        self.device = new_device()
        new_device.forget(self.device)  # it is the case that releases it
        group = new_group(self.device)
        self.semaphore = self.device.create_semaphore()
        buffer = self.device.allocator.allocate(SIZE)
        with recording(self.device) as self.commands:
            self.commands.fill(buffer, 0, SIZE, b"\x11")
        self.by_kind: dict[str, Resource] = {
            "device": self.device,
            "group": group,
            "semaphore": self.semaphore,
            "buffer": buffer,
            "command_buffer": self.commands,
        }
        for format in driver.properties.executable_formats[:1]:
            try:
                code = driver.conformance_executable(format)
            except HalError as error:
                if error.code is not StatusCode.UNIMPLEMENTED:
                    raise
            else:
                self.by_kind["executable"] = self.device.create_executable(format, code)


def orders(first: str, last: str) -> Iterator[tuple[str, ...]]:
    """Orders of all kinds that begin and end so, with each other kind at each place between."""
    between = [kind for kind in KINDS if kind not in (first, last)]
    for shift in range(len(between)):
        yield first, *between[shift:], *between[:shift], last


def expect_gone(objects: Objects, order: tuple[str, ...], before: Counter[str], id: str) -> None:
    """Releases all of it in this order, and fails the case where something stays alive."""
    __tracebackhide__ = True
    for kind in order:
        resource = objects.by_kind.get(kind)
        if resource is not None and resource.reference_count:  # else it went with its device
            resource.release()
    doing = f"what is alive after the releases of {', '.join(order)}"
    expect_equal(left_after(before, SOON), {}, id, doing)


@pytest.mark.spec("LIF-7", "LIF-6", subject="objects")
@by_first_and_last
def test_with_work_that_is_done(
    hal_driver: Driver, new_device: NewDevice, new_group: NewGroup, first: str, last: str
) -> None:
    """Executes, waits, and releases all in orders with these ends: nothing is alive."""
    for order in orders(first, last):
        before = Counter(live_counts())
        objects = Objects(hal_driver, new_device, new_group)
        with submitted(objects.device) as signal:
            objects.device.queue_execute(objects.commands, signal=signal)
        expect_gone(objects, order, before, "LIF-7")


@pytest.mark.spec("QUE-14", subject="objects")
@pytest.mark.needs(async_queue=True)
@by_first_and_last
def test_with_work_that_is_pending(
    hal_driver: Driver, new_device: NewDevice, new_group: NewGroup, first: str, last: str
) -> None:
    """Executes behind what nobody signals, and releases all in orders with these ends: the same."""
    for order in orders(first, last):
        before = Counter(live_counts())
        objects = Objects(hal_driver, new_device, new_group)
        objects.device.queue_execute(objects.commands, wait=[(objects.semaphore, 1)])
        expect_gone(objects, order, before, "QUE-14")
