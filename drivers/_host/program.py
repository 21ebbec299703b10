"""The suite's program over two devices of host memory: a dispatch after the other, handed on by the
host."""

from __future__ import annotations

import numpy as np

from cts.hal import BufferRange, BufferUsage, Device, Module, Program

from .._common.arguments import as_bytes
from .executable import FORMAT, conformance_executable

STEPS = ((0, 1, 1), (1, 2, 0), (0, 1, -3))
"""Which device works, and the factor and the summand for each value."""

USAGE = BufferUsage.MAPPING | BufferUsage.DISPATCH_STORAGE
NO_BOUNDS = (-np.inf, np.inf)


class HostProgram(Program):
    """Retains its module, and so the devices."""

    def __init__(self, module: Module) -> None:
        self._module = module.retain()
        super().__init__()

    def run(self, data: bytes) -> bytes:
        data = as_bytes("Program.run", "data", data)
        for place, factor, summand in STEPS:
            data = _scaled(self._module.device_at(place), data, factor, summand)
        return data

    def _destroy(self) -> None:
        self._module.release()

    def _abandon(self) -> None:
        super()._abandon()
        self._module.release()


def _scaled(device: Device, data: bytes, factor: float, summand: float) -> bytes:
    """The values times a factor and a summand more, computed by a device."""
    constants = np.array([factor, summand, *NO_BOUNDS], np.float32).tobytes()
    with (
        device.create_executable(FORMAT, conformance_executable()) as code,
        device.allocator.allocate(len(data), usage=USAGE) as values,
        device.create_semaphore() as line,
    ):
        values.write(0, data)
        bindings = [BufferRange(values), BufferRange(values)]
        workgroups = len(data) // 4, 1, 1
        entry_point = code.lookup("scale")
        device.queue_dispatch(
            code, entry_point, workgroups, bindings, constants, signal=[(line, 1)]
        )
        line.wait(1)
        return values.read()
