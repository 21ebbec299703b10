"""Command buffers: what is recorded once and executed by the queue."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

from .device_object import DeviceObject
from .event import Event
from .executable import BindingSlot, BufferRange, Executable, Workgroups
from .memory import Buffer
from .status import HalError, StatusCode


class CommandBuffer(DeviceObject, ABC):
    """Recording goes ``begin``, commands, ``end``; anything else is FAILED_PRECONDITION.

    Commands between two barriers may run in any order. A command whose range leaves its
    buffer is OUT_OF_RANGE, at the point that `DriverProperties.out_of_range` declares.

    Where a driver declares `binding_tables`, a command may have a `BindingSlot` in the place of a
    buffer: `Device.queue_execute` says which range that is this time. Offsets are from the range's
    start then, and the range is all that there is of the buffer.
    """

    @abstractmethod
    def begin(self) -> None:
        """Starts recording."""

    @abstractmethod
    def end(self) -> None:
        """Ends recording; from here on the command buffer can be executed."""

    @abstractmethod
    def fill(self, target: Buffer | BindingSlot, offset: int, length: int, pattern: bytes) -> None:
        """Repeats `pattern` (1, 2 or 4 bytes) over ``[offset, offset + length)`` of `target`."""

    @abstractmethod
    def update(self, data: bytes, target: Buffer | BindingSlot, offset: int) -> None:
        """Writes `data`, captured now, at byte `offset` of `target`."""

    @abstractmethod
    def copy(
        self,
        source: Buffer | BindingSlot,
        source_offset: int,
        target: Buffer | BindingSlot,
        target_offset: int,
        length: int,
    ) -> None:
        """Copies `length` bytes. Overlapping ranges of one buffer are INVALID_ARGUMENT."""

    @abstractmethod
    def barrier(self) -> None:
        """Orders the commands before it before those after it."""

    def dispatch(
        self,
        executable: Executable,
        entry_point: int,
        workgroups: Workgroups,
        bindings: Sequence[BufferRange] = (),
        constants: bytes = b"",
    ) -> None:
        """Runs an entry point of an executable, as `Device.queue_dispatch` does."""
        raise _unimplemented("dispatch")

    def signal_event(self, event: Event) -> None:
        """Signals an event once the commands before are done."""
        raise _unimplemented("signal_event")

    def reset_event(self, event: Event) -> None:
        """Takes the signal of an event back once the commands before are done."""
        raise _unimplemented("reset_event")

    def wait_events(self, events: Sequence[Event]) -> None:
        """Holds the commands after it until all of the events are signalled.

        They are signalled by then: by a command before it, or in an execution that semaphores order
        before this one. Otherwise the execution fails with FAILED_PRECONDITION.
        """
        raise _unimplemented("wait_events")


def _unimplemented(name: str) -> HalError:
    return HalError(
        StatusCode.UNIMPLEMENTED, f"CommandBuffer.{name}", f"there is no {name} in commands"
    )
