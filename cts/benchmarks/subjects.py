"""Who is measured: a driver's device, what is underneath it, and numpy for what it can do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import count
from typing import Any

import numpy as np

from cts import registry
from cts.benchmarks.speed_table import BARE
from cts.hal import (
    Buffer,
    BufferUsage,
    CommandBuffer,
    Device,
    DeviceGroup,
    DeviceGroupBuilder,
    DeviceInfo,
    Driver,
    HalError,
    MemoryType,
    Resource,
    Semaphore,
    implements,
)
from cts.implementations import picked
from cts.results import column_name
from cts.work_cases.dispatch import Kernels
from cts.work_cases.kernels import COUNT

WORKGROUPS = 1024
SMALL, LARGE, HUGE = 4 << 10, 64 << 20, 1 << 30
PATTERN = b"\x01\x02\x03\x04"


def available_drivers() -> list[str]:
    """Names of the drivers that work on this machine."""
    return [name for name in registry.names() if _works(name)]


def _works(name: str) -> bool:
    try:
        driver: Driver = registry.load(name)()
        return driver.properties.work and driver.available() is None
    except (HalError, registry.BrokenDriverError):  # a benchmark is not where that is told
        return False


class NothingToMeasureError(Exception):
    """A driver that has nothing of the kind."""


class DriverSubject:
    """A device of a driver, with what is needed to be measured.

    Attributes
    ----------
    column : what results call the driver by (`cts.results.column_name`).
    """

    def __init__(self, driver: Driver, infos: Sequence[DeviceInfo]) -> None:
        """Measures the first of those devices, all of which are of one implementation."""
        self._driver = driver
        self.column = column_name(driver.name, infos[0].implementation)
        driver.select(infos)
        self._devices = [driver.create_device(infos[0]) for _ in range(2)]
        self._spare = [driver.create_device(infos[0]) for _ in range(2)]
        self._held: list[Resource] = []
        self._group = group_of(self._devices)
        self._device = self._group.device_at(0)
        self._semaphore = self._device.create_semaphore()
        self._values = count(1)
        self._buffers: dict[int, tuple[Buffer, Buffer]] = {}

    def signal_and_wait(self) -> None:
        """One thread signals a semaphore and waits for it."""
        value = next(self._values)
        self._semaphore.signal(value)
        self._semaphore.wait(value)

    def empty(self) -> None:
        """A submission without work."""
        value = next(self._values)
        self._device.queue_barrier(signal=[(self._semaphore, value)])
        self._semaphore.wait(value)

    def fill(self, size: int) -> Callable[[], None]:
        """Fills a buffer."""
        target, _ = self._two_buffers(size)

        def run() -> None:
            value = next(self._values)
            self._device.queue_fill(target, 0, size, PATTERN, signal=[(self._semaphore, value)])
            self._semaphore.wait(value)

        return run

    def copy(self, size: int) -> Callable[[], None]:
        """Copies one buffer to another."""
        source, target = self._two_buffers(size)

        def run() -> None:
            value = next(self._values)
            self._device.queue_copy(source, 0, target, 0, size, signal=[(self._semaphore, value)])
            self._semaphore.wait(value)

        return run

    def copy_on_device(self, size: int) -> Callable[[], None]:
        """Copies one buffer of the device's own memory to another. Raises NothingToMeasureError
        where there is no room for both."""
        how: Any = {"memory_type": MemoryType.DEVICE_LOCAL, "usage": BufferUsage.TRANSFER}
        made: list[Buffer] = []
        try:
            made += (self._device.allocator.allocate(size, **how) for _ in range(2))
        except HalError as error:
            raise NothingToMeasureError("it has not enough memory") from error
        finally:
            self._held += made
        source, target = made

        def run() -> None:
            value = next(self._values)
            self._device.queue_copy(source, 0, target, 0, size, signal=[(self._semaphore, value)])
            self._semaphore.wait(value)

        return run

    def allocate(self) -> None:
        """Allocates a buffer and frees it."""
        self._device.allocator.allocate(SMALL).release()

    def allocate_in_order(self) -> None:
        """Allocates a buffer in the queue and deallocates it."""
        value = next(self._values)
        made = self._device.queue_alloca(SMALL, signal=[(self._semaphore, value)])
        wait, after = [(self._semaphore, value)], next(self._values)
        self._device.queue_dealloca(made, wait=wait, signal=[(self._semaphore, after)])
        self._semaphore.wait(after)
        made.release()

    def record_and_execute(self, commands: int) -> Callable[[], None]:
        """Records so many fills, and executes them once."""

        def run() -> None:
            recorded = self._recorded(commands)
            self._execute(recorded)
            recorded.release()

        return run

    def execute_again(self, commands: int) -> Callable[[], None]:
        """Executes so many recorded fills once more."""
        recorded = self._recorded(commands)
        self._held.append(recorded)
        return lambda: self._execute(recorded)

    def _recorded(self, commands: int) -> CommandBuffer:
        target, _ = self._two_buffers(SMALL)
        recorded = self._device.create_command_buffer()
        recorded.begin()
        for _ in range(commands):
            recorded.fill(target, 0, SMALL, PATTERN)
        recorded.end()
        return recorded

    def _execute(self, recorded: CommandBuffer) -> None:
        value = next(self._values)
        self._device.queue_execute(recorded, signal=[(self._semaphore, value)])
        self._semaphore.wait(value)

    def dispatch(self) -> Callable[[], None]:
        """Dispatches 1,024 workgroups that add 1 to a word each."""
        arguments = self._counting()

        def run() -> None:
            value = next(self._values)
            self._device.queue_dispatch(*arguments, signal=[(self._semaphore, value)])
            self._semaphore.wait(value)

        return run

    def _counting(self) -> tuple[Any, ...]:
        """The arguments of such a dispatch. Raises NothingToMeasureError where there is none."""
        properties = self._driver.properties
        if not (properties.executable_formats and implements(self._device, "queue_dispatch")):
            raise NothingToMeasureError("it has no dispatch")
        format = properties.executable_formats[0]
        code = self._driver.conformance_executable(format)
        kernels = Kernels(self._device, self._device.create_executable(format, code))
        target = kernels.buffer(WORKGROUPS)
        self._held += [kernels.executable, target]
        return kernels.of(COUNT, (WORKGROUPS, 1, 1), target)

    def dispatch_again(self) -> Callable[[], None]:
        """Executes a recorded dispatch of 1,024 workgroups once more."""
        arguments = self._counting()
        recorded = self._device.create_command_buffer()
        recorded.begin()
        recorded.dispatch(*arguments)
        recorded.end()
        self._held.append(recorded)
        return lambda: self._execute(recorded)

    def form_group(self) -> None:
        """Forms a group of two devices and releases it."""
        group_of(self._spare).release()

    def new_semaphore(self) -> Semaphore:
        """A semaphore for the caller to release."""
        return self._device.create_semaphore()

    def _two_buffers(self, size: int) -> tuple[Buffer, Buffer]:
        if size not in self._buffers:
            made = [self._device.allocator.allocate(size) for _ in range(2)]
            for buffer in made:
                buffer.write(0, bytes(size))  # so that its pages are there
            self._buffers[size] = made[0], made[1]
        return self._buffers[size]

    def release(self) -> None:
        """Gives everything back."""
        buffers = [buffer for pair in self._buffers.values() for buffer in pair]
        held = (*self._held, *buffers, self._semaphore, self._group, *self._devices, *self._spare)
        for resource in held:
            resource.release()


def subject_of(name: str, pattern: str | None) -> Any:
    """A driver, or what is underneath it, by the subject's name, on a device that a pattern picks;
    none where there is no such thing."""
    driver: Driver = registry.load(name.removesuffix(BARE))()
    infos = picked(driver.enumerate(), pattern)
    if not infos:
        return None
    return driver.bare(infos[0]) if name.endswith(BARE) else DriverSubject(driver, infos)


class NumpySubject:
    """What numpy does of the same, on the caller's thread."""

    def fill(self, size: int) -> Callable[[], None]:
        """Fills an array."""
        words = np.zeros(size // len(PATTERN), np.uint32)
        words.fill(1)
        return lambda: words.fill(int.from_bytes(PATTERN, "little"))

    def copy(self, size: int) -> Callable[[], None]:
        """Copies one array to another."""
        source, target = np.ones(size, np.uint8), np.ones(size, np.uint8)
        return lambda: np.copyto(target, source)

    def allocate(self) -> None:
        """Allocates an array and frees it."""
        np.empty(SMALL, np.uint8)

    def release(self) -> None:
        """Holds nothing."""


def group_of(devices: list[Device]) -> DeviceGroup:
    """A group of some devices."""
    builder = DeviceGroupBuilder()
    for device in devices:
        builder.add_device(device)
    return builder.finalize()
