"""Queue-allocated buffers: memory that comes and goes in the order of the queue.

`Device.queue_alloca` gives the buffer at once, to be named in what is submitted next, and its
memory when its turn has come; `Device.queue_dealloca` takes the memory back in its turn, whoever
still has the buffer.
"""

from __future__ import annotations

from abc import abstractmethod

from cts.hal import Buffer, HalError, StatusCode

from .arguments import as_object, refusal
from .memory import CheckedBuffer


class QueueAllocated(CheckedBuffer):
    """A buffer without memory, but for the time between its allocation and its deallocation."""

    _is_over = False

    @abstractmethod
    def commit(self) -> None:
        """Takes the memory, unless it is over. Raises RESOURCE_EXHAUSTED where there is not
        enough."""

    @abstractmethod
    def decommit(self) -> None:
        """Gives the memory back. Raises FAILED_PRECONDITION where that was done already."""

    def check_not_over(self, operation: str) -> None:
        """Raises FAILED_PRECONDITION once the memory was given back."""
        if self._is_over:
            raise HalError(
                StatusCode.FAILED_PRECONDITION, operation, "the buffer was deallocated already"
            )


def as_queue_allocated(
    operation: str, buffer: Buffer, kind: type[CheckedBuffer], domain: str
) -> QueueAllocated:
    """A living buffer of the domain that a queue has allocated, and none has deallocated."""
    known = as_object(operation, "buffer", buffer, kind, domain)
    if not isinstance(known, QueueAllocated):
        raise refusal(operation, "buffer comes from an allocator: its release gives it back")
    known.check_not_over(operation)
    return known
