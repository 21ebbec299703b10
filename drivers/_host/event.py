"""Events: a flag is enough, as commands run in order, and command buffers by their semaphores."""

from __future__ import annotations

from cts.hal import Device, Event, HalError, StatusCode


class HostEvent(Event):
    """A flag that is down at first."""

    def __init__(self, device: Device) -> None:
        super().__init__(device)
        self._is_signalled = False

    def put(self, is_signalled: bool) -> None:
        """Signals or resets it."""
        self._is_signalled = is_signalled

    def check_signalled(self, operation: str) -> None:
        """Raises FAILED_PRECONDITION unless a command before has signalled it: none will now."""
        if not self._is_signalled:
            raise HalError(
                StatusCode.FAILED_PRECONDITION, operation, "an event that is waited for is not set"
            )
