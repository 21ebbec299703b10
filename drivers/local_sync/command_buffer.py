"""Command buffers: checked transfers in the order they were recorded.

``new -- begin --> recording -- end --> executable``; anything else is FAILED_PRECONDITION.
Commands run one after the other, so that a barrier has nothing left to do.
"""

from __future__ import annotations

from typing import Literal

from cts.hal import Buffer, CommandBuffer, Device, HalError, StatusCode

from . import transfers
from .transfers import Transfer

State = Literal["new", "recording", "executable"]


class LocalCommandBuffer(CommandBuffer):
    """Keeps the buffers of its commands alive. Recorded once, executed any number of times."""

    _teardown_rank = 1  # before the buffers that it holds

    def __init__(self, device: Device) -> None:
        super().__init__(device)
        self._state: State = "new"
        self._commands: list[Transfer] = []

    def begin(self) -> None:
        self._check_state("begin", "new")
        self._state = "recording"

    def end(self) -> None:
        self._check_state("end", "recording")
        self._state = "executable"

    def fill(self, target: Buffer, offset: int, length: int, pattern: bytes) -> None:
        self._check_state("fill", "recording")
        self._record(transfers.fill("CommandBuffer.fill", target, offset, length, pattern))

    def update(self, data: bytes, target: Buffer, offset: int) -> None:
        self._check_state("update", "recording")
        self._record(transfers.update("CommandBuffer.update", data, target, offset))

    def copy(
        self, source: Buffer, source_offset: int, target: Buffer, target_offset: int, length: int
    ) -> None:
        self._check_state("copy", "recording")
        self._record(
            transfers.copy(
                "CommandBuffer.copy", source, source_offset, target, target_offset, length
            )
        )

    def barrier(self) -> None:
        self._check_state("barrier", "recording")

    def as_transfer(self, operation: str) -> Transfer:
        """The commands, to be run as one. Raises FAILED_PRECONDITION unless it was recorded."""
        self._check_state(operation, "executable")
        commands = self._commands

        def run() -> None:
            for command in commands:
                command.run()

        return Transfer((self,), run)

    def _record(self, command: Transfer) -> None:
        for owner in command.owners:
            owner.retain()
        self._commands.append(command)

    def _check_state(self, operation: str, needed: State) -> None:
        if self._state != needed:
            raise HalError(
                StatusCode.FAILED_PRECONDITION,
                operation if "." in operation else f"CommandBuffer.{operation}",
                f"the command buffer is {self._state}: it must be {needed}",
            )

    def _free(self) -> None:
        for command in self._commands:
            for owner in command.owners:
                owner.release()
