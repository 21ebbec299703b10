"""Threads: counts stay right, and the last reference may go on any thread, or in any callback."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from cts.checks import expect, expect_equal
from cts.hal import Device, DeviceGroup, HalError, Module, StatusCode
from cts.hal.testing import before_destruction
from cts.plugin.fixtures import NewDevice, NewGroup, Steer
from cts.threads import TIMEOUT, in_threads

THREADS = 8
ROUNDS = 200


def count_destructions(device: Device) -> list[str]:
    """A list that gets the thread's name whenever the device is destroyed."""
    destroyed: list[str] = []
    before_destruction(device, lambda: destroyed.append(threading.current_thread().name))
    return destroyed


def on_threads(function: Callable[[], object], count: int = THREADS) -> list[BaseException]:
    """Calls a function without arguments on several threads at once; what they raised."""
    return in_threads(lambda _: function(), count)


@pytest.mark.spec("LIF-8")
def test_counts_are_right_from_many_threads(new_device: NewDevice) -> None:
    """Retains and releases from eight threads at once: the count is as before, no error."""
    device = new_device()
    device.query_capabilities()
    destroyed = count_destructions(device)

    def retain_and_release() -> None:
        for _ in range(ROUNDS):
            device.retain()
            device.retain()
            device.release()
            device.release()

    errors = on_threads(retain_and_release)
    expect_equal(errors, [], "LIF-8", "retain and release on eight threads")
    expect_equal((device.reference_count, destroyed), (1, []), "LIF-8", "the count afterwards")


@pytest.mark.spec("LIF-8")
def test_the_last_of_many_releases_destroys_once(new_device: NewDevice) -> None:
    """Releases eight references on eight threads at once: destroyed once, no error."""
    for _ in range(20):
        device = new_device()
        device.query_capabilities()
        destroyed = count_destructions(device)
        for _ in range(THREADS - 1):
            device.retain()
        expect_equal(on_threads(device.release), [], "LIF-8", "eight releases at once")
        expect_equal(len(destroyed), 1, "LIF-8", "destructions after eight releases")


@pytest.mark.spec("LIF-8", "LIF-6")
def test_a_retain_beside_the_last_release_holds_or_is_refused(new_device: NewDevice) -> None:
    """Retains and uses on eight threads while the last reference goes: refused from then on."""
    device = new_device()
    destroyed = count_destructions(device)
    used = threading.Event()
    codes: list[StatusCode] = []

    def use_until_refused() -> None:
        try:
            while True:
                with device.retain():
                    device.query_capabilities()
                used.set()
        except HalError as error:
            codes.append(error.code)

    def release() -> None:
        used.wait(TIMEOUT)
        device.release()

    releasing = threading.Thread(target=release, daemon=True)
    releasing.start()
    expect_equal(on_threads(use_until_refused), [], "LIF-8", "using a device while it is released")
    expect_equal(codes, [StatusCode.FAILED_PRECONDITION] * THREADS, "LIF-8", "how each use ended")
    expect_equal((device.reference_count, len(destroyed)), (0, 1), "LIF-6", "the device's end")


@pytest.mark.spec("LIF-11")
@pytest.mark.needs(devices=2)
def test_devices_of_a_group_are_used_from_different_threads(
    new_device: NewDevice, new_group: NewGroup
) -> None:
    """Reads capabilities and topology of both devices from eight threads: always the same."""
    devices = new_device.many(2)
    group = new_group(*devices)
    wanted = [device.query_capabilities() for device in devices]
    wrong: list[object] = []

    def use() -> None:
        for _ in range(50):
            for index, device in enumerate(devices):
                info = device.topology_info
                same = info is not None and info.topology is group.topology
                if device.query_capabilities() != wanted[index] or not same:
                    wrong.append((index, info))

    expect_equal(on_threads(use), [], "LIF-11", "using two devices on eight threads")
    expect_equal(wrong[:1], [], "LIF-11", "what the threads saw")


@pytest.mark.spec("LIF-11")
@pytest.mark.needs("allocator", "create_semaphore", "queue_fill", devices=2)
def test_devices_of_a_group_work_on_different_threads(
    new_device: NewDevice, new_group: NewGroup
) -> None:
    """Fills a buffer on each of two devices, each from a thread of its own, many times."""
    devices = new_device.many(2)
    new_group(*devices)
    waiting = list(enumerate(devices))
    wrong: list[bytes] = []

    def work() -> None:
        index, device = waiting.pop()
        with device.allocator.allocate(64) as buffer, device.create_semaphore() as semaphore:
            for value in range(1, 50):
                pattern = bytes([index * 100 + value])
                device.queue_fill(buffer, 0, 64, pattern, signal=[(semaphore, value)])
                semaphore.wait(value)
                if buffer.read() != pattern * 64:
                    wrong.append(buffer.read())

    expect_equal(on_threads(work, 2), [], "LIF-11", "filling on two threads")
    expect_equal(wrong[:1], [], "LIF-11", "bytes that were read back")


@pytest.mark.spec("LIF-11")
@pytest.mark.needs("create_semaphore")
def test_one_device_works_on_different_threads(device_group: DeviceGroup) -> None:
    """Makes, signals and reads semaphores of one device on eight threads: each works."""
    device = device_group.device_at(0)

    def use() -> None:
        for _ in range(20):
            with device.create_semaphore(1) as semaphore:
                semaphore.signal(2)
                expect_equal(semaphore.query(), 2, "LIF-11", "a semaphore of this thread")

    expect_equal(on_threads(use), [], "LIF-11", "using one device on eight threads")


@pytest.mark.spec("LIF-12")
@pytest.mark.parametrize("holder", ["device", "group"])
def test_the_last_reference_may_go_on_another_thread(
    new_device: NewDevice, new_group: NewGroup, holder: str
) -> None:
    """Drops the last reference on a thread that did not make it: destroyed there, once."""
    device = new_device()
    device.query_capabilities()
    destroyed = count_destructions(device)
    last: Device | DeviceGroup = device
    if holder == "group":
        last = new_group(device)
        device.release()
    expect_equal(on_threads(last.release, 1), [], "LIF-12", f"the last reference to a {holder}")
    here = threading.current_thread().name
    elsewhere = len(destroyed) == 1 and destroyed[0] != here
    expect(
        elsewhere,
        "LIF-12",
        f"the last reference to a {holder}",
        came_back=destroyed,
        asks="one destruction, on the other thread",
    )


@pytest.mark.spec("LIF-12")
def test_the_last_reference_may_go_inside_a_slot_of_the_device(
    new_device: NewDevice, new_group: NewGroup, steer: Steer
) -> None:
    """Drops the group's and the device's last references from inside a slot: no deadlock."""
    device = new_device()
    destroyed = count_destructions(device)
    group = new_group(device)
    device.release()

    def drop_everything(original: Callable[[], object]) -> object:
        answer = original()
        group.release()
        return answer

    steer.answer(device, "query_capabilities", drop_everything)
    query = device.query_capabilities

    def call() -> None:
        query()

    expect_equal(on_threads(call, 1), [], "LIF-12", "dropping the last reference in a slot")
    expect_equal(len(destroyed), 1, "LIF-12", "destructions")


@pytest.mark.spec("LIF-12")
def test_the_creators_reference_may_go_while_the_group_lets_go(
    new_device: NewDevice, new_group: NewGroup, steer: Steer
) -> None:
    """Drops the device's other reference inside its un-assignment: destroyed once, afterwards."""
    device = new_device()
    destroyed = count_destructions(device)
    group = new_group(device)
    seen: list[int] = []

    def drop_and_unassign(original: Callable[[object], object], info: object) -> None:
        device.release()
        seen.append(len(destroyed))
        original(info)

    steer.answer(device, "assign_topology_info", drop_and_unassign)
    expect_equal(on_threads(group.release, 1), [], "LIF-12", "a release inside an un-assignment")
    expect_equal(seen, [0], "LIF-12", "destructions before the un-assignment")
    expect_equal(len(destroyed), 1, "LIF-12", "destructions")


@pytest.mark.spec("LIF-12")
@pytest.mark.needs("queue_host_call")
def test_the_last_reference_may_go_inside_a_host_call(
    new_device: NewDevice, new_group: NewGroup
) -> None:
    """Drops the group's and the device's last references where the queue calls: no self-join."""
    device = new_device()
    group = new_group(device)
    ended = threading.Event()
    before_destruction(device, ended.set)
    device.release()
    host_call = device.queue_host_call

    def call() -> None:
        host_call(group.release)

    expect_equal(on_threads(call, 1), [], "LIF-12", "dropping the last reference in a host call")
    expect_equal(ended.wait(TIMEOUT), True, "LIF-12", "the device's end after a host call")


@pytest.mark.spec("LIF-12", "MOD-2")
def test_a_module_may_be_the_last_on_another_thread(
    new_device: NewDevice, new_group: NewGroup
) -> None:
    """Leaves the last reference to a module on another thread: all of it goes there, once."""
    device = new_device()
    destroyed = count_destructions(device)
    group = new_group(device)
    module = Module(group)
    group.release()
    device.release()
    expect_equal(on_threads(module.release, 1), [], "LIF-12", "the last reference to a module")
    expect_equal(len(destroyed), 1, "LIF-12", "destructions")
