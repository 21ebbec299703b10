"""How a vendor's devices are found and made.

What needs the vendor's Python package is imported where it is first needed: without it the driver
is there and says what is missing.
"""

from __future__ import annotations

import dataclasses
import mmap
import os
from abc import abstractmethod
from collections.abc import Sequence
from itertools import count
from typing import TYPE_CHECKING, ClassVar

from cts.hal import (
    DEVICE_LOST,
    Device,
    DeviceInfo,
    Driver,
    DriverProperties,
    HalError,
    StatusCode,
)

from .._common.archive import Format
from .._common.arguments import refusal

if TYPE_CHECKING:
    from .bare import BareStream
    from .calls import StreamCalls
    from .context import Runtime
    from .device import StreamDevice

_numbers = count()
_runtimes: dict[tuple[int, str], Runtime] = {}
"""By process and driver: a vendor's library stays as long as the process."""


class StreamDriver(Driver):
    """A driver over a table of a vendor's calls."""

    executable_format: ClassVar[Format]
    properties = DriverProperties(
        link_information=True,
        async_queue=True,
        out_of_range="recording",
        usage_enforced=True,
        binding_tables=True,
        binding_alignment=4,
        import_alignment=mmap.PAGESIZE,
    )

    def __init_subclass__(cls) -> None:
        formats = (cls.executable_format.name,)
        cls.properties = dataclasses.replace(StreamDriver.properties, executable_formats=formats)

    def __init__(self) -> None:
        self._found: dict[DeviceInfo, int] = {}

    # -- what a vendor gives ----------------------------------------------------------

    @abstractmethod
    def missing(self) -> str | None:
        """What is missing here and how to get it, or none. Raises a backend's own failure."""

    @abstractmethod
    def _new_calls(self) -> StreamCalls:
        """The table, once nothing is missing."""

    @abstractmethod
    def _kernels(self) -> bytes:
        """The suite's kernels as an executable of the driver's format."""

    @abstractmethod
    def _trap(self) -> bytes:
        """Code with an entry point ``trap`` that traps."""

    # -- the driver -------------------------------------------------------------------

    def available(self) -> HalError | None:
        reason = self.missing() or self._unfit()
        if reason is None:
            return None
        return HalError(StatusCode.UNAVAILABLE, "Driver.available", reason, driver=self.name)

    def _unfit(self) -> str | None:
        """Why none of the devices can be used, or none."""
        if self._devices():
            return None
        return f"no {self.name} device whose streams wait for 64-bit values in memory"

    def enumerate(self) -> list[DeviceInfo]:
        self._check_available("Driver.enumerate")
        return list(self._devices())

    def _check_available(self, operation: str) -> None:
        if not self._found and (error := self.available()) is not None:
            raise HalError(error.code, operation, error.detail, driver=self.name)

    def select(self, infos: Sequence[DeviceInfo]) -> None:
        """A loss is provoked on a stand-in alone. After a trap CUDA asks for a new process, and HIP
        ends the one that there is."""
        self._runtime().divides = len(infos) == 1
        is_stand_in = all(info.obtained_on == "stand-in" for info in infos)
        self.properties = dataclasses.replace(type(self).properties, provokes_loss=is_stand_in)

    def create_device(self, info: DeviceInfo | None = None) -> StreamDevice:
        found = self.resolve(info)
        ordinal = self._devices()[found]
        from .device import StreamDevice

        context = self._runtime().open("Driver.create_device", ordinal)
        return StreamDevice(f"{self.name}:{next(_numbers)}", context, self.executable_format)

    def conformance_executable(self, format: str) -> bytes:
        if format != self.executable_format.name:
            return super().conformance_executable(format)
        return self._kernels()

    def provoke_loss(self, device: Device) -> None:
        from .device import StreamDevice

        operation = "Driver.provoke_loss"
        if not isinstance(device, StreamDevice) or device.domain != self.name:
            raise refusal(operation, f"device is {device!r}: it is one of {self.name}")
        device._check_usable(operation)
        context, calls = device.context, device.context.calls
        if context.is_lost:
            return
        try:
            with context.lock, context.native(operation):
                trap = calls.function(calls.load(self._trap()), "trap")
                calls.launch(trap, (1, 1, 1), (1, 1, 1), device.queue.stream, (), ())
                device.queue.synchronize()
        except HalError as error:
            if error.code is not DEVICE_LOST:
                raise
            return
        raise HalError(StatusCode.UNIMPLEMENTED, operation, "the device goes on after a trap")

    def bare(self, info: DeviceInfo) -> BareStream:
        from .bare import BareStream

        code = self.conformance_executable(self.executable_format.name)
        ordinal = self._devices()[info]
        return BareStream(self._runtime(), ordinal, self.executable_format, code)

    def _runtime(self) -> Runtime:
        """The one of this process."""
        key = os.getpid(), self.name
        if key not in _runtimes:
            from .context import Runtime

            _runtimes[key] = Runtime(self._started())
        self.version = _runtimes[key].calls.version
        return _runtimes[key]

    def _started(self) -> StreamCalls:
        """The table. Raises INTERNAL where the library is there and does not start."""
        from .calls import NativeError

        try:
            return self._new_calls()
        except NativeError as error:
            code, name = StatusCode.INTERNAL, "Driver.available"
            failure = HalError(code, name, str(error), driver=self.name, native_code=error.name)
            raise failure from error

    def _devices(self) -> dict[DeviceInfo, int]:
        """Their ordinals, by what they are enumerated as, in the vendor's order."""
        if not self._found:
            runtime = self._runtime()
            for ordinal in range(runtime.device_count()):
                facts = runtime.facts(ordinal)
                if facts.stream_memory_operations:
                    identity = facts.uuid.hex() if facts.uuid else str(ordinal)
                    info = DeviceInfo(
                        path=f"{self.name}-{identity}",
                        name=facts.name,
                        obtained_on="stand-in" if runtime.calls.is_stand_in else "hardware",
                    )
                    self._found[info] = ordinal
        return self._found
