"""Transfers: work on host memory, checked when made, carried out when run.

A transfer can be run part by part, in any order and on several threads at once: numpy releases the
GIL meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from cts.hal import DeviceObject, Event, HalError, StatusCode

from .._common.work import Counts, Dispatch, Region, WorkMaker
from .event import HostEvent
from .executable import HostExecutable
from .memory import Bytes, HostBuffer

PATTERN_TYPES = {1: np.uint8, 2: np.uint16, 4: np.uint32}


@dataclass(frozen=True)
class Transfer:
    """Work that was checked."""

    used: tuple[DeviceObject, ...]
    """What must stay alive until it has run."""
    length: int
    """Bytes that it writes."""
    run_part: Callable[[int, int], None]
    """Carries out bytes ``[start, end)`` of its range, both multiples of 4 or the range's end."""

    def run(self) -> None:
        """Carries out all of it."""
        self.run_part(0, self.length)


def whole(used: tuple[DeviceObject, ...], function: Callable[[], None]) -> Transfer:
    """Work that is done all at once, and moves no bytes."""
    return Transfer(used, 0, lambda start, end: function())


class TransferMaker(WorkMaker[Transfer]):
    """Makes transfers. Commands run one after the other, so that a barrier has nothing to do."""

    buffers = HostBuffer
    executables = HostExecutable
    events = HostEvent

    def _fill(self, target: Region, pattern: bytes) -> Transfer:
        word = np.frombuffer(pattern, PATTERN_TYPES[len(pattern)])

        def run_part(begin: int, end: int) -> None:
            _bytes(target, begin, end).view(word.dtype)[:] = word

        return Transfer((target.buffer,), target.length, run_part)

    def _update(self, data: bytes, target: Region) -> Transfer:
        captured = np.frombuffer(data, np.uint8)

        def run_part(begin: int, end: int) -> None:
            _bytes(target, begin, end)[:] = captured[begin:end]

        return Transfer((target.buffer,), target.length, run_part)

    def _copy(self, source: Region, target: Region) -> Transfer:
        def run_part(begin: int, end: int) -> None:
            _bytes(target, begin, end)[:] = _bytes(source, begin, end)

        return Transfer((source.buffer, target.buffer), target.length, run_part)

    def _dispatch(self, dispatch: Dispatch) -> Transfer:
        return whole(dispatch.used, lambda: _run(dispatch))

    def barrier(self, operation: str) -> Transfer:
        return whole((), lambda: None)

    def _put_event(self, event: Event, is_signalled: bool) -> Transfer:
        assert isinstance(event, HostEvent)
        return whole((event,), lambda: event.put(is_signalled))

    def _wait_events(self, operation: str, events: Sequence[Event]) -> Transfer:
        def check() -> None:
            for event in events:
                assert isinstance(event, HostEvent)
                event.check_signalled(operation)

        return whole(tuple(events), check)


def _bytes(region: Region, begin: int = 0, end: int | None = None) -> Bytes:
    """Bytes ``[begin, end)`` of a region, to its end by default."""
    buffer, start, length = region
    assert isinstance(buffer, HostBuffer)
    return buffer.contents[start + begin : start + (length if end is None else end)]


def _run(dispatch: Dispatch) -> None:
    """Runs an entry point over what its buffers hold now."""
    counts = dispatch.counts
    if isinstance(counts, Region):
        counts = _counts_in(counts)
    if not all(counts):
        return
    memory = [_bytes(region) for region in dispatch.bindings]
    code, place = dispatch.executable, dispatch.place
    assert isinstance(code, HostExecutable)
    try:
        code.functions[place](counts, np.frombuffer(dispatch.constants, np.uint32), *memory)
    except Exception as error:  # whatever the code does
        name = code.entry_points[place].name
        raise HalError(
            StatusCode.INTERNAL, dispatch.operation, f"the entry point {name!r} failed: {error!r}"
        ) from error


def _counts_in(region: Region) -> Counts:
    x, y, z = _bytes(region).view(np.uint32).tolist()
    return x, y, z
