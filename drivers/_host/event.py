"""Events: a flag is enough, as commands run in order, and command buffers by their semaphores."""

from __future__ import annotations

from collections.abc import Sequence

from cts.hal import Device, Event, HalError, StatusCode

from .arguments import as_object, refusal
from .transfers import Transfer, whole


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


def signal_event(operation: str, driver_name: str, event: Event) -> Transfer:
    """Signals an event."""
    known = as_object(operation, "event", event, HostEvent, driver_name)
    return whole((known,), lambda: known.put(True))


def reset_event(operation: str, driver_name: str, event: Event) -> Transfer:
    """Takes the signal of an event back."""
    known = as_object(operation, "event", event, HostEvent, driver_name)
    return whole((known,), lambda: known.put(False))


def wait_events(operation: str, driver_name: str, events: Sequence[Event]) -> Transfer:
    """Goes on where all of the events are signalled."""
    try:
        given = list(events)
    except TypeError:
        raise refusal(operation, f"events is {events!r}: it is a list of events") from None
    known = tuple(as_object(operation, "events", e, HostEvent, driver_name) for e in given)

    def check() -> None:
        for event in known:
            event.check_signalled(operation)

    return whole(known, check)
