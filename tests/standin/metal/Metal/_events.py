"""Shared events, and fences."""

# ruff: noqa: N802

from __future__ import annotations

from typing import TYPE_CHECKING

from . import _worker
from ._checks import Refused, number
from ._failures import selector

if TYPE_CHECKING:
    from ._device import MTLDevice


class MTLSharedEvent:
    """A number that goes up, for all devices and the host."""

    def __init__(self) -> None:
        self.value = 0

    def raise_to(self, value: int) -> None:
        """Moves it up, with the lock of all held."""
        self.value = max(self.value, value)

    @selector
    def signaledValue(self) -> int:
        """As it is now."""
        return self.value

    @selector
    def setSignaledValue_(self, value: int) -> None:
        """The host moves it up."""
        with _worker.changed:
            if number("value", value) < self.value:
                raise Refused(f"value is {value}: an event goes up, and is at {self.value}")
            self.value = value
            _worker.changed.notify_all()


class MTLFence:
    """Orders encoders of a queue."""

    def __init__(self, device: MTLDevice) -> None:
        self.of_device = device
