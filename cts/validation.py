"""What a driver's backend says of how it is used, with ``--validation``.

A driver is given `Messages.report`, and hands on what its backend's checks find, on any thread:

    messages = Messages()
    driver.validate(messages.report)
    ...
    messages.take()     # ["vkCmdCopyBuffer(): regionCount is 0 (3 times)"]
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from queue import Empty, SimpleQueue

MOST = 20
"""Different messages that are told at a time; of the others only their number."""


class Messages:
    """What a backend has said since it was last asked for."""

    def __init__(self) -> None:
        self._queue: SimpleQueue[str] = SimpleQueue()

    def report(self, message: str) -> None:
        """Takes a message. Any thread may call this, also from within a destructor."""
        self._queue.put(message)

    def take(self) -> list[str]:
        """The messages since the last call, each on one line and once, with how often it came."""
        counts: Counter[str] = Counter()
        with suppress(Empty):
            while True:
                counts[" ".join(str(self._queue.get_nowait()).split())] += 1
        lines = [text if n == 1 else f"{text} ({n} times)" for text, n in counts.items()]
        more = len(lines) - MOST
        return lines if more <= 0 else [*lines[:MOST], f"and {more} other messages"]


def told(lines: Sequence[str], between: str = "; ") -> str:
    """Messages as one text, that says whose they are."""
    return f"validation: {between.join(lines)}"
