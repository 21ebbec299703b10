"""Events that the host follows: whether each is signalled, in the order in which the queue will do
what is done to it.

A native queue hangs where it waits for an event that nothing signals. So what an operation does to
events is looked at before it is given to the native queue (`check`), and followed after (`follow`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeAlias

from cts.hal import Device, Event, HalError, StatusCode


class FollowedEvent(Event):
    """An event that is not signalled at first.

    Attributes
    ----------
    is_signalled : whether it is, after all that the native queue has.
    """

    def __init__(self, device: Device) -> None:
        super().__init__(device)
        self.is_signalled = False


class PutsEvent:
    """Work that signals or resets an event."""

    event: FollowedEvent
    is_signalled: bool


class WaitsForEvents:
    """Work that goes on where all of some events are signalled."""

    operation: str
    events: Sequence[FollowedEvent]


EventWork: TypeAlias = PutsEvent | WaitsForEvents


def check(parts: Iterable[EventWork]) -> None:
    """Raises FAILED_PRECONDITION where the queue would wait for an event for ever."""
    states: dict[FollowedEvent, bool] = {}
    for part in parts:
        if isinstance(part, PutsEvent):
            states[part.event] = part.is_signalled
        elif not all(states.get(event, event.is_signalled) for event in part.events):
            raise HalError(
                StatusCode.FAILED_PRECONDITION,
                part.operation,
                "an event that is waited for is not set",
            )


def follow(parts: Iterable[EventWork]) -> None:
    """Keeps in mind what was done to events."""
    for part in parts:
        if isinstance(part, PutsEvent):
            part.event.is_signalled = part.is_signalled
