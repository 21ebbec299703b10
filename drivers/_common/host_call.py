"""Calls of the host's functions in the order of the queue."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from cts.hal import DeviceObject, HalError, StatusCode


def call_host(operation: str, function: Callable[[], None]) -> None:
    """Calls it. Raises its HalError's code, and UNKNOWN for whatever else it raises: it may run on
    a thread that nobody waits for."""
    try:
        function()
    except KeyboardInterrupt:
        raise
    except HalError as error:
        raise HalError(error.code, operation, f"the function failed: {error.detail}") from error
    except BaseException as error:
        raise HalError(StatusCode.UNKNOWN, operation, f"the function failed: {error!r}") from error


class HostCall:
    """Work that calls a function once all waits are reached, not promised: it may take its time."""

    def __init__(self, operation: str, function: Callable[[], None]) -> None:
        self.used: Sequence[DeviceObject] = ()
        self._operation = operation
        self._function = function

    def run(self) -> None:
        """Calls it. Raises as `call_host` does."""
        call_host(self._operation, self._function)
