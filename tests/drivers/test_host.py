"""What the drivers of host memory decide beyond the contract: messages, and the ends of things."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from cts import registry
from cts.hal import (
    Buffer,
    BufferRange,
    BufferUsage,
    Device,
    DeviceGroup,
    HalError,
    MemoryType,
    StatusCode,
)

from .conftest import GroupedDevices
from .raising import raised

SIZE = 64
DRIVERS = ["local-sync", "local-task"]


class Setting:
    """A device in a group, with buffers and semaphores to go wrong with."""

    def __init__(self, driver: str, devices: list[Device]) -> None:
        self.driver = driver
        self.device, self.peer = devices
        self.buffer = self.device.allocator.allocate(SIZE)
        self.other = self.peer.allocator.allocate(SIZE)
        self.semaphore = self.device.create_semaphore()
        self.sink = self.device.allocator.allocate(SIZE, usage=BufferUsage.MAPPING)
        self.done = self.peer.create_semaphore()
        self.line = self.device.create_semaphore()
        self.steps = 0
        self.buffer.write(0, bytes(SIZE))

    def release(self) -> None:
        for resource in (
            *(self.buffer, self.other, self.sink),
            *(self.semaphore, self.done, self.line),
        ):
            if resource.reference_count:
                resource.release()

    def next_step(self) -> dict[str, Any]:
        """The lists of an operation that comes after the one before."""
        self.steps += 1
        return {"wait": [(self.line, self.steps - 1)], "signal": [(self.line, self.steps)]}

    def finish(self) -> None:
        """Waits for the last step."""
        self.line.wait(self.steps)


@pytest.fixture(params=DRIVERS)
def setting(request: pytest.FixtureRequest, grouped_devices: GroupedDevices) -> Iterator[Setting]:
    driver: str = request.param
    made = Setting(driver, grouped_devices(driver, 2))
    yield made
    made.release()


Act = Callable[[Setting], object]
REFUSALS: dict[str, tuple[StatusCode, Act, tuple[str, ...]]] = {
    "fill past the end": (
        StatusCode.OUT_OF_RANGE,
        lambda s: s.device.queue_fill(s.buffer, 60, 8, b"x"),
        ("Device.queue_fill", "[60, 68)", "64 bytes"),
    ),
    "fill with a huge length": (
        StatusCode.OUT_OF_RANGE,
        lambda s: s.device.queue_fill(s.buffer, 0, 2**70, b"x"),
        ("Device.queue_fill", str(2**70), "64 bytes"),
    ),
    "fill with a negative length": (
        StatusCode.OUT_OF_RANGE,
        lambda s: s.device.queue_fill(s.buffer, 4, -4, b"x"),
        ("Device.queue_fill", "length -4", "64 bytes"),
    ),
    "fill with a range that is no number": (
        StatusCode.INVALID_ARGUMENT,
        lambda s: s.device.queue_fill(s.buffer, 0, 1.5, b"x"),  # type: ignore[arg-type]
        ("Device.queue_fill", "1.5", "integer"),
    ),
    "pattern of three bytes": (
        StatusCode.INVALID_ARGUMENT,
        lambda s: s.device.queue_fill(s.buffer, 0, 3, b"abc"),
        ("Device.queue_fill", "3 bytes", "1, 2 or 4"),
    ),
    "pattern of a misaligned range": (
        StatusCode.INVALID_ARGUMENT,
        lambda s: s.device.queue_fill(s.buffer, 2, 6, b"abcd"),
        ("Device.queue_fill", "offset 2", "length 6", "4 bytes"),
    ),
    "copy onto itself": (
        StatusCode.INVALID_ARGUMENT,
        lambda s: s.device.queue_copy(s.buffer, 0, s.buffer, 4, 8),
        ("Device.queue_copy", "[0, 8)", "[4, 12)", "overlap"),
    ),
    "copy to no buffer": (
        StatusCode.INVALID_ARGUMENT,
        lambda s: s.device.queue_copy(s.buffer, 0, object(), 4, 8),  # type: ignore[arg-type]
        ("Device.queue_copy", "target", "Buffer of DRIVER"),
    ),
    "copy to a buffer that is not for transfers": (
        StatusCode.PERMISSION_DENIED,
        lambda s: s.device.queue_copy(s.buffer, 0, s.sink, 0, 8),
        ("Device.queue_copy", "MAPPING", "TRANSFER"),
    ),
    "update with what is no bytes": (
        StatusCode.INVALID_ARGUMENT,
        lambda s: s.device.queue_update(7, s.buffer, 0),  # type: ignore[arg-type]
        ("Device.queue_update", "int", "bytes"),
    ),
    "wait for no list": (
        StatusCode.INVALID_ARGUMENT,
        lambda s: s.device.queue_barrier(wait=None),  # type: ignore[arg-type]
        ("Device.queue_barrier", "None", "(semaphore, value)"),
    ),
    "signal of no pair": (
        StatusCode.INVALID_ARGUMENT,
        lambda s: s.device.queue_barrier(signal=[s.done]),  # type: ignore[list-item]
        ("Device.queue_barrier", "(semaphore, value)"),
    ),
    "signal of no semaphore": (
        StatusCode.INVALID_ARGUMENT,
        lambda s: s.device.queue_barrier(signal=[(s.buffer, 1)]),  # type: ignore[list-item]
        ("Device.queue_barrier", "signal", "Semaphore of DRIVER"),
    ),
    "signal not above the payload": (
        StatusCode.INVALID_ARGUMENT,
        lambda s: s.device.queue_barrier(signal=[(s.done, 0)]),
        ("Device.queue_barrier", "value is 0", "payload 0"),
    ),
    "signals of one semaphore that fall": (
        StatusCode.INVALID_ARGUMENT,
        lambda s: s.device.queue_barrier(signal=[(s.done, 2), (s.done, 1)]),
        ("Device.queue_barrier", "1 comes after 2"),
    ),
    "execute what is no command buffer": (
        StatusCode.INVALID_ARGUMENT,
        lambda s: s.device.queue_execute(object()),  # type: ignore[arg-type]
        ("Device.queue_execute", "command_buffer", "CommandBuffer of DRIVER"),
    ),
    "read past the end": (
        StatusCode.OUT_OF_RANGE,
        lambda s: s.buffer.read(SIZE + 1),
        ("Buffer.read", "65", "64 bytes"),
    ),
    "write past the end": (
        StatusCode.OUT_OF_RANGE,
        lambda s: s.buffer.write(SIZE - 1, b"ab"),
        ("Buffer.write", "[63, 65)", "64 bytes"),
    ),
    "a negative size": (
        StatusCode.INVALID_ARGUMENT,
        lambda s: s.device.allocator.allocate(-1),
        ("Allocator.allocate", "-1", "at least 0"),
    ),
    "a size that no memory has": (
        StatusCode.RESOURCE_EXHAUSTED,
        lambda s: s.device.allocator.allocate(2**62),
        ("Allocator.allocate", str(2**62)),
    ),
    "a size that no number type has": (
        StatusCode.RESOURCE_EXHAUSTED,
        lambda s: s.device.allocator.allocate(2**80),
        ("Allocator.allocate", str(2**80)),
    ),
    "memory of an undefined type": (
        StatusCode.INVALID_ARGUMENT,
        lambda s: s.device.allocator.allocate(1, memory_type=MemoryType(1 << 9)),
        ("Allocator.allocate", "memory_type", "0x200", "0x3f"),
    ),
    "an initial value below 0": (
        StatusCode.INVALID_ARGUMENT,
        lambda s: s.device.create_semaphore(-1),
        ("Device.create_semaphore", "-1", str(2**63 - 1)),
    ),
    "a host signal above the largest value": (
        StatusCode.INVALID_ARGUMENT,
        lambda s: s.semaphore.signal(2**63),
        ("Semaphore.signal", str(2**63), str(2**63 - 1)),
    ),
    "a time-out that is no number": (
        StatusCode.INVALID_ARGUMENT,
        lambda s: s.semaphore.wait(1, float("nan")),
        ("Semaphore.wait", "nan", "seconds"),
    ),
    "a failure of no code": (
        StatusCode.INVALID_ARGUMENT,
        lambda s: s.semaphore.fail(77),  # type: ignore[arg-type]
        ("Semaphore.fail", "77", "1 to 18"),
    ),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_a_refusal_names_operation_value_and_limit(setting: Setting, name: str) -> None:
    code, act, words = REFUSALS[name]
    error = raised(lambda: act(setting))
    assert error.code is code
    wanted = [word.replace("DRIVER", setting.driver) for word in words]
    assert [word for word in wanted if word not in str(error)] == []
    assert setting.done.query() == 0
    assert setting.buffer.read() == bytes(SIZE)


def test_ranges_up_to_the_very_end_are_taken(setting: Setting) -> None:
    device, buffer = setting.device, setting.buffer
    device.queue_fill(buffer, SIZE - 4, 4, b"abcd", **setting.next_step())
    device.queue_fill(buffer, SIZE, 0, b"abcd", **setting.next_step())
    device.queue_copy(buffer, SIZE - 4, buffer, 0, 4, **setting.next_step())
    device.queue_copy(buffer, 0, buffer, 4, 4, **setting.next_step())
    device.queue_update(b"", buffer, SIZE, **setting.next_step())
    setting.finish()
    assert buffer.read(0, 8) + buffer.read(SIZE - 4) == b"abcd" * 3
    assert buffer.read(SIZE) == b""


def test_a_destroyed_argument_is_a_failed_precondition(setting: Setting) -> None:
    device, buffer, done = setting.device, setting.buffer, setting.done
    buffer.release()
    done.release()
    for act in (
        lambda: device.queue_fill(buffer, 0, 4, b"a"),
        lambda: device.queue_copy(setting.other, 0, buffer, 0, 4),
        lambda: device.queue_barrier(signal=[(done, 1)]),
    ):
        error = raised(act)
        assert error.code is StatusCode.FAILED_PRECONDITION
        assert error.operation.startswith("Device.queue_")


@pytest.mark.parametrize("driver", DRIVERS)
def test_a_device_in_no_group_takes_no_submission(driver: str) -> None:
    with registry.load(driver)().create_device() as device:
        error = raised(device.queue_barrier)
        assert error.code is StatusCode.FAILED_PRECONDITION
        assert "in no group" in error.detail
        with DeviceGroup.from_device(device):
            device.queue_barrier()


@pytest.mark.parametrize("driver", DRIVERS)
def test_an_allocator_ends_with_its_device(driver: str) -> None:
    device = registry.load(driver)().create_device()
    allocator = device.allocator
    device.release()
    assert raised(lambda: allocator.allocate(1)).code is StatusCode.FAILED_PRECONDITION
    del device
    assert raised(lambda: allocator.allocate(1)).code is StatusCode.FAILED_PRECONDITION


def test_an_object_of_the_other_host_driver_is_refused(grouped_devices: GroupedDevices) -> None:
    (one,), (other,) = (grouped_devices(driver, 1) for driver in DRIVERS)
    with one.allocator.allocate(4) as buffer, one.create_semaphore() as semaphore:
        for act in (
            lambda: other.queue_fill(buffer, 0, 4, b"a"),
            lambda: other.queue_barrier(wait=[(semaphore, 0)]),
        ):
            error = raised(act)
            assert error.code is StatusCode.INVALID_ARGUMENT
            assert "of local-task" in error.detail


def test_a_failed_semaphore_tells_why(setting: Setting) -> None:
    setting.semaphore.fail(StatusCode.DATA_LOSS, "a page is gone")
    setting.semaphore.fail(StatusCode.ABORTED, "too late")
    assert str(raised(setting.semaphore.query)) == (
        "DATA_LOSS: Semaphore.query: the semaphore has failed: a page is gone"
    )


def test_the_end_of_a_semaphore_wakes_who_waits_for_it(setting: Setting) -> None:
    caught: list[HalError] = []
    semaphore = setting.device.create_semaphore()
    wait = semaphore.wait

    def waiter() -> None:
        caught.append(raised(lambda: wait(1, None)))

    thread = threading.Thread(target=waiter)
    thread.start()
    semaphore.release()
    thread.join()
    assert caught[0].code is StatusCode.CANCELLED


# -- command buffers ----------------------------------------------------------------------


def test_a_command_buffer_keeps_its_buffers_and_runs_again(setting: Setting) -> None:
    source: Buffer = setting.device.allocator.allocate(4)
    source.write(0, b"once")
    with setting.device.create_command_buffer() as commands:
        commands.begin()
        commands.copy(source, 0, setting.buffer, 0, 4)
        commands.barrier()
        commands.copy(setting.buffer, 0, setting.other, 8, 4)
        commands.end()
        source.release()
        for _ in range(2):
            setting.other.write(8, b"----")
            setting.peer.queue_execute(commands, **setting.next_step())
            setting.finish()
            assert setting.other.read(8, 4) == b"once"
        assert source.reference_count == 1
    assert source.reference_count == 0


def test_a_refused_command_is_not_recorded(setting: Setting) -> None:
    with setting.device.create_command_buffer() as commands:
        commands.begin()
        error = raised(lambda: commands.fill(setting.buffer, SIZE, 1, b"x"))
        assert (error.code, error.operation) == (StatusCode.OUT_OF_RANGE, "CommandBuffer.fill")
        commands.end()
        setting.device.queue_execute(commands, **setting.next_step())
        setting.finish()
    assert setting.buffer.read() == bytes(SIZE)


def test_code_that_raises_fails_the_signals_as_internal(setting: Setting) -> None:
    """By the call too, where that carries it out."""
    driver = registry.load(setting.device.driver_name)()
    (format,) = driver.properties.executable_formats
    code = driver.conformance_executable(format)
    usage = BufferUsage.DISPATCH_STORAGE
    with (
        setting.device.create_executable(format, code) as executable,
        setting.device.allocator.allocate(4, usage=usage) as small,
        setting.device.create_semaphore() as line,
    ):

        def dispatch() -> None:
            arguments = executable.lookup("places"), (100, 1, 1), [BufferRange(small)]
            setting.device.queue_dispatch(executable, *arguments, signal=[(line, 1)])
            line.wait(1)

        error = raised(dispatch)
        assert error.code is StatusCode.INTERNAL
        assert "the entry point 'places' failed: ValueError(" in str(error)
        assert raised(line.query).code is StatusCode.INTERNAL


@pytest.mark.parametrize("driver", DRIVERS)
def test_the_interpreter_exits_quietly_with_everything_alive(driver: str) -> None:
    program = (
        "from cts import registry\n"
        "from cts.hal import DeviceGroup\n"
        f"device = registry.load({driver!r})().create_device()\n"
        "group = DeviceGroup.from_device(device)\n"
        "buffers = [device.allocator.allocate(8) for _ in range(8)]\n"
        "commands = device.create_command_buffer()\n"
        "commands.begin()\n"
        "for buffer in buffers: commands.fill(buffer, 0, 8, b'a')\n"
        "semaphore = device.create_semaphore()\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
