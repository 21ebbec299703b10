"""Command buffers: checked work in the order in which it was recorded.

``new -- begin --> recording -- end --> executable``; anything else is FAILED_PRECONDITION.
A command with a slot in it is only kept: an execution brings the table that says which buffer that
is, and it is checked then.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar

import numpy as np

from cts.hal import (
    BindingSlot,
    Buffer,
    BufferRange,
    CommandBuffer,
    DeviceObject,
    Event,
    Executable,
    HalError,
    StatusCode,
    Workgroups,
)

from .arguments import as_int, refusal
from .binding_table import Table, bound_to
from .work import Work, WorkMaker

if TYPE_CHECKING:
    from .device import QueueDevice

State = Literal["new", "recording", "executable"]
W = TypeVar("W", bound=Work)


class CheckedCommandBuffer(CommandBuffer, Generic[W]):
    """Keeps what its commands use alive. Recorded once, executed any number of times."""

    _teardown_rank = 1  # before the buffers that it holds

    def __init__(
        self, device: QueueDevice[Any, Any], maker: WorkMaker[W], binding_capacity: int = 0
    ) -> None:
        operation = "Device.create_command_buffer"
        self._capacity = as_int(operation, "binding_capacity", binding_capacity)
        if self._capacity < 0:
            raise refusal(operation, f"binding_capacity is {binding_capacity}: it is at least 0")
        super().__init__(device)
        self._maker = maker
        self._loss = device.loss
        self._state: State = "new"
        self._commands: list[Callable[[Table], W]] = []
        self._held: list[DeviceObject] = []
        self._has_slots = False

    def begin(self) -> None:
        self._check_state("CommandBuffer.begin", "new")
        self._state = "recording"

    def end(self) -> None:
        self._check_state("CommandBuffer.end", "recording")
        self._state = "executable"

    def fill(self, target: Buffer | BindingSlot, offset: int, length: int, pattern: bytes) -> None:
        self._record("fill", self._maker.fill, target, offset, length, pattern)

    def update(self, data: bytes, target: Buffer | BindingSlot, offset: int) -> None:
        self._record("update", self._maker.update, data, target, offset)

    def copy(
        self,
        source: Buffer | BindingSlot,
        source_offset: int,
        target: Buffer | BindingSlot,
        target_offset: int,
        length: int,
    ) -> None:
        ranges = (source, source_offset, target, target_offset, length)
        self._record("copy", self._maker.copy, *ranges)

    def dispatch(
        self,
        executable: Executable,
        entry_point: int,
        workgroups: Workgroups,
        bindings: Sequence[BufferRange] = (),
        constants: bytes = b"",
    ) -> None:
        arguments = (executable, entry_point, workgroups, bindings, constants)
        self._record("dispatch", self._maker.dispatch, *arguments)

    def barrier(self) -> None:
        self._record("barrier", self._maker.barrier)

    def signal_event(self, event: Event) -> None:
        self._record("signal_event", self._maker.signal_event, event)

    def reset_event(self, event: Event) -> None:
        self._record("reset_event", self._maker.reset_event, event)

    def wait_events(self, events: Sequence[Event]) -> None:
        self._record("wait_events", self._maker.wait_events, events)

    def recorded(self, operation: str, table: Table) -> Sequence[W]:
        """The commands over the buffers of a table. Raises FAILED_PRECONDITION for `operation`
        unless recording has ended."""
        self.check_executable(operation, table)
        return [command(table) for command in self._commands]

    def check_executable(self, operation: str, table: Table) -> None:
        """Raises FAILED_PRECONDITION unless recording has ended, INVALID_ARGUMENT for a table with
        more places than there are."""
        self._check_state(operation, "executable")
        if len(table) > self._capacity:
            raise refusal(
                operation,
                f"bindings has {len(table)} ranges: the capacity is {self._capacity}",
            )

    def _record(self, name: str, make: Callable[..., W], *arguments: Any) -> None:
        operation = f"CommandBuffer.{name}"
        self._check_state(operation, "recording")
        slots = [thing.number for thing in _inside(arguments) if isinstance(thing, BindingSlot)]
        for number in slots:
            if not 0 <= number < self._capacity:
                raise refusal(
                    operation, f"slot {number} is beyond the binding capacity, {self._capacity}"
                )
        if not slots:
            ready = make(operation, *arguments)
            self._hold(ready.used)
            self._commands.append(lambda table: ready)
            return
        self._has_slots = True
        kept = [_captured(argument) for argument in arguments]
        self._hold([thing for thing in _inside(kept) if isinstance(thing, DeviceObject)])

        def over(table: Table) -> W:
            found = [bound_to(operation, argument, table) for argument in kept]
            return make(operation, *found)

        self._commands.append(over)

    def _hold(self, used: Sequence[DeviceObject]) -> None:
        for thing in used:
            self._held.append(thing.retain())

    def _check_state(self, operation: str, needed: State) -> None:
        self._loss.check(operation)
        if self._state != needed:
            raise HalError(
                StatusCode.FAILED_PRECONDITION,
                operation,
                f"the command buffer is {self._state}: it must be {needed}",
            )

    def _free(self) -> None:
        self._commands.clear()
        while self._held:
            self._held.pop().release()


def _inside(thing: object) -> Iterator[object]:
    """What an argument is made of."""
    if isinstance(thing, list | tuple) and not isinstance(thing, BindingSlot):
        for part in thing:
            yield from _inside(part)
    else:
        yield thing


def _captured(argument: Any) -> Any:
    """An argument that stays as it is, whatever becomes of the one that was given."""
    if isinstance(argument, list):
        return tuple(argument)
    if isinstance(argument, bytearray | memoryview | np.ndarray):
        return bytes(argument)
    return argument
