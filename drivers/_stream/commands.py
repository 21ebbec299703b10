"""Commands: work as a stream is given it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, ClassVar, Protocol

import numpy as np

from cts.hal import DeviceObject, Event, HalError, StatusCode

from .._common.arguments import refusal
from .._common.followed_event import FollowedEvent, PutsEvent, WaitsForEvents
from .._common.host_call import HostCall
from .._common.work import WORD, Counts, Dispatch, Memory, Region, WorkMaker
from .context import Context
from .executable import StreamExecutable
from .handles import Address
from .memory import Block, StreamBuffer
from .queue import Queue

if TYPE_CHECKING:
    from .device import StreamDevice

COUNTS_SIZE = 3 * WORD


class Used(Protocol):
    """What commands use: it keeps the number of the last submission that does, on each queue."""

    uses: dict[Queue, int]


class Batch:
    """What one submission gives to a stream, within a block of native calls.

    Attributes
    ----------
    used : what must not end before it has run.
    ends : what gives back what was taken for it alone.
    """

    def __init__(self, device: StreamDevice, operation: str) -> None:
        self.calls = device.context.calls
        self.queue = device.queue
        self.stream = device.queue.stream
        self.operation = operation
        self.used: list[Used] = []
        self.ends: list[Callable[[], None]] = []
        self._device = device

    def address(self, region: Region) -> Address:
        """Where a region is, for the device. Raises where it has no memory."""
        buffer = region.buffer
        assert isinstance(buffer, StreamBuffer)
        block = buffer.block(self.operation)
        self.used.append(block)
        return block.address + region.start

    def staged(self, size: int) -> Block:
        """The host's memory, until the submission is done."""
        pool = self._device.pool
        block = pool.take(size, "host")
        self.ends.append(lambda: pool.give(block))
        return block

    def read_counts(self, region: Region) -> Counts:
        """Workgroup counts, as all work before them leaves them: it is waited for."""
        block = self.staged(COUNTS_SIZE)
        self.calls.copy(block.address, self.address(region), COUNTS_SIZE, self.stream)
        self.queue.synchronize()
        assert block.bytes is not None
        x, y, z = (int(count) for count in block.bytes[:COUNTS_SIZE].view(np.uint32))
        return x, y, z


class Command(ABC):
    """Work that was checked."""

    used: Sequence[DeviceObject] = ()
    """What must stay alive until it has been done."""

    @abstractmethod
    def enqueue(self, batch: Batch) -> None:
        """Gives it to the stream."""


class Fill(Command):
    """Repeats a pattern over a region of whole patterns."""

    def __init__(self, target: Region, pattern: bytes) -> None:
        self.used = (target.buffer,)
        self._target = target
        self._width = len(pattern)
        self._value = int.from_bytes(pattern, "little")

    def enqueue(self, batch: Batch) -> None:
        address, width = batch.address(self._target), self._width
        if self._target.length:
            count = self._target.length // width
            batch.calls.fill(address, width, self._value, count, batch.stream)


class Update(Command):
    """Writes bytes over a region."""

    def __init__(self, data: bytes, target: Region) -> None:
        self.used = (target.buffer,)
        self._data = data
        self._target = target

    def enqueue(self, batch: Batch) -> None:
        address, size = batch.address(self._target), len(self._data)
        if size:
            staged = batch.staged(size)
            assert staged.bytes is not None
            staged.bytes[:size] = np.frombuffer(self._data, np.uint8)
            batch.calls.copy(address, staged.address, size, batch.stream)


class Copy(Command):
    """Copies a region to another one of its length."""

    def __init__(self, source: Region, target: Region) -> None:
        self.used = (source.buffer, target.buffer)
        self._source = source
        self._target = target

    def enqueue(self, batch: Batch) -> None:
        source, target = batch.address(self._source), batch.address(self._target)
        if self._source.length:
            batch.calls.copy(target, source, self._source.length, batch.stream)


class Run(Command):
    """Runs an entry point."""

    def __init__(self, dispatch: Dispatch, max_workgroups: Counts) -> None:
        self.used = dispatch.used
        self._dispatch = dispatch
        self._limits = max_workgroups
        self._constants = np.frombuffer(dispatch.constants, np.uint32).tolist()
        if not isinstance(dispatch.counts, Region):
            self._check(dispatch.counts)

    def enqueue(self, batch: Batch) -> None:
        dispatch, code = self._dispatch, self._dispatch.executable
        assert isinstance(code, StreamExecutable)
        batch.used.append(code)
        addresses = [batch.address(region) for region in dispatch.bindings]
        counts = dispatch.counts
        if isinstance(counts, Region):
            counts = batch.read_counts(counts)
            self._check(counts)
        if all(counts):
            function, size = code.function(dispatch.place), code.workgroup(dispatch.place)
            batch.calls.launch(function, counts, size, batch.stream, addresses, self._constants)

    def _check(self, counts: Counts) -> None:
        if any(count > limit for count, limit in zip(counts, self._limits, strict=True)):
            raise HalError(
                StatusCode.OUT_OF_RANGE,
                self._dispatch.operation,
                f"workgroups is {counts}: the device runs {self._limits} at most",
            )


class Barrier(Command):
    """Orders the commands before it before those after it, as they are in any case."""

    def enqueue(self, batch: Batch) -> None:
        """Has nothing to add."""


class PutEvent(PutsEvent, Barrier):
    """Signals or resets an event."""

    def __init__(self, event: FollowedEvent, is_signalled: bool) -> None:
        self.used = (event,)
        self.event = event
        self.is_signalled = is_signalled


class WaitEvents(WaitsForEvents, Barrier):
    """Goes on where all of the events are signalled."""

    def __init__(self, operation: str, events: Sequence[FollowedEvent]) -> None:
        self.used = tuple(events)
        self.operation = operation
        self.events = events


class OnHost(Command):
    """What the host does as the stream is given what comes after it."""

    def __init__(self, used: Sequence[DeviceObject], function: Callable[[], None]) -> None:
        self.used = used
        self._function = function

    def enqueue(self, batch: Batch) -> None:
        self._function()


class CallHost(HostCall, Command):
    """A call of a function of the host's, which no stream is given."""

    def enqueue(self, batch: Batch) -> None:
        raise AssertionError("a host call is made by the host")


class CommandMaker(WorkMaker[Command]):
    """Makes commands for a device.

    Parameters
    ----------
    domain : whose objects it takes.
    context : the device's.
    """

    buffers: ClassVar = StreamBuffer
    executables: ClassVar = StreamExecutable
    events: ClassVar = FollowedEvent

    def __init__(self, domain: str, context: Context) -> None:
        super().__init__(domain)
        self._context = context
        self._max_workgroups = context.facts.max_workgroups

    def fill(
        self, operation: str, target: Memory, offset: int, length: int, pattern: bytes
    ) -> Command:
        made = super().fill(operation, target, offset, length, pattern)
        self._check_reached(operation, "target", made.used[0])
        return made

    def update(self, operation: str, data: bytes, target: Memory, offset: int) -> Command:
        made = super().update(operation, data, target, offset)
        if not self._context.facts.copies_between_all:
            self._check_reached(operation, "target", made.used[0])
        return made

    def copy(
        self,
        operation: str,
        source: Memory,
        source_offset: int,
        target: Memory,
        target_offset: int,
        length: int,
    ) -> Command:
        made = super().copy(operation, source, source_offset, target, target_offset, length)
        if not self._context.facts.copies_between_all:
            for name, buffer in zip(("source", "target"), made.used, strict=True):
                self._check_reached(operation, name, buffer)
        return made

    def _fill(self, target: Region, pattern: bytes) -> Command:
        return Fill(target, pattern)

    def _update(self, data: bytes, target: Region) -> Command:
        return Update(data, target)

    def _copy(self, source: Region, target: Region) -> Command:
        return Copy(source, target)

    def _dispatch(self, dispatch: Dispatch) -> Command:
        operation = dispatch.operation
        code = dispatch.executable
        assert isinstance(code, StreamExecutable)
        if code.context is not self._context:
            raise refusal(operation, "executable was prepared on another physical device")
        for place, region in enumerate(dispatch.bindings):
            self._check_reached(operation, f"binding {place}", region.buffer)
            if region.start % WORD:
                raise refusal(
                    operation,
                    f"binding {place} starts at byte {region.start}: it is a multiple of {WORD}",
                )
        return Run(dispatch, self._max_workgroups)

    def _check_reached(self, operation: str, name: str, buffer: DeviceObject) -> None:
        """Raises INVALID_ARGUMENT for memory of a device that this one cannot reach."""
        assert isinstance(buffer, StreamBuffer)
        owner = buffer.context
        if owner is self._context or not buffer.is_own or self._context.reaches(owner.ordinal):
            return
        raise refusal(operation, f"{name} is memory of a device that this one does not reach")

    def barrier(self, operation: str) -> Command:
        return Barrier()

    def _put_event(self, event: Event, is_signalled: bool) -> Command:
        assert isinstance(event, FollowedEvent)
        return PutEvent(event, is_signalled)

    def _wait_events(self, operation: str, events: Sequence[Event]) -> Command:
        followed = [event for event in events if isinstance(event, FollowedEvent)]
        return WaitEvents(operation, followed)
