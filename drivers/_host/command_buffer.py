"""Command buffers: checked transfers in the order they were recorded.

``new -- begin --> recording -- end --> executable``; anything else is FAILED_PRECONDITION.
Commands run one after the other, so that a barrier has nothing left to do.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from cts.hal import Buffer, CommandBuffer, Device, HalError, StatusCode

from . import transfers
from .transfers import Transfer

State = Literal["new", "recording", "executable"]


class HostCommandBuffer(CommandBuffer):
    """Keeps the buffers of its commands alive. Recorded once, executed any number of times."""

    _teardown_rank = 1  # before the buffers that it holds

    def __init__(self, device: Device) -> None:
        super().__init__(device)
        self._driver_name = device.driver_name
        self._state: State = "new"
        self._commands: list[Transfer] = []

    def begin(self) -> None:
        self._check_state("CommandBuffer.begin", "new")
        self._state = "recording"

    def end(self) -> None:
        self._check_state("CommandBuffer.end", "recording")
        self._state = "executable"

    def fill(self, target: Buffer, offset: int, length: int, pattern: bytes) -> None:
        operation = "CommandBuffer.fill"
        self._check_state(operation, "recording")
        self._record(transfers.fill(operation, self._driver_name, target, offset, length, pattern))

    def update(self, data: bytes, target: Buffer, offset: int) -> None:
        operation = "CommandBuffer.update"
        self._check_state(operation, "recording")
        self._record(transfers.update(operation, self._driver_name, data, target, offset))

    def copy(
        self, source: Buffer, source_offset: int, target: Buffer, target_offset: int, length: int
    ) -> None:
        operation = "CommandBuffer.copy"
        self._check_state(operation, "recording")
        ranges = (source, source_offset, target, target_offset, length)
        self._record(transfers.copy(operation, self._driver_name, *ranges))

    def barrier(self) -> None:
        self._check_state("CommandBuffer.barrier", "recording")

    def recorded(self, operation: str) -> Sequence[Transfer]:
        """The commands. Raises FAILED_PRECONDITION for `operation` unless recording has ended."""
        self._check_state(operation, "executable")
        return self._commands

    def _record(self, command: Transfer) -> None:
        for buffer in command.buffers:
            buffer.retain()
        self._commands.append(command)

    def _check_state(self, operation: str, needed: State) -> None:
        if self._state != needed:
            raise HalError(
                StatusCode.FAILED_PRECONDITION,
                operation,
                f"the command buffer is {self._state}: it must be {needed}",
            )

    def _free(self) -> None:
        for command in self._commands:
            for buffer in command.buffers:
                buffer.release()
