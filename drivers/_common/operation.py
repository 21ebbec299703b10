"""A queue operation that was checked and is to be carried out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Generic, NamedTuple, TypeVar

from cts.hal import DeviceObject

from .timepoints import CheckedSemaphore
from .work import Work

W = TypeVar("W", bound=Work)
S = TypeVar("S", bound=CheckedSemaphore)


class Operation(NamedTuple, Generic[W, S]):
    """Work between what is waited for and what is signalled; everything in it is living."""

    name: str
    """For errors: ``Device.queue_fill``."""
    work: Sequence[W]
    """To be carried out in this order; none for a barrier."""
    used: Sequence[DeviceObject]
    """What the work needs, to be kept alive until it is done."""
    waits: Sequence[tuple[S, int]]
    signals: Sequence[tuple[S, int]]
