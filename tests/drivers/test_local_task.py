"""What local-task decides beyond the contract: its threads, its chains, the end of what pends."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from cts import registry
from cts.hal import Device, DeviceGroup, HalError, Semaphore, StatusCode, live_counts

from .conftest import DriverModule, GroupedDevices
from .raising import code_of

NAME = "local-task"
LONG = 10.0


@pytest.fixture
def device(grouped_devices: GroupedDevices) -> Device:
    return grouped_devices(NAME, 1)[0]


@pytest.fixture
def line(device: Device) -> Iterator[list[Semaphore]]:
    """Semaphores to chain."""
    made = [device.create_semaphore() for _ in range(5000)]
    yield made
    for semaphore in made:
        if semaphore.reference_count:
            semaphore.release()


def workers() -> list[threading.Thread]:
    """The pool's living threads."""
    return [thread for thread in threading.enumerate() if thread.name.startswith(NAME)]


def wait_until(true: Callable[[], bool]) -> None:
    """Waits for what another thread does at its end."""
    deadline = time.monotonic() + LONG
    while not true() and time.monotonic() < deadline:
        time.sleep(0.001)
    assert true()


# -- threads ------------------------------------------------------------------------------


def test_the_workers_start_with_the_first_device_and_end_with_the_last() -> None:
    assert workers() == []
    driver = registry.load(NAME)()
    with driver.create_device():
        there = workers()
        assert len(there) >= 2
        with driver.create_device():
            assert workers() == there
        assert workers() == there
    assert workers() == []
    with driver.create_device():
        assert len(workers()) == len(there)


def test_a_device_without_workers_is_not_made(monkeypatch: pytest.MonkeyPatch) -> None:
    start = threading.Thread.start

    def one_alone(thread: threading.Thread) -> None:
        if workers():
            raise RuntimeError("can't start new thread")
        start(thread)

    driver = registry.load(NAME)()
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", one_alone)
        assert code_of(driver.create_device) is StatusCode.RESOURCE_EXHAUSTED
    assert workers() == []
    with driver.create_device():
        assert len(workers()) >= 2


def test_a_worker_may_drop_the_last_reference_to_everything(driver_module: DriverModule) -> None:
    device = registry.load(NAME)().create_device()
    group = DeviceGroup.from_device(device)
    device.release()
    held = threading.Event()
    pool = driver_module(NAME, "workers").POOL
    for _ in workers():  # nobody is free until everything else is released
        pool.put(lambda: held.wait(LONG))
    buffer, done = device.allocator.allocate(64), device.create_semaphore()
    device.queue_fill(buffer, 0, 64, b"x", signal=[(done, 1)])
    for resource in (buffer, done, group):
        resource.release()
    assert device.reference_count > 0
    held.set()
    wait_until(lambda: device.reference_count == 0 and not workers())


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_has_workers_of_its_own() -> None:
    program = """
import os
from cts import registry
from cts.hal import DeviceGroup

def filled():
    device = registry.load("local-task")().create_device()
    with device, DeviceGroup.from_device(device):
        with device.allocator.allocate(8) as buffer, device.create_semaphore() as done:
            device.queue_fill(buffer, 0, 8, b"z", signal=[(done, 1)])
            done.wait(1)
            return buffer.read()

kept = registry.load("local-task")().create_device()
child = os.fork()
bytes_there = filled()
if child:
    assert os.waitpid(child, 0)[1] == 0
print(bytes_there, flush=True)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "b'zzzzzzzz'\n" * 2


@pytest.mark.parametrize(("parts", "more"), [(2, -1), (2, 0), (2, 1), (4, -3), (5, 4)])
def test_a_shared_transfer_does_every_part_once(
    device: Device, driver_module: DriverModule, parts: int, more: int
) -> None:
    length = parts * driver_module(NAME, "workers").PART + more
    data = np.random.default_rng(1).integers(0, 256, length + 2, np.uint8)
    with (
        device.allocator.allocate(length + 2) as source,
        device.allocator.allocate(length + 2) as target,
        device.create_semaphore() as done,
    ):
        source.write(0, data.tobytes())
        target.write(0, bytes(length + 2))
        device.queue_copy(source, 2, target, 1, length, signal=[(done, 1)])
        done.wait(1)
        found = np.frombuffer(target.read(), np.uint8)
        assert np.array_equal(found[1:-1], data[2:])
        assert (found[0], found[-1]) == (0, 0)
        if length % 4 == 0:
            device.queue_fill(target, 0, length, b"abcd", wait=[(done, 1)], signal=[(done, 2)])
            done.wait(2)
            assert target.read() == b"abcd" * (length // 4) + found[-2:].tobytes()


def test_several_workers_take_part_in_a_large_transfer(
    device: Device, driver_module: DriverModule
) -> None:
    workers = driver_module(NAME, "workers")
    length = 8 * workers.PART + 1
    met = threading.Barrier(2)
    seen: list[tuple[int, int]] = []

    def run_part(start: int, end: int) -> None:
        seen.append((start, end))
        if len(seen) <= 2:
            met.wait(LONG)  # which one thread alone could not pass

    workers.POOL.carry_out(workers.Transfer((), length, run_part))
    seen.sort()
    assert [start for start, _ in seen] == [0, *(end for _, end in seen[:-1])]
    assert seen[-1][1] == length


@pytest.mark.parametrize("parts", [1, 4])
def test_work_that_raises_fails_its_signal_and_no_worker(
    device: Any, driver_module: DriverModule, parts: int
) -> None:
    def broken(start: int, end: int) -> None:
        raise MemoryError("no pages")

    size = parts * driver_module(NAME, "workers").PART
    work = driver_module(NAME, "workers").Transfer((), size, broken)
    with device.create_semaphore() as done:
        operation = driver_module(NAME, "submission").HostOperation
        device._submit(operation("Device.queue_fill", [work], [], [], [(done, 1)]))
        with pytest.raises(HalError) as caught:
            done.wait(1)
    assert caught.value.code is StatusCode.INTERNAL
    assert "Device.queue_fill: MemoryError('no pages')" in caught.value.detail
    with device.create_semaphore() as done, device.allocator.allocate(size) as buffer:
        device.queue_fill(buffer, 0, size, b"y", signal=[(done, 1)])
        done.wait(1)
        assert buffer.read(size - 1) == b"y"


# -- chains -------------------------------------------------------------------------------


@pytest.mark.parametrize("fill", [False, True], ids=["barriers", "fills"])
def test_a_chain_of_any_length_is_followed(
    device: Device, line: list[Semaphore], fill: bool
) -> None:
    with device.allocator.allocate(1) as buffer:
        for before, after in reversed(list(pairwise(line))):
            lists: Any = {"wait": [(before, 1)], "signal": [(after, 1)]}
            if fill:
                device.queue_fill(buffer, 0, 1, b"x", **lists)
            else:
                device.queue_barrier(**lists)
        line[0].signal(1)
        line[-1].wait(1)
    wait_until(lambda: "Submission" not in live_counts())


def test_a_failure_goes_along_a_chain_of_any_length_as_it_is(
    device: Device, line: list[Semaphore]
) -> None:
    for before, after in reversed(list(pairwise(line))):
        device.queue_barrier(wait=[(before, 1)], signal=[(after, 1)])
    line[0].fail(StatusCode.DATA_LOSS, "a page is gone")
    with pytest.raises(HalError) as caught:
        line[-1].wait(1)
    assert caught.value.code is StatusCode.DATA_LOSS
    assert caught.value.detail == "the semaphore has failed: a page is gone"
    assert "Submission" not in live_counts()


def test_a_failed_submission_leaves_nothing_with_its_other_waits(device: Device) -> None:
    with device.create_semaphore() as never, device.create_semaphore() as failing:
        for order in ([never, failing], [failing, never]):
            for _ in range(3):
                device.queue_barrier(wait=[(semaphore, 1) for semaphore in order])
        assert len(never.timeline._timepoints) == 6  # type: ignore[attr-defined]
        failing.fail(StatusCode.ABORTED)
        assert never.timeline._timepoints == []  # type: ignore[attr-defined]
        device.queue_barrier(wait=[(failing, 1), (never, 1)])  # failed before it began
        assert never.timeline._timepoints == []  # type: ignore[attr-defined]


@pytest.mark.parametrize("failing", [False, True])
def test_counts_are_back_when_a_signal_is_seen(device: Device, failing: bool) -> None:
    with device.allocator.allocate(4) as buffer, device.create_semaphore() as done:
        for value in range(1, 300):
            with device.create_semaphore(1) as go:
                if failing:
                    go.fail(StatusCode.ABORTED)
                before = device.reference_count
                with device.create_semaphore() as seen:
                    signals = [(seen, 1)] if failing else [(done, value), (seen, 1)]
                    device.queue_fill(buffer, 0, 4, b"x", wait=[(go, 1)], signal=signals)
                    if failing:
                        assert code_of(lambda seen=seen: seen.wait(1)) is StatusCode.ABORTED  # type: ignore[misc]
                    else:
                        seen.wait(1)
                    counts = [counted.reference_count for counted in (buffer, done, seen)]
                    assert counts == [1, 1, 1]
                    assert device.reference_count == before + 1


def test_what_is_destroyed_just_before_leaves_the_signals_alone(
    device: Any, driver_module: DriverModule
) -> None:
    buffer = device.allocator.allocate(4)
    buffer.release()
    operation = driver_module(NAME, "submission").HostOperation
    with device.create_semaphore() as done:
        late = operation("Device.queue_fill", [], [buffer], [], [(done, 1)])
        assert code_of(lambda: device._submit(late)) is StatusCode.FAILED_PRECONDITION
        assert (done.query(), done.reference_count) == (0, 1)
    assert "Submission" not in live_counts()


def test_a_signal_that_was_overtaken_fails_its_semaphore(device: Device) -> None:
    with device.create_semaphore() as go, device.create_semaphore() as done:
        device.queue_barrier(wait=[(go, 1)], signal=[(done, 3)])
        done.signal(5)
        go.signal(1)
        with pytest.raises(HalError) as caught:
            done.query()
        assert caught.value.code is StatusCode.INVALID_ARGUMENT
        assert "value is 3" in caught.value.detail
        assert go.query() == 1


# -- the end of what is pending -----------------------------------------------------------


def test_what_nobody_is_left_to_signal_ends_with_its_semaphore(device: Device) -> None:
    go, done = device.create_semaphore(), device.create_semaphore()
    with device.allocator.allocate(4) as buffer:
        buffer.write(0, bytes(4))
        device.queue_fill(buffer, 0, 4, b"x", wait=[(go, 1)], signal=[(done, 1)])
        go.release()
        assert code_of(lambda: done.wait(1)) is StatusCode.CANCELLED
        assert buffer.read() == bytes(4)
    done.release()
    assert "Submission" not in live_counts()


def test_what_a_pending_submission_is_left_to_signal_goes_on(device: Device) -> None:
    go, between, done = (device.create_semaphore() for _ in range(3))
    device.queue_barrier(wait=[(go, 1)], signal=[(between, 1)])
    device.queue_barrier(wait=[(between, 1)], signal=[(done, 1)])
    between.release()
    assert between.reference_count == 1
    go.signal(1)
    done.wait(1)
    assert between.reference_count == 0
    go.release()
    done.release()


def test_a_circle_of_waits_is_collected(device: Device) -> None:
    one, other = device.create_semaphore(), device.create_semaphore()
    device.queue_barrier(wait=[(one, 1)], signal=[(other, 1)])
    device.queue_barrier(wait=[(other, 1)], signal=[(one, 1)])
    one.release()
    other.release()
    assert live_counts()["Submission"] == 2
    del one, other
    with pytest.warns(ResourceWarning, match="Submission was collected"):
        gc.collect()
    assert live_counts() == {"DeviceGroup": 1, "LocalTaskDevice": 1}


def test_the_interpreter_exits_quietly_in_the_middle_of_work() -> None:
    program = """
from cts import registry
from cts.hal import DeviceGroup, live_counts
device = registry.load("local-task")().create_device()
group = DeviceGroup.from_device(device)
never, done = device.create_semaphore(), device.create_semaphore()
buffer = device.allocator.allocate(64 << 20)
shared = device.allocator.allocate(64, export_types=device.query_capabilities().buffer_export_types)
for value in range(1, 20):
    device.queue_fill(buffer, 0, 64 << 20, b"x", wait=[(done, value - 1)], signal=[(done, value)])
    device.queue_fill(buffer, 0, 8, b"x", wait=[(never, value)], signal=[(done, value + 100)])
print(live_counts()["Submission"] > 19)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "True\n", "")
