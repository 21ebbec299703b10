"""The device of this driver."""

from __future__ import annotations

from .._stream.device import StreamDevice


class AmdgpuDevice(StreamDevice):
    """A logical device on a GPU: all of one GPU share what the runtime has for it."""

    driver_name = "amdgpu"
