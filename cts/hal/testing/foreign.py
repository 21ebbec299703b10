"""Objects of another driver, to be refused: whoever uses one gets INTERNAL.

with foreign_buffer() as buffer:
    device.queue_fill(buffer, 0, 4, b"x")   # INVALID_ARGUMENT, in every driver but its own
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

from ..command_buffer import CommandBuffer
from ..event import Event
from ..memory import Buffer
from ..semaphore import Semaphore
from ..status import HalError, StatusCode
from .mock_device import MockDevice

DRIVER_NAME = "another driver"


def _used(self: Any, *args: Any, **kwargs: Any) -> NoReturn:
    raise HalError(StatusCode.INTERNAL, type(self).__name__, "an object of another driver was used")


class ForeignBuffer(Buffer):
    """A buffer that nobody's queue can use."""

    read = write = map = _used


class ForeignSemaphore(Semaphore):
    """A semaphore that nobody's queue can use."""

    query = signal = wait = fail = _used


class ForeignCommandBuffer(CommandBuffer):
    """A command buffer that nobody's queue can use."""

    begin = end = fill = update = copy = barrier = _used


@contextmanager
def foreign_buffer(byte_length: int = 64) -> Iterator[ForeignBuffer]:
    """A living buffer of another driver."""
    with MockDevice("foreign", DRIVER_NAME) as device, ForeignBuffer(device, byte_length) as made:
        yield made


@contextmanager
def foreign_semaphore() -> Iterator[ForeignSemaphore]:
    """A living semaphore of another driver."""
    with MockDevice("foreign", DRIVER_NAME) as device, ForeignSemaphore(device) as made:
        yield made


@contextmanager
def foreign_command_buffer() -> Iterator[ForeignCommandBuffer]:
    """A living command buffer of another driver."""
    with MockDevice("foreign", DRIVER_NAME) as device, ForeignCommandBuffer(device) as made:
        yield made


@contextmanager
def foreign_event() -> Iterator[Event]:
    """A living event of another driver."""
    with MockDevice("foreign", DRIVER_NAME) as device, Event(device) as made:
        yield made
