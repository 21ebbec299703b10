"""What cases of memory, semaphores and queues share: sizes, data, comparison, waiting threads."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import numpy.typing as npt

from cts.checks import expect_equal, unsupported
from cts.hal import Buffer, Device, Driver, HalError, Semaphore, SemaphoreList, StatusCode

Bytes = npt.NDArray[np.uint8]

LARGEST_POWER = 20
SIZES = sorted({(1 << k) + d for k in range(LARGEST_POWER + 1) for d in (-1, 0, 1)})
"""Bytes: both sides of every power of two up to 1 MiB."""
FOUR_GIB = 1 << 32
LONG = 10.0
"""Seconds after which something counts as lost."""


def noise(size: int, seed: int = 1) -> Bytes:
    """Bytes that look like nothing else, uint8[size]; the same for the same seed."""
    return np.random.default_rng(seed).integers(0, 256, size, np.uint8)


def needs_room(driver: Driver, size: int) -> None:
    """Ends a case that needs a larger buffer than the driver declares to be possible."""
    limit = driver.properties.max_allocation
    if limit is not None and size > limit:
        unsupported(f"needs a buffer of {size} bytes: max_allocation is {limit}")


@contextmanager
def large_buffer(device: Device, driver: Driver) -> Iterator[Buffer]:
    """A buffer that reaches past 4 GiB; ends the case where there is no memory for it."""
    size = FOUR_GIB + 4096
    needs_room(driver, size)
    try:
        buffer = device.allocator.allocate(size)
    except HalError as error:
        if error.code is not StatusCode.RESOURCE_EXHAUSTED:
            raise
        unsupported(f"needs a buffer of {size} bytes: {error}")
    with buffer:
        yield buffer


def needs_jump(driver: Driver, step: int) -> None:
    """Ends a case whose signal goes further than the driver declares to be possible."""
    limit = driver.properties.max_semaphore_jump
    if limit is not None and step > limit:
        unsupported(f"needs a signal that jumps by {step}: max_semaphore_jump is {limit}")


@contextmanager
def submitted(device: Device) -> Iterator[SemaphoreList]:
    """A signal for one submission in the block; the end of the block waits for it."""
    with device.create_semaphore() as semaphore:
        yield [(semaphore, 1)]
        semaphore.wait(1)


def expect_bytes(buffer: Buffer, wanted: Bytes, requirement: str, doing: str) -> None:
    """Compares all of a buffer with what numpy gives; the first differences are told."""
    __tracebackhide__ = True
    found = np.frombuffer(buffer.read(), np.uint8)
    different = np.flatnonzero(found != wanted)
    first = [(int(i), int(found[i]), int(wanted[i])) for i in different[:3]]
    expect_equal(first, [], requirement, f"{doing}: (offset, byte, byte that numpy has)")


class Waiter:
    """A thread that waits for a payload, and tells how that ended.

    Parameters
    ----------
    timeout : of the wait, in seconds; by default more than `end` waits, or the last look of a wait
        whose time is over would find what no wake-up has told it.
    """

    def __init__(self, semaphore: Semaphore, value: int, timeout: float = 2 * LONG) -> None:
        self._started = threading.Event()
        self._ended: list[StatusCode | str] = []
        self._thread = threading.Thread(
            target=self._wait, args=(semaphore, value, timeout), daemon=True
        )
        self._thread.start()
        self._started.wait(LONG)

    def _wait(self, semaphore: Semaphore, value: int, timeout: float) -> None:
        self._started.set()
        try:
            semaphore.wait(value, timeout)
            self._ended.append("reached")
        except HalError as error:
            self._ended.append(error.code)

    @property
    def waiting(self) -> bool:
        """Whether the wait goes on."""
        return not self._ended

    def end(self) -> StatusCode | str:
        """How the wait ended: ``reached``, or with which code."""
        self._thread.join(LONG)
        return self._ended[0] if self._ended else "still waiting"
