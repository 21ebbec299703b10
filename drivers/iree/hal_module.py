"""The functions of IREE's HAL VM module, called directly: nearly the whole HAL, with no compiler.

A program that IREE compiled reaches the HAL through a VM module of 60 functions. They can be called
one by one with arguments pushed on a list, which reaches far more than the binding's classes do
(fill, update, barriers, offsets), and releases the GIL while it works.

    hal = HalModule(device)
    hal.invoke("Device.queue_barrier", "device.queue.barrier", hal.device, -1, wait, signal, 0)

An empty fence stands for none. Integers are pushed as 64 bits.

What they cannot be called for from here goes through a module of this adapter's own (`compiled`),
which the same contexts hold; `HalModule.invoke` finds a function in either.

Another version of the wheel may lack a function or take other arguments for it, and what is pushed
would be taken for something else. So all of those that are called are compared with a table, before
the first one is.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from cts.hal import HalError, StatusCode

from .compiled import calls, compiled
from .native import MAX_U64, call, keep_forever, runtime, vm_instance
from .wheel import described

EXPORTS: Mapping[str, str] = {
    "buffer.subspan": "0rII_r",
    "command_buffer.create": "0riiIi_r",
    "command_buffer.execution_barrier": "0riiI_v",
    "command_buffer.finalize": "0r_v",
    "device.query.i64": "0rrr_iI",
    "device.queue.alloca": "0rIrrIiiII_r",
    "device.queue.barrier": "0rIrrI_v",
    "device.queue.copy": "0rIrrrIrIII_v",
    "device.queue.dealloca": "0rIrrrI_v",
    "device.queue.execute": "0rIrrrI_v",
    "device.queue.fill": "0rIrrrIIIiI_v",
    "device.queue.update": "0rIrrrIrIII_v",
    "devices.get": "0i_r",
    "executable.create": "0rIrrr_r",
    "executable.lookup.function": "0rr_I",
    "fence.fail": "0ri_v",
}
"""The functions that are called, by name without ``hal.``, and the calling convention of each.

A convention is ``0``, the arguments, ``_`` and the results: r for a reference, i and I for integers
of 32 and 64 bits, v for nothing.
"""

_CONVENTION = re.compile(r"\((\w+)\)")
"""In the text of a function, which is the only place that has it."""

_RESULTS = 4  # more than any of the functions has


class HalModule:
    """The HAL VM module over one native device.

    Attributes
    ----------
    device : the device as the VM's reference, the first argument of the functions on it.
    """

    def __init__(self, native_device: Any) -> None:
        self._module = call(
            "Driver.create_device",
            runtime().create_hal_module,
            vm_instance(),
            devices=[native_device],
        )
        self._calls = _calls_module()
        self._functions = _look_up(self._module)
        self._functions.update((n, self._calls.lookup_function(n)) for n in calls.names())
        # A context serves one call at a time, and a call may wait for one of another thread.
        self._idle_contexts: deque[Any] = deque()
        self.device = self.invoke("Driver.create_device", "devices.get", 0)

    def invoke(self, operation: str, name: str, *args: Any) -> Any:
        """Calls a function; its result, if it has one, as a VM reference.

        Parameters
        ----------
        operation : what is done, for errors.
        name : the function, one of `EXPORTS` or of `calls.names`.
        args : ints, and native objects or VM references.
        """
        results = self._call(operation, name, args)
        return results.get_as_ref(0) if results.size else None

    def invoke_for_numbers(self, operation: str, name: str, *args: Any) -> list[int]:
        """The same for a function whose results are integers."""
        results = self._call(operation, name, args)
        return [results.get_variant(place) for place in range(results.size)]

    def _call(self, operation: str, name: str, args: Sequence[Any]) -> Any:
        rt = runtime()
        pushed = rt.VmVariantList(len(args))
        for arg in args:
            if isinstance(arg, int):
                pushed.push_int(_signed(arg))
            else:
                pushed.push_ref(arg)
        results = rt.VmVariantList(_RESULTS)
        context = self._take_context()
        try:
            call(operation, context.invoke, self._functions[name], pushed, results)
        finally:
            self._idle_contexts.append(context)
        return results

    def close(self) -> None:
        """Drops everything native, what depends on the module first."""
        self.device = None
        self._functions.clear()
        self._idle_contexts.clear()
        self._module = None

    def _take_context(self) -> Any:
        try:
            return self._idle_contexts.pop()
        except IndexError:  # all are in use by other threads
            modules = [self._module, self._calls]
            return call("Driver.create_device", runtime().VmContext, vm_instance(), modules=modules)


@cache
def _calls_module() -> Any:
    module = call(
        "Driver.create_device",
        runtime().VmModule.copy_buffer,
        vm_instance(),
        compiled("calls.vmfb"),
    )
    keep_forever(module)
    return module


def _look_up(module: Any) -> dict[str, Any]:
    """The functions of `EXPORTS`. Raises INCOMPATIBLE naming all that the module has otherwise."""
    functions = {name: module.lookup_function(name) for name in EXPORTS}
    differences = []
    for name, wanted in EXPORTS.items():
        found = _CONVENTION.search(repr(functions[name]))
        if found is None:
            differences.append(f"there is no hal.{name}")
        elif found[1] != wanted:
            differences.append(f"hal.{name} is called by {found[1]}, not by {wanted}")
    if differences:
        raise HalError(
            StatusCode.INCOMPATIBLE,
            "Driver.create_device",
            f"{described()} is not a wheel that this adapter can call: {'; '.join(differences)}",
        )
    return functions


def _signed(number: int) -> int:
    """The 64 bits of an unsigned number as the signed one that the VM takes."""
    return number - (MAX_U64 + 1) if number > MAX_U64 // 2 else number
