"""Queues that allocate and deallocate wrongly."""

from __future__ import annotations

from typing import Any

import numpy as np

from cts.hal import DeviceGroup, HalError, StatusCode

from .changes import change, device_class, driver_class
from .registry import mutant


def transient_class() -> Any:
    """The class of queue-allocated buffers."""
    with (
        driver_class()() as driver,
        driver.create_device() as device,
        DeviceGroup.from_device(device),
        device.create_semaphore() as line,
        device.queue_alloca(1, signal=[(line, 1)]) as buffer,
    ):
        return type(buffer)


@mutant("MEM-10")
def alloca_rounds_up() -> None:
    """A queue-allocated buffer has a length that is a multiple of 64."""
    change(
        device_class(),
        "queue_alloca",
        lambda good, self, size, **lists: good(self, -(-size // 64) * 64, **lists),
    )


@mutant("MEM-10")
def alloca_signals_without_memory() -> None:
    """The memory comes with the next submission."""
    late: list[Any] = []

    def commit(good: Any, self: Any) -> None:
        while late:
            good(late.pop())
        late.append(self)

    change(transient_class(), "commit", commit)


@mutant("MEM-10")
def alloca_does_not_wait() -> None:
    """A queue's allocation does not wait."""

    def allocate(good: Any, self: Any, size: int, *, wait: Any = (), signal: Any = ()) -> Any:
        return good(self, size, signal=signal)

    change(device_class(), "queue_alloca", allocate)


@mutant("MEM-10")
def alloca_gives_the_same_memory_again() -> None:
    """Queue-allocated buffers of one length share their memory."""
    pool: dict[int, Any] = {}

    def commit(good: Any, self: Any) -> None:
        good(self)
        self._contents = pool.setdefault(self.byte_length, self._contents)

    change(transient_class(), "commit", commit)


@mutant("MEM-10")
def alloca_of_too_much_is_internal() -> None:
    """A size that no memory holds fails as INTERNAL."""

    def commit(good: Any, self: Any) -> None:
        try:
            good(self)
        except HalError as error:
            raise HalError(StatusCode.INTERNAL, error.operation, error.detail) from error

    change(transient_class(), "commit", commit)


@mutant("MEM-10")
def alloca_of_a_negative_size_is_empty() -> None:
    """A negative size is taken for 0."""
    change(
        device_class(),
        "queue_alloca",
        lambda good, self, size, **lists: good(self, max(size, 0), **lists),
    )


@mutant("MEM-11")
def dealloca_takes_nothing() -> None:
    """A queue's deallocation leaves the buffer as it is."""
    change(transient_class(), "decommit", lambda good, self: None)


@mutant("MEM-11")
def dealloca_at_the_call() -> None:
    """A deallocation takes the memory at the call, whether its wait fails or not."""

    def deallocate(good: Any, self: Any, buffer: Any, **lists: Any) -> None:
        contents, buffer._contents = buffer._contents, None
        good(self, buffer, **lists)
        del contents

    change(device_class(), "queue_dealloca", deallocate)


@mutant("MEM-11")
def dealloca_clears_a_neighbour() -> None:
    """A deallocation overwrites the buffer that was allocated next."""
    alive: list[Any] = []

    def commit(good: Any, self: Any) -> None:
        good(self)
        alive.append(self)

    def decommit(good: Any, self: Any) -> None:
        after = alive[alive.index(self) + 1 :][:1]
        good(self)
        for buffer in after:
            buffer._contents[:] = 0

    change(transient_class(), "commit", commit)
    change(transient_class(), "decommit", decommit)


@mutant("MEM-11")
def dealloca_twice_takes_another() -> None:
    """A second deallocation clears the buffer that was allocated next."""
    alive: list[Any] = []

    def commit(good: Any, self: Any) -> None:
        good(self)
        alive.append(self)

    def deallocate(good: Any, self: Any, buffer: Any, **lists: Any) -> None:
        try:
            good(self, buffer, **lists)
        except HalError:
            alive[alive.index(buffer) + 1]._contents[:] = 0
            raise

    change(transient_class(), "commit", commit)
    change(device_class(), "queue_dealloca", deallocate)


@mutant("MEM-12")
def deallocated_memory_is_kept() -> None:
    """Deallocated memory stays with its buffer, out of reach."""

    def decommit(good: Any, self: Any) -> None:
        self.kept = self._contents
        good(self)

    change(transient_class(), "decommit", decommit)


@mutant("MEM-12")
def released_memory_is_kept() -> None:
    """Memory of a queue-allocated buffer that was only released is never given back."""
    kept: list[np.ndarray[Any, Any]] = []

    def free(good: Any, self: Any) -> None:
        if self._contents is not None:
            kept.append(self._contents)
        good(self)

    change(transient_class(), "_free", free)
