"""The device of this driver."""

from __future__ import annotations

from .._stream.device import StreamDevice


class CudaDevice(StreamDevice):
    """A logical device on a GPU: all of one GPU share its primary context."""

    driver_name = "cuda"
