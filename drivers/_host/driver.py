"""The driver: there is one physical device, the host itself."""

from __future__ import annotations

import numpy as np

from cts.hal import Device, DeviceInfo, Driver, Module, Program

from .._common.arguments import refusal
from .device import HOST_INFO, HostDevice
from .executable import FORMAT, conformance_executable
from .program import HostProgram


class HostDriver(Driver):
    """A driver that needs nothing but numpy; a subclass makes its devices."""

    native = False
    version = f"numpy {np.__version__}"

    def enumerate(self) -> list[DeviceInfo]:
        return [HOST_INFO]

    def provoke_loss(self, device: Device) -> None:
        operation = "Driver.provoke_loss"
        if not isinstance(device, HostDevice) or device.driver_name != self.name:
            raise refusal(operation, f"device is {device!r}: it is one of {self.name}")
        device._check_usable(operation)
        device.loss.lose(operation)

    def conformance_program(self, module: Module) -> Program:
        return HostProgram(module)

    def conformance_executable(self, format: str) -> bytes:
        return (
            conformance_executable() if format == FORMAT else super().conformance_executable(format)
        )
