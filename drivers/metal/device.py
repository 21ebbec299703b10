"""The device of this driver."""

from __future__ import annotations

from .._stream.device import StreamDevice


class MetalDevice(StreamDevice):
    """A logical device on a GPU: all of one GPU share what the driver keeps of it."""

    driver_name = "metal"
