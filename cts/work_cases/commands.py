"""How an execution of recorded commands ends."""

from __future__ import annotations

from collections.abc import Sequence

from cts.hal import BufferRange, CommandBuffer, Device, HalError, StatusCode


def code_of_execution(
    device: Device, commands: CommandBuffer, table: Sequence[BufferRange] = ()
) -> StatusCode | None:
    """With what code an execution is refused, at the call or by its signal's failure."""
    with device.create_semaphore() as line:
        try:
            device.queue_execute(commands, table, signal=[(line, 1)])
            line.wait(1)
        except HalError as error:
            return error.code
    return None
