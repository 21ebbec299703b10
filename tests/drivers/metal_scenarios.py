"""What tests have the driver of Metal do in a process of its own, on the stand-in.

    PYTHONPATH=tests/standin/metal python -m tests.drivers.metal_scenarios NAME [ARGUMENT...]

A scenario, a function of this module, prints what it has seen as JSON, in its last line.
"""

from __future__ import annotations

import importlib
import json
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from itertools import product
from typing import Any

from cts import registry
from cts.hal import (
    Buffer,
    BufferRange,
    BufferUsage,
    Device,
    DeviceGroupBuilder,
    HandleType,
    MemoryType,
    live_counts,
)
from cts.work_cases.kernels import COUNT

from .stream_subject import fill_and_check, told

SIZE = 64
OFFSETS = (0, 1, 2, 3, 4, 7)
LENGTHS = (1, 3, 4, 8, 9)
USAGE = BufferUsage.TRANSFER | BufferUsage.DISPATCH_STORAGE


class Metal:
    """The driver on its stand-in.

    Attributes
    ----------
    driver, infos : the driver, and all of its devices.
    """

    def __init__(self) -> None:
        self.driver = registry.load("metal")()
        self.infos = self.driver.enumerate()
        self.driver.select(self.infos[:2])
        self._stand_in = importlib.import_module("Metal")

    @contextmanager
    def failing(self, *calls: str, idle: str = "") -> Iterator[None]:
        """Has calls fail within the block, each ``SELECTOR=CODE``."""
        self._stand_in.hal_cts_stand_in_set(",".join(calls), idle)
        try:
            yield
        finally:
            self._stand_in.hal_cts_stand_in_set("", "")

    @contextmanager
    def group(self, *numbers: int) -> Iterator[list[Device]]:
        """Devices of these numbers in a group, which end with the block."""
        devices = [self.driver.create_device(self.infos[number]) for number in numbers]
        builder = DeviceGroupBuilder()
        for device in devices:
            builder.add_device(device)
        group = builder.finalize()
        yield devices
        for resource in (group, *devices):
            resource.release()

    def works(self) -> str:
        """Whether a new device does."""
        with self.group(0) as (device,):
            return told(partial(fill_and_check, device))


def own(device: Device, data: bytes) -> Buffer:
    """A buffer of the device's own memory, which the host does not see, with bytes in it."""
    buffer = device.allocator.allocate(len(data), memory_type=MemoryType.DEVICE_LOCAL, usage=USAGE)
    with device.create_semaphore() as line:
        device.queue_update(data, buffer, 0, signal=[(line, 1)])
        line.wait(1)
    return buffer


def seen(device: Device, buffer: Buffer) -> bytes:
    """What is in a buffer that the host does not see."""
    with device.allocator.allocate(buffer.byte_length) as target, device.create_semaphore() as line:
        device.queue_copy(buffer, 0, target, 0, buffer.byte_length, signal=[(line, 1)])
        line.wait(1)
        return target.read()


def absence() -> str:
    """Asks whether the driver is available: why not."""
    return str(registry.load("metal")().available())


def devices() -> list[list[Any]]:
    """Identity, claims and what a host sees at once, of each device."""
    subject, found = Metal(), []
    for number, info in enumerate(subject.infos):
        with subject.group(number) as (device,):
            asked = device.query_capabilities()
            uuid = asked.physical_device_uuid
            flags = [flag.name for flag in asked.flags]
            found.append([info.name, uuid and uuid.hex(), asked.driver_device_handle, flags])
    return found


# -- transfers ------------------------------------------------------------------------------------


def fills() -> list[str]:
    """Fills any part of device memory with patterns of each width: what went wrong."""
    wrong, before = [], bytes(range(SIZE))
    with Metal().group(0) as (device,):
        for pattern in (b"\xf1", b"\x0a\xfb", b"\x01\x02\x83\x04", b"\xee\xee\xee\xee"):
            width = len(pattern)
            for start, count in product(OFFSETS, (1, 2, 3, 4)):
                start *= width
                after = before[:start] + pattern * count + before[start + width * count :]
                with own(device, before) as buffer, device.create_semaphore() as line:
                    size = width * count
                    device.queue_fill(buffer, start, size, pattern, signal=[(line, 1)])
                    line.wait(1)
                    if seen(device, buffer) != after[:SIZE]:
                        wrong.append(f"{pattern.hex()} {start} {count}")
    return wrong


def copies() -> list[str]:
    """Copies any part of device memory to any other: what went wrong."""
    wrong, before, source = [], bytes(range(SIZE)), bytes(range(255, 255 - SIZE, -1))
    with Metal().group(0) as (device,), own(device, source) as origin:
        for start, to, size in product(OFFSETS, OFFSETS, LENGTHS):
            after = before[:to] + source[start : start + size] + before[to + size :]
            with own(device, before) as buffer, device.create_semaphore() as line:
                device.queue_copy(origin, start, buffer, to, size, signal=[(line, 1)])
                line.wait(1)
                if seen(device, buffer) != after:
                    wrong.append(f"{start} {to} {size}")
    return wrong


def _executable(subject: Metal, device: Device) -> Any:
    format = subject.driver.properties.executable_formats[0]
    return device.create_executable(format, subject.driver.conformance_executable(format))


def mixed() -> str:
    """Transfers of both kinds and kernels in turn, in one command buffer: what is there then."""
    subject = Metal()
    with subject.group(0) as (device,), ExitStack() as held:
        executable = held.enter_context(_executable(subject, device))
        buffer = held.enter_context(own(device, bytes(16)))
        count = executable.lookup(COUNT.name), (4, 1, 1), [BufferRange(buffer)]
        commands = held.enter_context(device.create_command_buffer())
        commands.begin()
        commands.fill(buffer, 0, 16, b"\x01")
        commands.dispatch(executable, *count)
        commands.update(b"\x10\x20", buffer, 5)
        commands.dispatch(executable, *count)
        commands.copy(buffer, 4, buffer, 9, 3)
        commands.fill(buffer, 12, 4, b"\x05\x06\x07\x08")
        commands.dispatch(executable, *count)
        commands.end()
        line = held.enter_context(device.create_semaphore())
        device.queue_execute(commands, signal=[(line, 1)])
        line.wait(1)
        return seen(device, buffer).hex(" ", 4)


def aliases(idle: str = "") -> str:
    """Two buffers over the same pages in one command buffer: what is read through the second."""
    subject = Metal()
    with subject.group(0) as (device,), ExitStack() as held:
        shared = device.allocator.allocate(4096, export_types=HandleType.SHM)
        first = held.enter_context(shared)
        handle = device.export_buffer(first, HandleType.SHM)
        second = held.enter_context(device.import_buffer(handle, HandleType.SHM, 4096))
        target = held.enter_context(device.allocator.allocate(8))
        commands = held.enter_context(device.create_command_buffer())
        commands.begin()
        commands.fill(first, 0, 4096, b"\x07")
        commands.copy(second, 0, target, 0, 8)
        commands.end()
        line = held.enter_context(device.create_semaphore())
        with subject.failing(idle=idle):
            device.queue_execute(commands, signal=[(line, 1)])
            line.wait(1)
        return target.read().hex()


def submissions(idle: str = "") -> str:
    """The same in two submissions, neither of which waits for the other."""
    subject = Metal()
    with subject.group(0) as (device,), ExitStack() as held:
        shared = device.allocator.allocate(4096, export_types=HandleType.SHM)
        first = held.enter_context(shared)
        handle = device.export_buffer(first, HandleType.SHM)
        second = held.enter_context(device.import_buffer(handle, HandleType.SHM, 4096))
        target = held.enter_context(device.allocator.allocate(8))
        line = held.enter_context(device.create_semaphore())
        held.enter_context(busy(device))
        with subject.failing(idle=idle):
            device.queue_fill(first, 0, 4096, b"\x07")
            device.queue_copy(second, 0, target, 0, 8, signal=[(line, 1)])
            line.wait(1)
        return target.read().hex()


@contextmanager
def busy(device: Device) -> Iterator[None]:
    """Keeps the device from what is submitted next for a moment."""
    with device.allocator.allocate(1 << 26) as large:
        device.queue_fill(large, 0, 1 << 26, b"\x01")
        yield


def many() -> list[int]:
    """More submissions at once than a queue of Metal's takes: the last payload, and bytes."""
    with Metal().group(0) as (device,), ExitStack() as held:
        line = held.enter_context(device.create_semaphore())
        buffer = held.enter_context(device.allocator.allocate(4))
        for number in range(1, 301):
            device.queue_fill(buffer, 0, 4, bytes([number % 256]), signal=[(line, number)])
        line.wait(300)
        return [line.query(), *buffer.read()]


# -- code -----------------------------------------------------------------------------------------


def code() -> dict[str, str]:
    """Prepares and runs code that does not fit: what is said."""
    subject = Metal()
    archive = importlib.import_module("cts.drivers._stream.archive")
    format = registry.load("metal").executable_format  # type: ignore[attr-defined]
    point = archive.StreamEntryPoint

    def run(image: bytes, **what: Any) -> str:
        entry = point(**{"name": "count", "constants": 0, "bindings": 1} | what)
        data = archive.pack(format, archive.Archive([entry], image))

        def prepared() -> None:
            with device.create_executable(format.name, data) as made:
                ranges = [BufferRange(buffer)] * entry.bindings
                words = bytes(4 * entry.constants)
                device.queue_dispatch(made, 0, (1, 1, 1), ranges, words, signal=[])

        return told(prepared)

    good = b"kernel void count(device uint *target [[buffer(0)]]) {}"
    with subject.group(0) as (device,), own(device, bytes(4096)) as buffer:
        found = {
            "as it is": run(good),
            "without it": run(b"kernel void other() {}"),
            "open": run(b"kernel void count() {"),
            "no text": run(b"\xff\xfe"),
            "31 arguments": run(good, bindings=31),
            "32 arguments": run(good, bindings=31, constants=1),
            "many constants": run(good, constants=4096),
        }
        with subject.failing("newComputePipelineStateWithFunction_error_=7"):
            found["no pipeline"] = run(good)
        with subject.failing("newLibraryWithSource_options_error_=1"):
            found["unsupported"] = run(good)
    return found | {"new": subject.works()}


# -- what fails -----------------------------------------------------------------------------------


def nil(call: str) -> dict[str, Any]:
    """Does what makes a call that makes nothing, and then again; what is left alive."""
    subject = Metal()
    found: dict[str, Any] = {}
    with subject.failing(f"{call}=1"):
        found["at first"] = told(partial(_all, subject))
    found["then"] = told(partial(_all, subject))
    found["alive"] = {name: n for name, n in live_counts().items() if n}
    return found


def _all(subject: Metal) -> None:
    """Makes a device, and memory of each kind on it."""
    with subject.group(0) as (device,), ExitStack() as held:
        held.enter_context(own(device, bytes(4)))
        held.enter_context(device.allocator.allocate(4096, export_types=HandleType.SHM))
        device.queue_dealloca(device.queue_alloca(1 << 20))
        held.enter_context(_executable(subject, device))


def largest() -> list[str]:
    """Asks for a byte more than a buffer has, of memory of each kind."""
    subject = Metal()
    largest = importlib.import_module("Metal").MTLCopyAllDevices()[0].maxBufferLength()
    with subject.group(0) as (device,):
        kinds = MemoryType.DEVICE_LOCAL, MemoryType.HOST_LOCAL
        asked = [
            told(partial(device.allocator.allocate, largest + 1, memory_type=kind, usage=USAGE))
            for kind in kinds
        ]
        return [*asked, told(lambda: device.queue_alloca(largest + 1))]


def loss(code: str, at: str = "1") -> dict[str, Any]:
    """Has a command buffer fail with a code: what comes of its signal, of one behind it, and of
    one on another device that waits for it."""
    subject = Metal()
    found: dict[str, Any] = {}
    with subject.group(0, 1) as (device, other), ExitStack() as held:
        lines = [held.enter_context(made.create_semaphore()) for made in (device, device, other)]
        handle = device.export_semaphore(lines[0], HandleType.NATIVE)
        there = held.enter_context(other.import_semaphore(handle, HandleType.NATIVE))
        buffer = held.enter_context(device.allocator.allocate(4))
        held.enter_context(busy(device))
        with subject.failing(f"commit={code}@{at}!"):
            device.queue_fill(buffer, 0, 4, b"\x09", signal=[(lines[0], 1)])
            device.queue_fill(buffer, 0, 4, b"\x0a", signal=[(lines[1], 1)])
            other.queue_barrier(wait=[(there, 1)], signal=[(lines[2], 1)])
            found["lines"] = [told(partial(line.wait, 1, 5.0)) for line in lines]
        found["later"] = told(partial(fill_and_check, device))
        found["other"] = told(partial(fill_and_check, other))
    found["new"] = subject.works()
    found["alive"] = {name: n for name, n in live_counts().items() if n}
    found["stuck"] = stuck()
    return found


def stuck(patience: float = 5.0) -> int:
    """Queues of the stand-in's that come to no end."""
    lines, ends = importlib.import_module("Metal._worker")._lines, time.monotonic() + patience
    while lines and time.monotonic() < ends:
        time.sleep(0.01)
    return len(lines)


def flood() -> list[str]:
    """More submissions than a queue takes, behind one that fails; then a new device."""
    subject = Metal()
    with subject.group(0) as (device,), ExitStack() as held:
        buffer = held.enter_context(device.allocator.allocate(4))
        held.enter_context(busy(device))

        def submit() -> None:
            for _ in range(200):
                device.queue_fill(buffer, 0, 4, b"\x01")

        with subject.failing("commit=3@1!"):
            ended = told(submit)
    return [ended, subject.works()]


# -- words ----------------------------------------------------------------------------------------


def words() -> list[int]:
    """Semaphores one after the other, each lower than the one before, signalled by a queue."""
    found = []
    with Metal().group(0) as (device,), device.allocator.allocate(4) as buffer:
        for value in range(40, 0, -1):
            with device.create_semaphore(value) as line:
                found.append(line.query())
                device.queue_fill(buffer, 0, 4, b"\x01", signal=[(line, value + 1)])
                line.wait(value + 1)
                found.append(line.query())
    return found


if __name__ == "__main__":
    print(json.dumps(globals()[sys.argv[1]](*sys.argv[2:])))
