"""Programs over several of IREE's devices: a module of its compiler's, and a device group in C.

IREE makes the group when the HAL module is made over the devices, and holds it and them by that.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cts.hal import Device, HalError, Module, Program, StatusCode

from .arguments import as_bytes
from .compiled import compiled
from .device import IreeDevice
from .native import abandon_in_forked_child, call, forgetting_natives, runtime, vm_instance

DEVICES = 2


@forgetting_natives
class IreeProgram(Program):
    """The suite's program, compiled for one of IREE's drivers.

    Parameters
    ----------
    format : the driver's format of device code, which names the file.
    """

    def __init__(self, module: Module, format: str) -> None:
        operation = "Driver.conformance_program"
        devices = [_as_device(operation, module.device_at(index)) for index in range(DEVICES)]
        rt = runtime()
        hal = call(
            operation,
            rt.create_hal_module,
            vm_instance(),
            devices=[device.native for device in devices],
        )
        code = compiled(f"there_and_back.{format}.vmfb")
        program = call(operation, rt.VmModule.copy_buffer, vm_instance(), code)
        self._context = call(operation, rt.VmContext, vm_instance(), modules=[hal, program])
        self._function = call(operation, program.lookup_function, "there_and_back")
        self._held = devices
        super().__init__()
        for device in devices:
            device.retain()
        abandon_in_forked_child(self)

    def run(self, data: bytes) -> bytes:
        operation = "Program.run"
        values = np.frombuffer(as_bytes(operation, "data", data), np.float32)
        rt = runtime()
        arguments, results = rt.VmVariantList(1), rt.VmVariantList(1)
        arguments.push_ref(self._view_of(operation, values))
        call(operation, self._context.invoke, self._function, arguments, results)
        view = call(operation, results.get_as_object, 0, rt.HalBufferView)
        found: bytes = call(operation, bytes, call(operation, view.map))
        return found

    def _view_of(self, operation: str, values: Any) -> Any:
        rt = runtime()
        first = self._held[0].native
        kind = int(rt.MemoryType.DEVICE_LOCAL | rt.MemoryType.HOST_VISIBLE)
        usage = int(rt.BufferUsage.DEFAULT | rt.BufferUsage.MAPPING)
        make = first.allocator.allocate_buffer_copy
        element = rt.HalElementType.FLOAT_32
        return call(operation, make, kind, usage, first, values, element_type=element)

    def _destroy(self) -> None:
        del self._function, self._context
        for device in reversed(self._held):
            device.release()

    def _abandon(self) -> None:
        super()._abandon()
        del self._function, self._context


def _as_device(operation: str, device: Device) -> IreeDevice:
    if not isinstance(device, IreeDevice):
        raise HalError(
            StatusCode.INVALID_ARGUMENT, operation, f"device is {device!r}: it is one of IREE's"
        )
    device._check_usable(operation)
    return device
