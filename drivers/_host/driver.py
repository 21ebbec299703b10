"""The driver: there is one physical device, the host itself."""

from __future__ import annotations

import numpy as np

from cts.hal import DeviceInfo, Driver

from .device import HOST_INFO
from .executable import FORMAT, conformance_executable


class HostDriver(Driver):
    """A driver that needs nothing but numpy; a subclass makes its devices."""

    native = False
    version = f"numpy {np.__version__}"

    def enumerate(self) -> list[DeviceInfo]:
        return [HOST_INFO]

    def conformance_executable(self, format: str) -> bytes:
        return (
            conformance_executable() if format == FORMAT else super().conformance_executable(format)
        )
