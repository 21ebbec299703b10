"""The device of this driver."""

from __future__ import annotations

from .._stream.device import StreamDevice


class HipDevice(StreamDevice):
    """A logical device on a GPU: all of one GPU share what HIP keeps of it."""

    driver_name = "hip"
