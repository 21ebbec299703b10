"""A stand-in for Apple's Metal as PyObjC gives it to Python, over the host's memory.

    PYTHONPATH=tests/standin/metal pytest --driver=metal

Names, arguments and answers are PyObjC's; what is simulated is said in `_machine`, how calls are
made to fail in `_failures`, and in what order work is done in `_worker`. No device code is compiled
or run: a kernel is looked up by its name (`_kernels`). What Metal forbids raises `Refused`.
"""

# ruff: noqa: N999

from __future__ import annotations

from ._checks import MTLSize as MTLSize
from ._checks import Refused as Refused
from ._code import MTLCompileOptions as MTLCompileOptions
from ._device import MTLDevice as MTLDevice
from ._failures import set_failures as hal_cts_stand_in_set
from ._machine import device_facts
from ._memory import MTLHeapDescriptor as MTLHeapDescriptor

__all__ = ["MTLCopyAllDevices", "MTLSizeMake", "hal_cts_stand_in", "hal_cts_stand_in_set"]

hal_cts_stand_in = "hal-cts stand-in 1"

MTLStorageModeShared = 0
MTLStorageModePrivate = 2
MTLResourceStorageModeShared = 0
MTLResourceStorageModePrivate = 32
MTLCommandBufferStatusCompleted = 4
MTLCommandBufferStatusError = 5

_devices: list[MTLDevice] = []


def MTLCopyAllDevices() -> list[MTLDevice]:  # noqa: N802
    """All devices of the machine: the same objects each time."""
    if not _devices:
        _devices.extend(MTLDevice(facts) for facts in device_facts())
    return list(_devices)


def MTLSizeMake(width: int, height: int, depth: int) -> MTLSize:  # noqa: N802
    """A size."""
    return MTLSize(width, height, depth)
