"""Breaks of queues and command buffers, each too small for a slot's own check to see."""

from __future__ import annotations

import dataclasses
from typing import Any

from cts.hal import StatusCode

from .local_sync import device_class, driver_class, swallow
from .registry import breaks

LARGE = 100
"""Bytes from which on a transfer is wrong."""


@breaks("QUE-1", "the last bytes of a large fill are left out")
def _() -> None:
    device = device_class()
    fill = device.queue_fill

    def short(
        self: Any, target: Any, offset: int, length: int, pattern: bytes, **lists: Any
    ) -> Any:
        done = length - len(pattern) if length >= LARGE else length
        return fill(self, target, offset, done, pattern, **lists)

    device.queue_fill = short


@breaks("QUE-2", "the last byte of a large update is left out")
def _() -> None:
    device = device_class()
    update = device.queue_update

    def short(self: Any, data: bytes, target: Any, offset: int, **lists: Any) -> Any:
        return update(self, data[:-1] if len(data) >= LARGE else data, target, offset, **lists)

    device.queue_update = short


@breaks("QUE-3", "the last byte of a large copy is left out")
def _() -> None:
    device = device_class()
    copy = device.queue_copy

    def short(self: Any, s: Any, so: int, t: Any, to: int, length: int, **lists: Any) -> Any:
        return copy(self, s, so, t, to, length - (length >= LARGE), **lists)

    device.queue_copy = short


@breaks("QUE-4", "only the first of a barrier's signals is signalled")
def _() -> None:
    device = device_class()
    barrier = device.queue_barrier
    device.queue_barrier = lambda self, *, wait=(), signal=(): barrier(
        self, wait=wait, signal=signal[:1]
    )


@breaks("QUE-5", "a fill does not look at what it waits for")
def _() -> None:
    device = device_class()
    fill = device.queue_fill
    device.queue_fill = lambda self, *args, wait=(), signal=(): fill(self, *args, signal=signal)


@breaks("QUE-6", "a range past the end is passed over")
def _() -> None:
    for name in ("queue_fill", "queue_update", "queue_copy"):
        swallow(device_class(), name, StatusCode.OUT_OF_RANGE)


@breaks("QUE-7", "a driver that works on the caller's thread declares async_queue")
def _() -> None:
    driver = driver_class()
    driver.properties = dataclasses.replace(driver.properties, async_queue=True)


@breaks("QUE-8", "a command buffer works once")
def _() -> None:
    device = device_class()
    execute = device.queue_execute
    executed: set[int] = set()

    def once(self: Any, commands: Any, *, wait: Any = (), signal: Any = ()) -> Any:
        if id(commands) in executed:
            return self.queue_barrier(wait=wait, signal=signal)
        executed.add(id(commands))
        return execute(self, commands, wait=wait, signal=signal)

    device.queue_execute = once
