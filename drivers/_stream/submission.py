"""Submissions: what a stream is given, once all that it waits for is promised."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias

from .._common import Operation, followed_event
from .._common.deferral import advancing
from .commands import Batch, Command, PutEvent, WaitEvents
from .queue import Signals
from .semaphore import StreamSemaphore

if TYPE_CHECKING:
    from .device import StreamDevice

StreamOperation: TypeAlias = Operation[Command, StreamSemaphore]


def carry_out(device: StreamDevice, operation: StreamOperation) -> None:
    """What `DeferringDevice.carry_out` does."""
    name, work, _, waits, signals = operation
    for semaphore, _ in waits:
        semaphore.check_alive(name)
    advances = advancing(name, signals)
    events = [part for part in work if isinstance(part, PutEvent | WaitEvents)]
    followed_event.check(events)
    queue = device.queue
    waited = [
        (semaphore.timeline, value)
        for semaphore, value in waits
        if semaphore.timeline.must_be_waited_for(queue, value)
    ]
    signalled = [(semaphore.timeline, value) for semaphore, value in advances]
    with device.context.native(name):
        _give(Batch(device, name), work, waited, signalled)
    followed_event.follow(events)


def _give(batch: Batch, work: Sequence[Command], waits: Signals, signals: Signals) -> None:
    """Gives all of it to the stream. Raises where a part fails, with nothing signalled."""
    calls, stream = batch.calls, batch.stream
    signalled: Signals = ()
    try:
        for timeline, value in waits:
            calls.wait_value(stream, timeline.address, value)
        for command in work:
            command.enqueue(batch)
        for timeline, value in signals:
            calls.write_value(stream, timeline.address, value)
        signalled = signals
    finally:  # the stream uses what it was given by now, whatever has failed
        _number(batch, waits, signalled)


def _number(batch: Batch, waits: Signals, signals: Signals) -> None:
    queue = batch.queue
    try:
        number = queue.number(waits, signals)
    finally:  # of one that the stream did not take nobody waits: `Queue.submitted` is past it
        number = queue.submitted
        for thing in batch.used:
            thing.uses[queue] = number
        for end in batch.ends:
            queue.later(number, end)
        for timeline, _ in waits:
            timeline.used(queue, number)
    for timeline, value in signals:
        timeline.signalled(queue, number, value)
