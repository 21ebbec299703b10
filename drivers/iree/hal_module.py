"""The functions of IREE's HAL VM module, called directly: nearly the whole HAL, with no compiler.

A program that IREE compiled reaches the HAL through a VM module of 60 functions. They can be called
one by one with arguments pushed on a list, which reaches far more than the binding's classes do
(fill, update, barriers, offsets), and releases the GIL while it works.

    hal = HalModule(device)
    hal.invoke("Device.queue_barrier", "device.queue.barrier", hal.device, -1, wait, signal, 0)

An empty fence stands for none. Integers are pushed as 64 bits.
"""

from __future__ import annotations

from collections import deque
from typing import Any

from cts.hal import HalError, StatusCode

from .native import MAX_U64, call, runtime, vm_instance

_RESULTS = 4  # more than any of the functions has


class HalModule:
    """The HAL VM module over one native device.

    Attributes
    ----------
    device : the device as the VM's reference, the first argument of the functions on it.
    """

    def __init__(self, native_device: Any) -> None:
        rt = runtime()
        self._module = call(
            "Driver.create_device", rt.create_hal_module, vm_instance(), devices=[native_device]
        )
        self._functions: dict[str, Any] = {}
        # A context serves one call at a time, and a call may wait for one of another thread.
        self._idle_contexts: deque[Any] = deque()
        self.device = self.invoke("Driver.create_device", "devices.get", 0)

    def invoke(self, operation: str, name: str, *args: Any) -> Any:
        """Calls a function; its result, if it has one, as a VM reference.

        Parameters
        ----------
        operation : what is done, for errors.
        name : the function, without its ``hal.``.
        args : ints, and native objects or VM references.
        """
        rt = runtime()
        function = self._functions.get(name)
        if function is None:
            function = self._look_up(operation, name)
        pushed = rt.VmVariantList(len(args))
        for arg in args:
            if isinstance(arg, int):
                pushed.push_int(_signed(arg))
            else:
                pushed.push_ref(arg)
        results = rt.VmVariantList(_RESULTS)
        context = self._take_context()
        try:
            call(operation, context.invoke, function, pushed, results)
        finally:
            self._idle_contexts.append(context)
        return results.get_as_ref(0) if results.size else None

    def close(self) -> None:
        """Drops everything native, what depends on the module first."""
        self.device = None
        self._functions.clear()
        self._idle_contexts.clear()
        self._module = None

    def _look_up(self, operation: str, name: str) -> Any:
        function = call(operation, self._module.lookup_function, name)
        if function is None:
            raise HalError(
                StatusCode.UNIMPLEMENTED, operation, f"this wheel has no function hal.{name}"
            )
        self._functions[name] = function
        return function

    def _take_context(self) -> Any:
        try:
            return self._idle_contexts.pop()
        except IndexError:  # all are in use by other threads
            return runtime().VmContext(vm_instance(), modules=[self._module])


def _signed(number: int) -> int:
    """The 64 bits of an unsigned number as the signed one that the VM takes."""
    return number - (MAX_U64 + 1) if number > MAX_U64 // 2 else number
