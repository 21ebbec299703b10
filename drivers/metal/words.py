"""Words: 64-bit numbers that streams write and wait for, each a shared event of Metal's.

What a stream was to write is there for the host once that command buffer, and all before it in its
stream, are done without an error: whether an event is signalled by a command buffer that fails is
not said anywhere.
"""

from __future__ import annotations

import threading
from typing import Any, Protocol

from .made import made


class Writer(Protocol):
    """A stream, as words know it."""

    def has_done(self, number: int, /) -> bool:
        """Whether all of its command buffers up to a number are done."""


class EventWord:
    """A word, which is a list of one number for the host.

    Attributes
    ----------
    event : Metal's, for streams. It only goes up: for a number that is less there is a new one.
    """

    def __init__(self, device: Any) -> None:
        self._device = device
        self._lock = threading.Lock()
        self._value = 0
        self._coming: list[tuple[int, Writer, int]] = []
        self.event = self._new_event()

    def _new_event(self) -> Any:
        return made("newSharedEvent", self._device.newSharedEvent())

    def __getitem__(self, place: int) -> int:
        with self._lock:
            self._settle()
            return self._value

    def _settle(self) -> None:
        done = [coming for coming in self._coming if coming[1].has_done(coming[2])]
        if done:
            self._coming = [coming for coming in self._coming if coming not in done]
            self._value = max(self._value, *(value for value, _, _ in done))

    def __setitem__(self, place: int, value: int) -> None:
        with self._lock:
            self._coming.clear()
            self._value = value
            if value < self.event.signaledValue():
                self.event = self._new_event()
            self.event.setSignaledValue_(value)

    def comes(self, value: int, writer: Writer, number: int) -> None:
        """A stream writes it, by that command buffer."""
        with self._lock:
            self._settle()
            self._coming.append((value, writer, number))
