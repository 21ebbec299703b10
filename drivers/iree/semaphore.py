"""Timeline semaphores over IREE's."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from cts.hal import HalError, Semaphore, StatusCode
from cts.hal.semaphore import DEFAULT_WAIT_TIMEOUT

from .arguments import as_int
from .native import NativeObject, call, forgetting_natives, runtime

if TYPE_CHECKING:
    from .device import IreeDevice
    from .hal_module import HalModule

WAIT_SLICE = 0.1
"""Seconds that a wait is away in IREE at most: signals (Ctrl-C) are handled in between."""

_NANOSECONDS = 1_000_000_000


@forgetting_natives
class IreeSemaphore(NativeObject, Semaphore):
    """One of IREE's semaphores."""

    def __init__(self, device: IreeDevice, initial_value: int) -> None:
        operation = "Device.create_semaphore"
        value = as_int(operation, "initial_value", initial_value)
        native = call(operation, device.native.create_semaphore, value)
        super().__init__(device)
        self._hal = device.hal
        self._native_device = device.native
        self._own(native)

    def query(self) -> int:
        payload: int = call("Semaphore.query", self.native.query)
        return payload

    def signal(self, value: int) -> None:
        operation = "Semaphore.signal"
        call(operation, self.native.signal, as_int(operation, "value", value))

    def wait(self, value: int, timeout: float | None = DEFAULT_WAIT_TIMEOUT) -> None:
        operation = "Semaphore.wait"
        value = as_int(operation, "value", value)
        if timeout is not None and (not isinstance(timeout, int | float) or timeout != timeout):
            raise HalError(
                StatusCode.INVALID_ARGUMENT,
                operation,
                f"timeout is {timeout!r}: it is a number of seconds, or none",
            )
        if not self.wait_in_slices(operation, value, timeout):
            raise HalError(
                StatusCode.DEADLINE_EXCEEDED,
                operation,
                f"the payload is below {value} after {timeout} s",
            )

    def wait_in_slices(self, operation: str, value: int, timeout: float | None) -> bool:
        """Whether `value` is reached in time. Raises the failure of a failed semaphore."""
        deadline = None if timeout is None else time.monotonic() + timeout
        # IREE's semaphore is of use as long as its device is, which may end meanwhile; this waits
        # on a native semaphore, and must be the last to let go of the device too.
        alive = self._native_device  # noqa: F841
        while True:
            left = WAIT_SLICE if deadline is None else deadline - time.monotonic()
            slice_ = max(min(left, WAIT_SLICE), 0.0)
            if call(operation, self.native.wait, value, timeout=int(slice_ * _NANOSECONDS)):
                return True
            # A failure with DEADLINE_EXCEEDED ends IREE's wait as a time-out does; this tells.
            call(operation, self.native.query)
            if deadline is not None and left <= WAIT_SLICE:
                return False

    def _free(self) -> None:
        super()._free()
        self._native_device = None

    def fail(self, code: StatusCode, message: str = "") -> None:
        operation = "Semaphore.fail"
        if code not in list(StatusCode):
            raise HalError(
                StatusCode.INVALID_ARGUMENT,
                operation,
                f"code is {code!r}: it is a StatusCode, and IREE takes any number",
            )
        fail_native(self._hal, operation, self.native, code)


def fail_native(hal: HalModule, operation: str, native: Any, code: StatusCode) -> None:
    """Fails one of IREE's semaphores with a code; the message does not get through.

    The binding's own `fail` has a message but no code.
    """
    fence = call(operation, runtime().HalFence.create_at, native, 1)
    hal.invoke(operation, "fence.fail", fence, int(code))
