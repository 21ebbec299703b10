"""Breaks of queues and command buffers, each too small for a slot's own check to see."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from cts.hal import HalError, StatusCode

from .driver_classes import device_class, swallow
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


@breaks("QUE-4", "a barrier does not wait")
def _() -> None:
    device = device_class()
    barrier = device.queue_barrier
    device.queue_barrier = lambda self, *, wait=(), signal=(): barrier(self, signal=signal)


@breaks("QUE-5", "a fill does not look at what it waits for")
def _() -> None:
    device = device_class()
    fill = device.queue_fill
    device.queue_fill = lambda self, *args, wait=(), signal=(): fill(self, *args, signal=signal)


@breaks("QUE-6", "a range past the end is passed over")
def _() -> None:
    for name in ("queue_fill", "queue_update", "queue_copy"):
        swallow(device_class(), name, StatusCode.OUT_OF_RANGE)


@breaks("QUE-7", "what is to wait for a signal to come is refused", driver="local-task")
def _() -> None:
    device = device_class("local-task")
    submit = device._submit

    def impatient(self: Any, operation: Any) -> Any:
        if any(semaphore.query() < value for semaphore, value in operation.waits):
            raise HalError(StatusCode.FAILED_PRECONDITION, operation.name, "a wait is not reached")
        return submit(self, operation)

    device._submit = impatient


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


@breaks("QUE-9", "an empty copy at the end of its target is refused")
def _() -> None:
    device = device_class()
    copy = device.queue_copy

    def inside(self: Any, s: Any, so: int, t: Any, to: int, length: int, **lists: Any) -> Any:
        if to == t.byte_length:
            raise HalError(StatusCode.OUT_OF_RANGE, "Device.queue_copy", "it is at the end")
        return copy(self, s, so, t, to, length, **lists)

    device.queue_copy = inside


@breaks("QUE-10", "a destroyed semaphore is not waited for")
def _() -> None:
    device = device_class()
    barrier = device.queue_barrier
    device.queue_barrier = lambda self, *, wait=(), signal=(): barrier(
        self,
        wait=[entry for entry in wait if getattr(entry[0], "reference_count", 1)],
        signal=signal,
    )


@breaks("QUE-11", "a barrier leaves out a signal that is reached already")
def _() -> None:
    device = device_class()
    barrier = device.queue_barrier
    device.queue_barrier = lambda self, *, wait=(), signal=(): barrier(
        self, wait=wait, signal=[(line, value) for line, value in signal if line.query() < value]
    )


@breaks("QUE-12", "a fill on another thread than the main one is signalled and not done")
def _() -> None:
    device = device_class()
    fill = device.queue_fill

    def on_one_thread(self: Any, *args: Any, **lists: Any) -> Any:
        if threading.current_thread() is not threading.main_thread():
            return self.queue_barrier(**lists)
        return fill(self, *args, **lists)

    device.queue_fill = on_one_thread


@breaks("QUE-13", "a submission keeps nothing alive of what its work uses", driver="local-task")
def _() -> None:
    _submit_with(lambda operation: [])


@breaks("QUE-14", "a submission keeps alive what it waits for", driver="local-task")
def _() -> None:
    _submit_with(lambda operation: [*operation.used, *(wait for wait, _ in operation.waits)])


def _submit_with(kept: Callable[[Any], list[Any]]) -> None:
    """Has submissions keep these alive, which a function takes from their operation."""
    device = device_class("local-task")
    submit = device._submit
    device._submit = lambda self, operation: submit(self, operation._replace(used=kept(operation)))
