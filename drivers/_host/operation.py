"""A queue operation that was checked and is to be carried out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from cts.hal import DeviceObject

from .timepoints import Timepoints
from .transfers import Transfer


class Operation(NamedTuple):
    """Transfers between what is waited for and what is signalled; everything in it is living."""

    name: str
    """For errors: ``Device.queue_fill``."""
    work: Sequence[Transfer]
    """To be carried out in this order; none for a barrier."""
    used: Sequence[DeviceObject]
    """What the work needs, to be kept alive until it is done."""
    waits: Timepoints
    signals: Timepoints
