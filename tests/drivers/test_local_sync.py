"""What local-sync decides beyond the contract: a submission blocks its caller, for so long."""

from __future__ import annotations

import threading
from collections.abc import Callable
from itertools import pairwise
from types import ModuleType

import pytest

from cts.hal import Device, HalError, StatusCode

from .conftest import GroupedDevices


@pytest.fixture
def device(grouped_devices: GroupedDevices) -> Device:
    return grouped_devices("local-sync", 1)[0]


def test_a_submission_blocks_until_another_thread_signals(device: Device) -> None:
    entered = threading.Event()
    with (
        device.allocator.allocate(4) as buffer,
        device.create_semaphore() as go,
        device.create_semaphore() as done,
    ):

        def submit() -> None:
            entered.set()
            device.queue_fill(buffer, 0, 4, b"z", wait=[(go, 1)], signal=[(done, 1)])

        thread = threading.Thread(target=submit)
        thread.start()
        entered.wait()
        assert done.query() == 0
        go.signal(1)
        done.wait(1)
        thread.join()
        assert buffer.read() == b"zzzz"


def test_a_wait_that_is_not_reached_fails_the_signals(
    device: Device,
    monkeypatch: pytest.MonkeyPatch,
    driver_module: Callable[[str, str], ModuleType],
) -> None:
    monkeypatch.setattr(driver_module("local-sync", "submission"), "DEFAULT_WAIT_TIMEOUT", 0.01)
    with (
        device.allocator.allocate(4) as buffer,
        device.create_semaphore() as never,
        device.create_semaphore() as done,
    ):
        buffer.write(0, bytes(4))
        with pytest.raises(HalError) as caught:
            device.queue_fill(buffer, 0, 4, b"z", wait=[(never, 1)], signal=[(done, 1)])
        assert caught.value.code is StatusCode.DEADLINE_EXCEEDED
        with pytest.raises(HalError) as caught:
            done.query()
        assert caught.value.code is StatusCode.DEADLINE_EXCEEDED
        assert never.query() == 0
        assert buffer.read() == bytes(4)


def test_a_failed_wait_is_raised_as_well(device: Device) -> None:
    line = [device.create_semaphore() for _ in range(4)]
    line[0].fail(StatusCode.DATA_LOSS, "a page is gone")
    for before, after in pairwise(line):
        with pytest.raises(HalError) as caught:
            device.queue_barrier(wait=[(before, 1)], signal=[(after, 1)])
        assert caught.value.code is StatusCode.DATA_LOSS
    with pytest.raises(HalError, match="the semaphore has failed: a page is gone"):
        line[-1].query()
    for semaphore in line:
        semaphore.release()
