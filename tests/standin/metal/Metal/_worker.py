"""Who does the work: one thread, for all queues.

Of all that may be done next it does the last, so that what is right by luck goes wrong. That is:

* a command buffer's wait, once its event is there; nothing behind it in the buffer is done before;
* an encoder, unless an encoder before it in its queue, not done yet, updates a fence that this one
  waits for, or uses a buffer of both that either writes, if Metal keeps track of that buffer;
* a signal, once all before it in its command buffer is done.

Command buffers of a queue are begun in their order, and no more is said of them.
"""

from __future__ import annotations

import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ._commands import MTLCommandBuffer
    from ._events import MTLFence, MTLSharedEvent
    from ._memory import MTLBuffer

INTERNAL = 1

changed = threading.Condition()
"""Held for whatever is said of events and command buffers."""


class DeviceFailure(Exception):
    """Work that a device cannot do."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


@dataclass(eq=False)
class Wait:
    """Holds what comes after."""

    event: MTLSharedEvent
    value: int


@dataclass(eq=False)
class Signal:
    """Moves an event up."""

    event: MTLSharedEvent
    value: int


@dataclass(eq=False)
class Encoding:
    """What an encoder has encoded."""

    work: list[Callable[[], None]] = field(default_factory=list)
    reads: list[MTLBuffer] = field(default_factory=list)
    writes: list[MTLBuffer] = field(default_factory=list)
    waits: list[MTLFence] = field(default_factory=list)
    updates: list[MTLFence] = field(default_factory=list)

    def let_go(self) -> None:
        """Keeps what it uses no longer."""
        for kept in (self.work, self.reads, self.writes):
            kept.clear()

    def comes_after(self, other: Encoding) -> bool:
        """Whether it needs what another one before it does."""
        if any(fence is updated for fence in self.waits for updated in other.updates):
            return True
        used, others = self.reads + self.writes, other.reads + other.writes
        return _share(self.writes, others) or _share(used, other.writes)


def _share(some: list[MTLBuffer], others: list[MTLBuffer]) -> bool:
    return any(buffer is other and buffer.is_tracked for buffer in some for other in others)


Step = Wait | Signal | Encoding


class Line:
    """The command buffers of a queue that are not done."""

    def __init__(self) -> None:
        self.buffers: list[MTLCommandBuffer] = []

    def next(self) -> tuple[MTLCommandBuffer, Step] | None:
        """What is done next, if anything can be."""
        found: tuple[MTLCommandBuffer, Step] | None = None
        before: list[Encoding] = []
        for buffer in self.buffers:
            if not buffer.steps:
                return buffer, Encoding()
            is_held = False
            for place, step in enumerate(buffer.steps):
                if isinstance(step, Encoding):
                    if not is_held and not any(step.comes_after(other) for other in before):
                        found = buffer, step
                    before.append(step)
                elif place == 0 and (isinstance(step, Signal) or step.event.value >= step.value):
                    found = buffer, step
                    is_held = isinstance(step, Wait)
                else:
                    is_held = is_held or isinstance(step, Wait)
        return found


_lines: list[Line] = []
_thread: threading.Thread | None = None


def give(line: Line, buffer: MTLCommandBuffer) -> None:
    """Has a command buffer done."""
    global _thread
    with changed:
        line.buffers.append(buffer)
        if not any(known is line for known in _lines):
            _lines.append(line)
        if _thread is None:
            _thread = threading.Thread(target=_run, name="Metal stand-in", daemon=True)
            _thread.start()
        changed.notify_all()


def _run() -> None:
    while True:
        with changed:
            while (found := _next()) is None:
                changed.wait()
            line, buffer, step = found
        code = _do(buffer, step)
        with changed:
            _finish(line, buffer, step, code)
            changed.notify_all()


def _next() -> tuple[Line, MTLCommandBuffer, Step] | None:
    for line in reversed(_lines):
        if (found := line.next()) is not None:
            return line, *found
    return None


def _do(buffer: MTLCommandBuffer, step: Step) -> int | None:
    """Does a step; the code of a failure, if it fails."""
    if not isinstance(step, Encoding):
        return None
    try:
        for work in [] if buffer.code else step.work:
            work()
    except DeviceFailure as failure:
        return failure.code
    except Exception:  # a fault of the stand-in's, which would end the thread
        traceback.print_exc()
        return INTERNAL
    return None


def _finish(line: Line, buffer: MTLCommandBuffer, step: Step, code: int | None) -> None:
    buffer.steps = [left for left in buffer.steps if left is not step]
    buffer.fail(code)
    if isinstance(step, Signal) and buffer.signals:
        step.event.raise_to(step.value)
    elif isinstance(step, Encoding):
        step.let_go()
    if not buffer.steps:
        buffer.end()
        line.buffers.remove(buffer)
        if not line.buffers:
            _lines.remove(line)
