"""Submissions to IREE's queues: what cannot be said to IREE, and waits that block the caller."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from cts.hal import Buffer, CommandBuffer, Device, HalError, Semaphore, StatusCode
from cts.hal.testing.foreign import foreign_buffer, foreign_command_buffer, foreign_semaphore

from .conftest import DriverModule, GroupedDevices
from .raising import raised

pytest.importorskip("iree.runtime")

SYNC, TASK = "iree-local-sync", "iree-local-task"


@pytest.fixture(params=[SYNC, TASK])
def device(request: pytest.FixtureRequest, grouped_devices: GroupedDevices) -> Device:
    return grouped_devices(request.param, 1)[0]


@pytest.fixture
def sync(grouped_devices: GroupedDevices) -> Device:
    """A device whose queue blocks the caller."""
    return grouped_devices(SYNC, 1)[0]


@pytest.fixture
def task(grouped_devices: GroupedDevices) -> Device:
    """A device whose queue does not."""
    return grouped_devices(TASK, 1)[0]


# -- arguments ----------------------------------------------------------------------------


class Objects:
    """One object of each kind for a submission."""

    def __init__(self, buffer: Buffer, semaphore: Semaphore, commands: CommandBuffer) -> None:
        self.buffer, self.semaphore, self.commands = buffer, semaphore, commands


Use = Callable[[Device, Objects, Objects], None]
"""A submission to a device with one object of the second kind, all others of the first."""

BUFFER_USES: dict[str, Use] = {
    "fill": lambda d, own, other: d.queue_fill(other.buffer, 0, 4, b"x"),
    "update": lambda d, own, other: d.queue_update(b"x", other.buffer, 0),
    "copy from": lambda d, own, other: d.queue_copy(other.buffer, 0, own.buffer, 0, 4),
    "copy to": lambda d, own, other: d.queue_copy(own.buffer, 0, other.buffer, 0, 4),
    "record fill": lambda d, own, other: own.commands.fill(other.buffer, 0, 4, b"x"),
    "record update": lambda d, own, other: own.commands.update(b"x", other.buffer, 0),
    "record copy from": lambda d, own, other: own.commands.copy(other.buffer, 0, own.buffer, 0, 4),
    "record copy to": lambda d, own, other: own.commands.copy(own.buffer, 0, other.buffer, 0, 4),
}
OTHER_USES: dict[str, Use] = {
    "wait": lambda d, own, other: d.queue_fill(own.buffer, 0, 4, b"x", wait=[(other.semaphore, 0)]),
    "signal": lambda d, own, other: d.queue_fill(
        own.buffer, 0, 4, b"x", signal=[(own.semaphore, 9), (other.semaphore, 9)]
    ),
    "execute": lambda d, own, other: d.queue_execute(other.commands),
}
USES = BUFFER_USES | OTHER_USES


@pytest.fixture
def own(device: Device) -> Iterator[Objects]:
    """The device's own objects; the command buffer is recording."""
    with (
        device.allocator.allocate(8) as buffer,
        device.create_semaphore() as semaphore,
        device.create_command_buffer() as commands,
    ):
        buffer.write(0, bytes(8))
        commands.begin()
        yield Objects(buffer, semaphore, commands)
        assert buffer.read() == bytes(8)
        assert semaphore.query() == 0


@pytest.mark.parametrize("use", USES)
def test_another_drivers_objects_are_refused(device: Device, own: Objects, use: str) -> None:
    with ExitStack() as foreign:
        other = Objects(
            foreign.enter_context(foreign_buffer()),
            foreign.enter_context(foreign_semaphore()),
            foreign.enter_context(foreign_command_buffer()),
        )
        error = raised(lambda: USES[use](device, own, other))
        assert (error.code, error.native_code) == (StatusCode.INVALID_ARGUMENT, None)


@pytest.mark.parametrize("use", USES)
def test_destroyed_objects_are_refused(device: Device, own: Objects, use: str) -> None:
    other = Objects(
        device.allocator.allocate(8), device.create_semaphore(), device.create_command_buffer()
    )
    for resource in (other.buffer, other.semaphore, other.commands):
        resource.release()
    error = raised(lambda: USES[use](device, own, other))
    assert (error.code, error.native_code) == (StatusCode.FAILED_PRECONDITION, None)


@pytest.mark.parametrize("use", USES)
def test_what_is_no_object_is_refused(device: Device, own: Objects, use: str) -> None:
    nothing: Any = Objects(None, "semaphore", 7)  # type: ignore[arg-type]
    error = raised(lambda: USES[use](device, own, nothing))
    assert (error.code, error.native_code) == (StatusCode.INVALID_ARGUMENT, None)


@pytest.mark.parametrize("use", BUFFER_USES)
def test_buffers_of_another_device_are_used(
    grouped_devices: GroupedDevices, device: Device, own: Objects, use: str
) -> None:
    (other,) = grouped_devices(device.driver_name, 1)
    with other.allocator.allocate(8) as buffer, other.create_semaphore() as done:
        BUFFER_USES[use](device, own, Objects(buffer, own.semaphore, own.commands))
        device.queue_barrier(signal=[(done, 1)])
        done.wait(1)
        device.queue_fill(own.buffer, 0, 8, b"\0", wait=[(done, 1)], signal=[(done, 2)])
        done.wait(2)


LISTS: list[Any] = [None, 7, [7], [None], [()], "ab"]


@pytest.mark.parametrize("semaphores", LISTS, ids=str)
def test_a_list_that_is_none_is_refused(device: Device, semaphores: Any) -> None:
    for lists in ({"wait": semaphores}, {"signal": semaphores}):
        error = raised(lambda lists=lists: device.queue_barrier(**lists))  # type: ignore[misc]
        assert (error.code, error.native_code) == (StatusCode.INVALID_ARGUMENT, None)


def test_a_payload_that_is_no_word_is_refused(device: Device, own: Objects) -> None:
    for value in (-1, 2**64, "1", 1.0):
        for lists in ({"wait": [(own.semaphore, value)]}, {"signal": [(own.semaphore, value)]}):
            error = raised(lambda lists=lists: device.queue_barrier(**lists))  # type: ignore[misc]
            assert error.code is StatusCode.INVALID_ARGUMENT


@pytest.mark.parametrize("values", [(2, 1), (1, 1), (1, 3, 2)])
def test_a_signal_that_a_fence_would_pass_over_is_refused(
    device: Device, own: Objects, values: tuple[int, ...]
) -> None:
    signal = [(own.semaphore, value) for value in values]
    error = raised(lambda: device.queue_fill(own.buffer, 0, 4, b"x", signal=signal))
    assert (error.code, error.native_code) == (StatusCode.INVALID_ARGUMENT, None)
    with device.create_semaphore() as line:
        device.queue_barrier(signal=[(line, 1), (line, 2)])
        line.wait(2)


def test_numbers_that_iree_has_no_room_for_are_refused(device: Device, own: Objects) -> None:
    for offset, length in ((0, 2**64 - 1), (0, 2**70), (-1, 4), (4, -4)):
        with pytest.raises(HalError, match=str(2**64 - 2)) as caught:
            device.queue_fill(own.buffer, offset, length, b"a")
        assert caught.value.code is StatusCode.OUT_OF_RANGE


@pytest.mark.parametrize("pattern", [bytes(9), bytes(1000), "a", None, 7])
def test_a_pattern_that_is_no_word_of_bytes_is_refused(
    device: Device, own: Objects, pattern: Any
) -> None:
    for fill in (device.queue_fill, own.commands.fill):
        error = raised(lambda fill=fill: fill(own.buffer, 0, 8, pattern))  # type: ignore[misc]
        assert (error.code, error.native_code) == (StatusCode.INVALID_ARGUMENT, None)


def test_a_pattern_of_a_word_is_irees_to_judge(sync: Device) -> None:
    with sync.allocator.allocate(8) as buffer:
        error = raised(lambda: sync.queue_fill(buffer, 0, 8, bytes(8)))
        assert (error.code, error.native_code) == (StatusCode.INVALID_ARGUMENT, "INVALID_ARGUMENT")


# -- waits --------------------------------------------------------------------------------


def test_a_submission_lets_other_threads_run_while_it_waits(sync: Device) -> None:
    with sync.create_semaphore() as start, sync.create_semaphore() as done:
        thread = threading.Thread(
            target=lambda: sync.queue_barrier(wait=[(start, 1)], signal=[(done, 1)])
        )
        thread.start()
        assert done.query() == 0
        start.signal(1)
        done.wait(1)
        thread.join()


def test_a_blocking_wait_that_is_not_reached_ends(
    sync: Device, monkeypatch: pytest.MonkeyPatch, driver_module: DriverModule
) -> None:
    monkeypatch.setattr(driver_module(SYNC, "submission"), "DEFAULT_WAIT_TIMEOUT", 0.01)
    with sync.create_semaphore() as start, sync.create_semaphore() as done:
        error = raised(lambda: sync.queue_barrier(wait=[(start, 1)], signal=[(done, 1)]))
        assert error.code is StatusCode.DEADLINE_EXCEEDED
        assert raised(done.query).code is StatusCode.DEADLINE_EXCEEDED


def test_an_asynchronous_wait_has_all_the_time(
    task: Device, monkeypatch: pytest.MonkeyPatch, driver_module: DriverModule
) -> None:
    monkeypatch.setattr(driver_module(TASK, "submission"), "DEFAULT_WAIT_TIMEOUT", 0.0)
    with task.create_semaphore() as start, task.create_semaphore() as done:
        task.queue_barrier(wait=[(start, 1)], signal=[(done, 1)])
        assert done.query() == 0
        start.signal(1)
        done.wait(1)


def test_a_failure_that_irees_vm_takes_for_a_yield_ends_a_submission(device: Device) -> None:
    with device.create_semaphore() as failed, device.create_semaphore() as done:
        failed.fail(StatusCode.DEFERRED)
        error = raised(lambda: device.queue_barrier(wait=[(failed, 1)], signal=[(done, 1)]))
        assert error.code is StatusCode.DEFERRED
        assert raised(done.query).code is StatusCode.DEFERRED


def test_a_signal_that_failed_so_ends_a_submission_that_blocks(sync: Device) -> None:
    with sync.create_semaphore() as failed, sync.create_semaphore() as done:
        failed.fail(StatusCode.DEFERRED)
        error = raised(lambda: sync.queue_barrier(signal=[(done, 1), (failed, 1)]))
        assert error.code is StatusCode.DEFERRED
        assert raised(done.query).code is StatusCode.DEFERRED
    with sync.create_semaphore() as done:
        sync.queue_barrier(signal=[(done, 1)])
        done.wait(1)


@pytest.mark.parametrize("timeout", [0, 0.01, -1])
def test_a_wait_for_a_time_ends(device: Device, timeout: float) -> None:
    with device.create_semaphore() as semaphore:
        assert raised(lambda: semaphore.wait(1, timeout)).code is StatusCode.DEADLINE_EXCEEDED
        semaphore.wait(0, timeout)


def test_the_end_of_a_semaphore_wakes_who_waits_for_it(device: Device) -> None:
    caught: list[HalError] = []
    semaphore = device.create_semaphore()
    waiting = threading.Event()

    def waiter() -> None:
        waiting.set()
        caught.append(raised(lambda: semaphore.wait(1, None)))

    thread = threading.Thread(target=waiter)
    thread.start()
    waiting.wait()
    semaphore.release()
    thread.join()
    assert caught[0].code is StatusCode.FAILED_PRECONDITION


# -- command buffers ----------------------------------------------------------------------


def test_a_recorded_command_buffer_runs_again(device: Device) -> None:
    with (
        device.allocator.allocate(8) as buffer,
        device.create_command_buffer() as commands,
        device.create_semaphore() as line,
    ):
        commands.begin()
        commands.fill(buffer, 0, 8, b"ab")
        commands.barrier()
        commands.update(b"xy", buffer, 2)
        commands.barrier()
        commands.copy(buffer, 2, buffer, 6, 2)
        commands.end()
        for turn in (1, 2, 3):
            buffer.write(0, bytes(8))
            device.queue_execute(commands, signal=[(line, turn)])
            line.wait(turn)
            assert buffer.read() == b"abxyabxy"
