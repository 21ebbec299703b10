"""Calls of the host's functions in the order of the queue."""

from __future__ import annotations

from collections.abc import Callable

from cts.hal import HalError, StatusCode


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
