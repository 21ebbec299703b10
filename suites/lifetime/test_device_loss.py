"""Devices that are lost: all of it ends with one code, and the others of the group work on."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest

from cts.checks import expect, expect_equal, expect_error, unsupported
from cts.hal import (
    DEVICE_LOST,
    Device,
    DeviceGroup,
    Driver,
    Resource,
    live_counts,
)
from cts.plugin.fixtures import LoseDevice, NewDevice, NewGroup
from cts.work_cases import LONG, Waiter, submitted
from cts.work_cases.alive import left_after
from cts.work_cases.concurrency import Apart
from cts.work_cases.dispatch import recording
from cts.work_cases.operations import Bench, with_each_operation
from cts.work_cases.sharing import needs_each_others_semaphores, take_each_others_semaphores

TWICE = 2
SOON = 1.0
"""Seconds in which what was released is gone."""
SETTLED = 0.2
"""Seconds in which a submission that blocks its caller has come to where it blocks."""
SIZE = 64

pytestmark = [
    pytest.mark.spec("LIF-14"),
    pytest.mark.needs("allocator", "create_semaphore", "queue_fill", "queue_barrier"),
    pytest.mark.needs(provokes_loss=True, devices=2),
]


class Setting:
    """Two fresh devices in a group, of which a case has one lost.

    Attributes
    ----------
    device, other : the one that will be lost, and the one that will not.
    """

    def __init__(self, lose_device: LoseDevice, new_device: NewDevice, new_group: NewGroup) -> None:
        self._lose_device = lose_device
        self.device, self.other = new_device.many(2)
        self.group: DeviceGroup = new_group(self.device, self.other)
        handle, others = (
            d.query_capabilities().driver_device_handle for d in (self.device, self.other)
        )
        if handle and handle == others:
            unsupported("the two devices have one driver_device_handle, and are lost together")

    def lose(self) -> None:
        """Has the device lost."""
        self._lose_device(self.device)


@pytest.fixture
def setting(lose_device: LoseDevice, new_device: NewDevice, new_group: NewGroup) -> Setting:
    """The devices."""
    return Setting(lose_device, new_device, new_group)


@pytest.fixture
def bench(setting: Setting) -> Iterator[Bench]:
    """A submission of each kind on the device that will be lost."""
    made = Bench(setting.device)
    yield made
    made.release()


def expect_lost(doing: str, call: Callable[[], object]) -> None:
    """Fails the case unless a call is refused for the loss, and again when it is repeated."""
    __tracebackhide__ = True
    for _ in range(TWICE):
        with expect_error(DEVICE_LOST, "LIF-14", doing):
            call()


# -- what is pending --------------------------------------------------------------------------


@with_each_operation()
@pytest.mark.parametrize("awaited", ["its-own", "the-others"])
def test_pending_work_fails(
    hal_driver: Driver, setting: Setting, bench: Bench, operation: str, awaited: str
) -> None:
    """Loses a device with work behind what nobody signals: its signals fail, on both devices where
    they share them."""
    if awaited == "the-others":
        needs_each_others_semaphores(setting.group)
    maker = setting.device if awaited == "its-own" else setting.other
    doing = f"a signal of {operation}, pending as the device was lost"
    with (
        maker.create_semaphore() as never,
        setting.device.create_semaphore() as own,
        setting.other.create_semaphore() as others,
    ):
        submit = bench.prepared(operation)
        signalled = (own, others) if take_each_others_semaphores(setting.group) else (own,)
        signal = [(semaphore, 1) for semaphore in signalled]
        pending = Apart(lambda: submit([(never, 1)], signal))
        if hal_driver.properties.async_queue:
            pending.end()
        else:
            time.sleep(SETTLED)
        waiters = [Waiter(semaphore, 1) for semaphore in signalled]
        setting.lose()
        told = pending.end()
        expect(told in (None, DEVICE_LOST), "LIF-14", doing, came_back=told, asks=DEVICE_LOST.name)
        ended = [waiter.end() for waiter in waiters]
        expect_equal(ended, [DEVICE_LOST] * len(signalled), "LIF-14", doing)
        for semaphore in signalled:
            expect_lost(doing, semaphore.query)


@pytest.mark.needs("queue_host_call")
def test_work_under_way_fails(setting: Setting) -> None:
    """Loses a device in the middle of a host call: its signals fail once the call has returned."""
    needs_each_others_semaphores(setting.group)
    begun, go_on = threading.Event(), threading.Event()

    def work() -> None:
        begun.set()
        go_on.wait(LONG)

    doing = "a signal of a host call that was under way as the device was lost"
    with setting.other.create_semaphore() as others:
        call = partial(setting.device.queue_host_call, work, signal=[(others, 1)])
        under_way = Apart(call)
        waiter = Waiter(others, 1)
        expect_equal(begun.wait(LONG), True, "LIF-14", "the host call before the loss")
        setting.lose()
        go_on.set()
        expect_equal(waiter.end(), DEVICE_LOST, "LIF-14", doing)
        under_way.end()


def test_waiters_wake(setting: Setting) -> None:
    """Loses a device while threads wait for what nobody signals: they wake; the other's do not."""
    with setting.device.create_semaphore() as own, setting.other.create_semaphore() as others:
        waiters = [Waiter(own, value) for value in (1, 2)]
        others_waiter = Waiter(others, 1)
        setting.lose()
        ended = [waiter.end() for waiter in waiters]
        expect_equal(ended, [DEVICE_LOST] * 2, "LIF-14", "waits for a semaphore of a lost device")
        expect_equal(others_waiter.waiting, True, "LIF-14", "a wait for another device's semaphore")
        others.signal(1)
        expect_equal(others_waiter.end(), "reached", "LIF-14", "that wait, once it is signalled")


# -- what comes later -------------------------------------------------------------------------


@with_each_operation()
def test_later_work_fails(setting: Setting, bench: Bench, operation: str) -> None:
    """Submits on a lost device: refused, or its signal fails, with the code, each time."""
    submit = bench.prepared(operation)
    setting.lose()

    def submit_and_wait() -> None:
        with setting.other.create_semaphore() as line:
            submit([], [(line, 1)])
            line.wait(1)

    expect_lost(f"{operation} on a lost device", submit_and_wait)


MAKE: dict[str, Callable[[Device], Resource]] = {
    "create_semaphore": lambda device: device.create_semaphore(),
    "create_command_buffer": lambda device: device.create_command_buffer(),
    "create_event": lambda device: device.create_event(),
}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.needs(name)) for name in MAKE]
)
def test_nothing_is_made(setting: Setting, name: str) -> None:
    """Makes an object on a lost device: refused with the code; on the other one it is made."""
    setting.lose()
    expect_lost(f"{name} on a lost device", lambda: MAKE[name](setting.device))
    MAKE[name](setting.other).release()


def test_nothing_is_allocated(setting: Setting) -> None:
    """Allocates on a lost device, by an allocator from before as well: refused with the code."""
    before = setting.device.allocator
    setting.lose()
    expect_lost("allocate on a lost device", lambda: before.allocate(SIZE))
    expect_lost("allocator.allocate on a lost device", lambda: setting.device.allocator.allocate(0))
    setting.other.allocator.allocate(SIZE).release()


@pytest.mark.needs("create_executable")
def test_no_executable_is_prepared(setting: Setting, hal_driver: Driver, code: bytes) -> None:
    """Prepares an executable on a lost device: refused with the code."""
    format = hal_driver.properties.executable_formats[0]
    setting.device.create_executable(format, code).release()
    setting.lose()
    doing = "create_executable on a lost device"
    expect_lost(doing, lambda: setting.device.create_executable(format, code))


def test_semaphores_fail(setting: Setting) -> None:
    """Uses a semaphore of a lost device, at its payload too: each use fails with the code."""
    with setting.device.create_semaphore(5) as semaphore:
        setting.lose()
        uses: dict[str, Callable[[], object]] = {
            "query": semaphore.query,
            "signal(6)": lambda: semaphore.signal(6),
            "wait(5)": lambda: semaphore.wait(5, 1.0),
            "wait(7)": lambda: semaphore.wait(7, 1.0),
        }
        for name, use in uses.items():
            expect_lost(f"{name} of a semaphore of a lost device", use)


def test_buffers_fail(setting: Setting) -> None:
    """Reads, writes and maps a buffer of a lost device: each fails with the code."""
    with setting.device.allocator.allocate(SIZE) as buffer:
        setting.lose()

        def use_mapping() -> None:
            with buffer.map():
                pass

        uses: dict[str, Callable[[], object]] = {
            "read": buffer.read,
            "write": lambda: buffer.write(0, b"x"),
            "map": use_mapping,
        }
        for name, use in uses.items():
            expect_lost(f"{name} of a buffer of a lost device", use)
        expect_equal(buffer.byte_length, SIZE, "LIF-14", "the length of a buffer of a lost device")


@pytest.mark.needs("create_command_buffer")
def test_command_buffers_fail(setting: Setting) -> None:
    """Begins, records and ends command buffers of a lost device: each fails with the code."""
    device = setting.device
    with (
        device.allocator.allocate(SIZE) as buffer,
        device.create_command_buffer() as new,
        device.create_command_buffer() as begun,
    ):
        begun.begin()
        setting.lose()
        uses: dict[str, Callable[[], object]] = {
            "begin": new.begin,
            "fill": lambda: begun.fill(buffer, 0, 4, b"x"),
            "barrier": begun.barrier,
            "end": begun.end,
        }
        for name, use in uses.items():
            expect_lost(f"{name} of a command buffer of a lost device", use)


# -- what stays -------------------------------------------------------------------------------


def told_by(setting: Setting) -> dict[str, Any]:
    """What a device and its group tell of the device."""
    device, info = setting.device, setting.device.topology_info
    return {
        "identifier": device.identifier,
        "capabilities": device.query_capabilities(),
        "topology_info": info,
        "topology": info and info.topology,
        "matrix": setting.group.topology.to_json(),
        "device_at": setting.group.device_at(0),
    }


def test_topology_and_capabilities_stay(setting: Setting) -> None:
    """Asks a lost device and its group for what they tell: all of it is as before."""
    before = told_by(setting)
    setting.lose()
    for name, told in told_by(setting).items():
        expect_equal(told, before[name], "LIF-14", f"{name} of a lost device")


def test_the_others_work_on(setting: Setting) -> None:
    """Fills on the other device before, across and after the loss: all of it is filled."""
    with (
        setting.other.create_semaphore() as go,
        setting.other.create_semaphore() as line,
        setting.other.allocator.allocate(SIZE) as buffer,
    ):
        buffer.write(0, bytes(SIZE))
        fill = partial(setting.other.queue_fill, buffer)
        across = Apart(lambda: fill(0, 16, b"\x11", wait=[(go, 1)], signal=[(line, 1)]))
        setting.lose()
        go.signal(1)
        line.wait(1)
        expect_equal(across.end(), None, "LIF-14", "another device's fill, pending in a loss")
        with submitted(setting.other) as signal:
            fill(16, 16, b"\x22", signal=signal)
        wanted = b"\x11" * 16 + b"\x22" * 16 + bytes(SIZE - 32)
        expect_equal(buffer.read(), wanted, "LIF-14", "what another device has filled")


def test_the_others_get_the_failure_of_what_they_wait_for(setting: Setting) -> None:
    """Has the other device wait for a lost one's semaphores: its signals fail, no more of it."""
    needs_each_others_semaphores(setting.group)
    with (
        setting.device.create_semaphore() as lost,
        setting.other.create_semaphore() as before,
        setting.other.create_semaphore() as after,
    ):
        barrier = setting.other.queue_barrier
        pending = Apart(lambda: barrier(wait=[(lost, 1)], signal=[(before, 1)]))
        waiter = Waiter(before, 1)
        setting.lose()
        expect_equal(waiter.end(), DEVICE_LOST, "LIF-14", "a signal behind a lost device's")
        pending.end()

        def submit() -> None:
            barrier(wait=[(lost, 1)], signal=[(after, 1)])
            after.wait(1)

        with expect_error(DEVICE_LOST, "LIF-14", "a later signal behind a lost device's"):
            submit()
        with submitted(setting.other) as signal:
            barrier(signal=signal)


def test_a_second_loss_changes_nothing(setting: Setting) -> None:
    """Loses a device twice: what is asked of it ends as before, and the other one works."""
    with setting.device.create_semaphore() as semaphore:
        for _ in range(TWICE):
            setting.lose()
            expect_lost("a semaphore of a device that was lost", semaphore.query)
    with submitted(setting.other) as signal:
        setting.other.queue_barrier(signal=signal)


def test_a_new_device_works(setting: Setting, new_device: NewDevice, new_group: NewGroup) -> None:
    """Makes a device after a loss, beside the lost one and without it: both work."""
    setting.lose()
    beside = new_device()
    new_group(beside)
    for resource in (setting.group, setting.device):
        resource.release()
    afterwards = new_device()
    new_group(afterwards)
    for device in (beside, afterwards):
        with device.allocator.allocate(SIZE) as buffer, submitted(device) as signal:
            device.queue_fill(buffer, 0, SIZE, b"\x33", signal=signal)
            signal[0][0].wait(1)
            expect_equal(buffer.read(), b"\x33" * SIZE, "LIF-14", "a fill of a new device")


# -- the end ----------------------------------------------------------------------------------

ORDERS: dict[str, Callable[[list[Resource]], list[Resource]]] = {
    "as-made": lambda made: made,
    "last-made-first": lambda made: made[::-1],
    "devices-first": lambda made: sorted(made, key=lambda it: not isinstance(it, Device)),
    "devices-last": lambda made: sorted(made, key=lambda it: isinstance(it, Device)),
}


@pytest.mark.spec("LIF-14", subject="objects")
@pytest.mark.needs("create_command_buffer", "queue_execute")
@pytest.mark.parametrize("order", ORDERS)
def test_all_of_it_is_released(
    lose_device: LoseDevice, new_device: NewDevice, new_group: NewGroup, order: str
) -> None:
    """Releases everything of a lost device, in several orders: it returns, nothing is alive."""
    before = Counter(live_counts())
    setting = Setting(lose_device, new_device, new_group)
    device = setting.device
    for each in (device, setting.other):
        new_device.forget(each)  # it is the case that releases them
    buffer = device.allocator.allocate(SIZE)
    never, line = (device.create_semaphore() for _ in range(2))
    with recording(device) as commands:
        commands.fill(buffer, 0, SIZE, b"\x11")
    wait, signal = [(never, 1)], [(line, 1)]
    pending = Apart(lambda: device.queue_execute(commands, wait=wait, signal=signal))
    waiter = Waiter(line, 1)
    setting.lose()
    ended = waiter.end()
    expect_equal(ended, DEVICE_LOST, "LIF-14", "an execution that was pending")
    pending.end()
    made = [device, setting.other, setting.group, buffer, never, line, commands]
    for resource in ORDERS[order](made):
        if resource.reference_count:  # else it went with its device
            resource.release()
    expect_equal(
        left_after(before, SOON), {}, "LIF-14", f"what is alive after a release of all, {order}"
    )
