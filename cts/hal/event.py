"""Events: order between commands, finer than a barrier's."""

from __future__ import annotations

from .device_object import DeviceObject


class Event(DeviceObject):
    """Signalled, reset and awaited by commands alone (`CommandBuffer.signal_event`); the host does
    not see it. It is not signalled at first, and stays as it is from one execution to the next.
    """
