"""What the adapter of IREE's drivers decides by itself: errors, waits, and who answers what."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import threading
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from cts import registry
from cts.hal import (
    Device,
    DeviceGroup,
    DeviceInfo,
    HalError,
    StatusCode,
    answered_by,
    slots,
)

from .conftest import GroupedDevices

pytest.importorskip("iree.runtime")

NAME = "iree-local-sync"
ADAPTERS_OWN = {
    "query_capabilities",
    "topology_info",
    "assign_topology_info",
    "refine_topology_edge",
}

DriverModule = Callable[[str, str], ModuleType]


def raised(action: Callable[[], object]) -> HalError:
    """The HalError that `action` raises."""
    with pytest.raises(HalError) as caught:
        action()
    return caught.value


@pytest.fixture
def device(grouped_devices: GroupedDevices) -> Device:
    return grouped_devices(NAME, 1)[0]


def test_what_the_wheel_cannot_be_asked_is_declared_as_the_adapters(device: Device) -> None:
    work = {name for name, slot in slots().items() if slot.kind in ("core", "work")}
    assert {name for name in work if answered_by(device, name) == "adapter"} == ADAPTERS_OWN


def test_devices_come_from_irees_listing() -> None:
    driver = registry.load(NAME)()
    assert driver.available() is None
    (info,) = driver.enumerate()
    assert driver.version.startswith("iree-base-runtime 3")
    with driver.create_device(info) as one, driver.create_device() as other:
        assert one.identifier.startswith(f"{NAME}:{info.path}:")
        assert one.identifier != other.identifier
    error = raised(lambda: driver.create_device(DeviceInfo(path="elsewhere", name="")))
    assert error.code is StatusCode.NOT_FOUND


@pytest.mark.parametrize("name", ["iree-local-task", "iree-vulkan", "iree-cuda", "iree-hip"])
def test_other_drivers_of_irees_are_not_adapted_yet(name: str) -> None:
    error = registry.load(name)().available()
    assert error is not None
    assert error.code is StatusCode.UNAVAILABLE
    assert "not adapted yet in this version" in error.detail


def test_a_wheel_without_the_driver_is_an_absence(
    monkeypatch: pytest.MonkeyPatch, driver_module: DriverModule
) -> None:
    monkeypatch.setattr(registry.load(NAME), "hal_name", "local-quantum")
    error = registry.load(NAME)().available()
    assert error is not None
    assert error.code is StatusCode.UNAVAILABLE
    assert "no driver 'local-quantum'" in error.detail


def test_the_wheel_is_looked_for_without_importing_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    error = registry.load(NAME)().available()
    assert error is not None
    assert error.detail == "IREE's runtime is not installed: pip install 'hal-cts[iree]'"


# -- errors -------------------------------------------------------------------------------


TEXTS = {
    "signaling semaphore: a/b.c:598: INVALID_ARGUMENT; already past 7": (
        StatusCode.INVALID_ARGUMENT,
        "already past 7",
        "INVALID_ARGUMENT",
    ),
    "Error invoking function: DATA_LOSS; while invoking native function hal.x; \n[ 0] native": (
        StatusCode.DATA_LOSS,
        "IREE says no more than DATA_LOSS",
        "DATA_LOSS",
    ),
    "Error invoking function: a.c:1: OUT_OF_RANGE; off the end; while invoking native function": (
        StatusCode.OUT_OF_RANGE,
        "off the end",
        "OUT_OF_RANGE",
    ),
    "querying semaphore: INTERNAL": (
        StatusCode.INTERNAL,
        "IREE says no more than INTERNAL",
        "INTERNAL",
    ),
    "std::bad_cast": (StatusCode.UNKNOWN, "std::bad_cast", "RuntimeError"),
}


@pytest.mark.parametrize("text", TEXTS)
def test_the_text_of_an_exception_becomes_a_canonical_error(
    driver_module: DriverModule, text: str
) -> None:
    def fail() -> None:
        raise RuntimeError(text)

    error = raised(lambda: driver_module(NAME, "native").call("Some.operation", fail))
    assert (error.code, error.detail, error.native_code) == TEXTS[text]
    assert error.operation == "Some.operation"
    assert isinstance(error.__cause__, RuntimeError)


def test_every_canonical_code_is_recognised(driver_module: DriverModule) -> None:
    def fail(code: StatusCode) -> None:
        raise RuntimeError(f"doing: x.c:1: {code.name}; why")

    for code in StatusCode:
        with pytest.raises(HalError) as caught:
            driver_module(NAME, "native").call("o", fail, code)
        assert caught.value.code is code


def test_an_exception_that_is_no_status_passes_through(driver_module: DriverModule) -> None:
    def fail() -> None:
        raise KeyError("a fault of ours")

    with pytest.raises(KeyError, match="a fault of ours"):
        driver_module(NAME, "native").call("o", fail)


@pytest.mark.parametrize("code", list(StatusCode))
def test_a_failure_keeps_its_code_through_iree(device: Device, code: StatusCode) -> None:
    with device.create_semaphore() as semaphore:
        semaphore.fail(code)
        for act in (semaphore.query, lambda: semaphore.wait(1)):
            error = raised(act)
            assert error.code is code
            assert error.native_code == code.name


def test_numbers_that_iree_has_no_room_for_are_refused(device: Device) -> None:
    allocate = device.allocator.allocate
    assert raised(lambda: allocate(2**64)).code is StatusCode.RESOURCE_EXHAUSTED
    refused = raised(lambda: allocate(-1))
    assert (refused.code, refused.native_code) == (StatusCode.INVALID_ARGUMENT, "TypeError")
    with allocate(8) as buffer:
        for offset, length in ((0, 2**64 - 1), (0, 2**70), (-1, 4), (4, -4)):
            with pytest.raises(HalError, match=str(2**64 - 2)) as caught:
                device.queue_fill(buffer, offset, length, b"a")
            assert caught.value.code is StatusCode.OUT_OF_RANGE
        assert raised(lambda: buffer.read(0, 9)).native_code == "OUT_OF_RANGE"


def test_another_drivers_objects_are_refused(
    device: Device, grouped_devices: GroupedDevices
) -> None:
    (other,) = grouped_devices("local-sync", 1)
    with other.allocator.allocate(8) as buffer, other.create_semaphore() as semaphore:
        acts: list[Callable[[], Any]] = [
            lambda: device.queue_fill(buffer, 0, 8, b"a"),
            lambda: device.queue_barrier(signal=[(semaphore, 1)]),
            lambda: device.queue_barrier(wait=[(semaphore, 0)]),
        ]
        for act in acts:
            assert raised(act).code is StatusCode.INVALID_ARGUMENT


# -- waiting ------------------------------------------------------------------------------


def test_a_submission_lets_other_threads_run_while_it_waits(device: Device) -> None:
    with device.create_semaphore() as start, device.create_semaphore() as done:
        thread = threading.Thread(
            target=lambda: device.queue_barrier(wait=[(start, 1)], signal=[(done, 1)])
        )
        thread.start()
        assert done.query() == 0
        start.signal(1)
        done.wait(1)
        thread.join()


def test_a_wait_that_is_not_reached_ends(
    device: Device, monkeypatch: pytest.MonkeyPatch, driver_module: DriverModule
) -> None:
    monkeypatch.setattr(driver_module(NAME, "device"), "DEFAULT_WAIT_TIMEOUT", 0.01)
    with device.create_semaphore() as start, device.create_semaphore() as done:
        error = raised(lambda: device.queue_barrier(wait=[(start, 1)], signal=[(done, 1)]))
        assert error.code is StatusCode.DEADLINE_EXCEEDED
        assert raised(done.query).code is StatusCode.DEADLINE_EXCEEDED


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


# -- command buffers and the end of everything --------------------------------------------


def test_a_recorded_command_buffer_runs_again(device: Device) -> None:
    with device.allocator.allocate(8) as buffer, device.create_command_buffer() as commands:
        commands.begin()
        commands.fill(buffer, 0, 8, b"ab")
        commands.barrier()
        commands.update(b"xy", buffer, 2)
        commands.barrier()
        commands.copy(buffer, 2, buffer, 6, 2)
        commands.end()
        for _ in range(3):
            buffer.write(0, bytes(8))
            device.queue_execute(commands)
            assert buffer.read() == b"abxyabxy"


EVERYTHING_ALIVE = """
from cts import registry
from cts.hal import DeviceGroup, StatusCode
driver = registry.load("iree-local-sync")()
driver.enumerate()
device = driver.create_device()
group = DeviceGroup.from_device(device)
buffer = device.allocator.allocate(64)
semaphore, failed = device.create_semaphore(), device.create_semaphore()
failed.fail(StatusCode.ABORTED)
commands = device.create_command_buffer()
commands.begin()
commands.fill(buffer, 0, 64, b"a")
device.queue_fill(buffer, 0, 64, b"abcd", signal=[(semaphore, 1)])
"""
IN_A_FORKED_CHILD = """
import os, sys
child = os.fork()
if child == 0:
    del driver, device, group, buffer, semaphore, failed, commands
    sys.exit(0)
assert os.waitpid(child, 0)[1] == 0
assert buffer.read(0, 4) == b"abcd"
"""


@pytest.mark.parametrize("program", [EVERYTHING_ALIVE, EVERYTHING_ALIVE + IN_A_FORKED_CHILD])
def test_the_interpreter_exits_quietly_with_everything_alive(program: str) -> None:
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_device_outlives_its_driver_object_and_its_group() -> None:
    with registry.load(NAME)().create_device() as device:
        DeviceGroup.from_device(device).release()
        DeviceGroup.from_device(device).release()
        assert device.topology_info is None
