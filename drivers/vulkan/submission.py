"""Submissions: what a VkQueue is given, once all that it waits for is promised."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias

from cts.hal import HalError

from .._common import Operation, followed_event
from .._common.deferral import advancing
from .command_buffer import ONCE
from .commands import Command, OnHost, PutEvent, Recorded, Recorder, Touched, WaitEvents
from .native import Handle
from .semaphore import VulkanSemaphore

if TYPE_CHECKING:
    from .device import VulkanDevice

VulkanOperation: TypeAlias = Operation[Command, VulkanSemaphore]


def carry_out(device: VulkanDevice, operation: VulkanOperation) -> None:
    """What `DeferringDevice.carry_out` does."""
    name, work, _, waits, signals = operation
    for semaphore, _ in waits:
        semaphore.check_alive(name)
    signals = advancing(name, signals)
    recorder: Recorder | None = None
    commands: Handle = None
    touched: Sequence[Touched] = ()
    queue = device.queue
    if work:
        _do_on_host(work)
        followed_event.check(_events_in(work))
        first = work[0]
        if isinstance(first, Recorded):
            commands, touched = first.handle, first.touched
        elif not isinstance(first, OnHost):
            recorder = device.command_pool.record(name, device, work, ONCE)
            commands, touched = recorder.handle, recorder.touched
    try:
        number = queue.submit(name, waits, signals, commands)
    except HalError:
        if recorder is not None:
            device.command_pool.give(recorder)
        raise
    for thing in touched:
        thing.last_use = number
    if recorder is not None:
        ended = recorder
        queue.later(number, lambda: device.command_pool.give(ended))
    if work:
        followed_event.follow(_events_in(work))
    for semaphore, _ in waits:
        semaphore.used(number)
    for semaphore, value in signals:
        semaphore.signalled(value, number)


def _do_on_host(work: Sequence[Command]) -> None:
    for command in work:
        if isinstance(command, OnHost):
            command.run()


def _events_in(work: Sequence[Command]) -> list[PutEvent | WaitEvents]:
    """What is done to events, in its order."""
    parts: list[PutEvent | WaitEvents] = []
    for command in work:
        if isinstance(command, Recorded):
            parts += command.parts
        elif isinstance(command, PutEvent | WaitEvents):
            parts.append(command)
    return parts
