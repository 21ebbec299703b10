"""Drivers that record dispatches or use binding tables wrongly."""

from __future__ import annotations

from typing import Any

from cts.hal import Buffer, BufferRange

from .changes import change, command_buffer_class, device_class
from .registry import mutant


@mutant("CMD-1")
def recorded_dispatch_runs_once() -> None:
    """A recorded dispatch is carried out at the first execution alone."""
    done: set[int] = set()

    def recorded(good: Any, self: Any, operation: str, table: Any) -> Any:
        work = good(self, operation, table)
        if id(self) in done:
            return [transfer for transfer in work if transfer.length]
        done.add(id(self))
        return work

    change(command_buffer_class(), "recorded", recorded)


@mutant("CMD-1")
def recorded_arguments_are_borrowed() -> None:
    """What a dispatch was recorded with is looked at when it is executed."""

    def record(good: Any, self: Any, name: str, make: Any, *arguments: Any) -> None:
        if name != "dispatch":
            good(self, name, make, *arguments)
            return
        operation = f"CommandBuffer.{name}"
        self._commands.append(lambda table: make(operation, *arguments))

    change(command_buffer_class(), "_record", record)


@mutant("CMD-2")
def first_table_counts() -> None:
    """Every execution has the table of the first."""
    tables: dict[int, Any] = {}

    def recorded(good: Any, self: Any, operation: str, table: Any) -> Any:
        first = tables.setdefault(id(self), table) if table else table
        return good(self, operation, first)

    change(command_buffer_class(), "recorded", recorded)


@mutant("CMD-2")
def table_offsets_are_dropped() -> None:
    """A slot stands for the whole buffer that its range is of."""

    def recorded(good: Any, self: Any, operation: str, table: Any) -> Any:
        return good(self, operation, [BufferRange(given.buffer) for given in table])

    change(command_buffer_class(), "recorded", recorded)


@mutant("CMD-2")
def ranges_without_a_length_end_early() -> None:
    """A range without a length ends as far before the buffer's end as it starts after 0."""

    def recorded(good: Any, self: Any, operation: str, table: Any) -> Any:
        return good(self, operation, [ended_early(given) for given in table])

    def ended_early(given: BufferRange) -> BufferRange:
        if given.length is not None or not isinstance(given.buffer, Buffer):
            return given
        return given._replace(length=given.buffer.byte_length - 2 * given.offset)

    change(command_buffer_class(), "recorded", recorded)


@mutant("CMD-3")
def missing_ranges_are_the_last() -> None:
    """A slot that the table does not have is its last one."""

    def recorded(good: Any, self: Any, operation: str, table: Any) -> Any:
        missing = self._capacity - len(table)
        return good(self, operation, [*table, *[table[-1]] * missing] if table else table)

    change(command_buffer_class(), "recorded", recorded)


@mutant("CMD-3")
def slots_are_not_looked_at() -> None:
    """A slot beyond the capacity is recorded."""

    def after(good: Any, self: Any, *given: Any) -> None:
        good(self, *given)
        self._capacity = 1 << 40

    change(command_buffer_class(), "begin", after)


@mutant("CMD-3")
def table_ranges_have_no_end() -> None:
    """A slot goes on past its range, to the buffer's end."""

    def recorded(good: Any, self: Any, operation: str, table: Any) -> Any:
        return good(self, operation, [given._replace(length=None) for given in table])

    change(command_buffer_class(), "recorded", recorded)


@mutant("CMD-4", driver="local-task")
def tables_hold_nothing() -> None:
    """A pending execution does not keep its table's buffers alive."""

    def submit(good: Any, self: Any, operation: Any) -> None:
        if operation.name == "Device.queue_execute":
            operation = operation._replace(used=operation.used[:1])
        good(self, operation)

    change(device_class("local-task"), "_submit", submit)


@mutant("CMD-4")
def commands_hold_nothing() -> None:
    """A command buffer does not keep alive what it uses."""
    change(command_buffer_class(), "_hold", lambda good, self, used: None)
