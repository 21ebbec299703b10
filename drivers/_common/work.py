"""Work: what a queue operation or a recorded command does, made of checked arguments.

A queue carries work out once its waits are reached; a command buffer keeps it, and every execution
carries it out again. `queue_fill` and `CommandBuffer.fill` are so one and the same thing.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar, Generic, NamedTuple, Protocol, TypeAlias, TypeVar

from cts.hal import (
    Buffer,
    BufferRange,
    BufferUsage,
    DeviceObject,
    Event,
    Executable,
    IndirectWorkgroups,
    Workgroups,
)

from .arguments import as_bytes, as_int, as_object, as_objects, check_range, refusal
from .executable import CheckedExecutable
from .memory import CheckedBuffer

Memory: TypeAlias = Buffer | BufferRange
"""What a transfer reads or writes: a buffer, or a range as if there were nothing beside it."""
Counts: TypeAlias = tuple[int, int, int]

PATTERN_WIDTHS = (1, 2, 4)
WORD = 4
MOST_WORKGROUPS = 2**32 - 1
"""Along an axis."""

E = TypeVar("E", bound=Event)


class Region(NamedTuple):
    """Bytes of a living buffer that may be used so."""

    buffer: CheckedBuffer
    start: int
    length: int


class Dispatch(NamedTuple):
    """A checked dispatch."""

    operation: str
    executable: CheckedExecutable
    place: int
    """Of its entry point."""
    counts: Counts | Region
    """Workgroups; or where their counts are read, 12 bytes."""
    constants: bytes
    bindings: Sequence[Region]

    @property
    def used(self) -> tuple[DeviceObject, ...]:
        """What it needs."""
        counted_in = (self.counts.buffer,) if isinstance(self.counts, Region) else ()
        return self.executable, *(region.buffer for region in self.bindings), *counted_in


class Work(Protocol):
    """Work that was checked."""

    @property
    def used(self) -> Sequence[DeviceObject]:
        """What must stay alive until it has been done."""


W_co = TypeVar("W_co", bound=Work, covariant=True)


class WorkMaker(ABC, Generic[W_co]):
    """Checks arguments, and makes a driver's work of them.

    Parameters
    ----------
    domain : whose objects can be used (`QueueDevice.domain`).
    """

    buffers: ClassVar[type[CheckedBuffer]]
    executables: ClassVar[type[CheckedExecutable]]
    events: ClassVar[type[Event]]

    def __init__(self, domain: str) -> None:
        self._domain = domain

    # -- what a driver does -----------------------------------------------------------

    @abstractmethod
    def _fill(self, target: Region, pattern: bytes) -> W_co:
        """Repeats a pattern over a region of whole patterns."""

    @abstractmethod
    def _update(self, data: bytes, target: Region) -> W_co:
        """Writes as many bytes as the region has."""

    @abstractmethod
    def _copy(self, source: Region, target: Region) -> W_co:
        """Copies between regions of one length that do not overlap."""

    @abstractmethod
    def _dispatch(self, dispatch: Dispatch) -> W_co:
        """Runs an entry point."""

    @abstractmethod
    def barrier(self, operation: str) -> W_co:
        """Orders the work before it before the work after it, in a command buffer."""

    @abstractmethod
    def _put_event(self, event: Event, is_signalled: bool) -> W_co:
        """Signals an event, or takes the signal back."""

    @abstractmethod
    def _wait_events(self, operation: str, events: Sequence[Event]) -> W_co:
        """Goes on where all of the events are signalled."""

    # -- checks -----------------------------------------------------------------------

    def fill(
        self, operation: str, target: Memory, offset: int, length: int, pattern: bytes
    ) -> W_co:
        """Repeats `pattern` over ``[offset, offset + length)``, both multiples of its width."""
        pattern = as_bytes(operation, "pattern", pattern)
        width = len(pattern)
        if width not in PATTERN_WIDTHS:
            raise refusal(operation, f"pattern has {width} bytes: it has 1, 2 or 4")
        offset, length = as_int(operation, "offset", offset), as_int(operation, "length", length)
        region = self._part(operation, "target", target, offset, length)
        if offset % width or length % width:
            raise refusal(
                operation,
                f"offset {offset} and length {length} are not multiples of the pattern's"
                f" {width} bytes",
            )
        return self._fill(region, pattern)

    def update(self, operation: str, data: bytes, target: Memory, offset: int) -> W_co:
        """Writes a copy of `data`, made now, at `offset`."""
        captured = as_bytes(operation, "data", data)
        region = self._part(operation, "target", target, offset, len(captured))
        return self._update(captured, region)

    def copy(
        self,
        operation: str,
        source: Memory,
        source_offset: int,
        target: Memory,
        target_offset: int,
        length: int,
    ) -> W_co:
        """Copies `length` bytes; ranges of one buffer must not overlap."""
        origin = self._part(operation, "source", source, source_offset, length)
        to = self._part(operation, "target", target, target_offset, length)
        first, last = sorted((origin.start, to.start))
        if origin.buffer is to.buffer and last < first + origin.length:
            ranges = " and ".join(f"[{r.start}, {r.start + r.length})" for r in (origin, to))
            raise refusal(operation, f"the ranges {ranges} of a buffer overlap")
        return self._copy(origin, to)

    def dispatch(
        self,
        operation: str,
        executable: Executable,
        entry_point: int,
        workgroups: Workgroups,
        bindings: Sequence[BufferRange],
        constants: bytes,
    ) -> W_co:
        """Runs an entry point; counts of workgroups in a buffer are read when it runs."""
        code = as_object(operation, "executable", executable, self.executables, self._domain)
        place = as_int(operation, "entry_point", entry_point)
        wanted = code.entry_point(operation, place)
        words = as_bytes(operation, "constants", constants)
        if len(words) != WORD * wanted.constants:
            raise refusal(
                operation,
                f"constants has {len(words)} bytes: the entry point takes"
                f" {WORD * wanted.constants}",
            )
        regions = self._bindings(operation, bindings, wanted.bindings)
        counts = self._counts(operation, workgroups)
        return self._dispatch(Dispatch(operation, code, place, counts, words, regions))

    def signal_event(self, operation: str, event: Event) -> W_co:
        """Signals an event."""
        return self._put_event(
            as_object(operation, "event", event, self.events, self._domain), is_signalled=True
        )

    def reset_event(self, operation: str, event: Event) -> W_co:
        """Takes the signal of an event back."""
        return self._put_event(
            as_object(operation, "event", event, self.events, self._domain), is_signalled=False
        )

    def wait_events(self, operation: str, events: Sequence[Event]) -> W_co:
        """Goes on where all of the events are signalled."""
        known = as_objects(operation, "events", events, self.events, self._domain)
        return self._wait_events(operation, known)

    def _part(self, operation: str, name: str, memory: Memory, offset: int, length: int) -> Region:
        """A part of memory that may be used in transfers."""
        buffer, base, size = self._region(operation, name, memory, BufferUsage.TRANSFER)
        offset, length = check_range(operation, name, offset, length, size)
        return Region(buffer, base + offset, length)

    def _region(self, operation: str, name: str, memory: Memory, needed: BufferUsage) -> Region:
        """All of some memory, in a living buffer that may be used so."""
        given = memory if isinstance(memory, BufferRange) else BufferRange(memory)
        buffer = as_object(operation, name, given.buffer, self.buffers, self._domain)
        buffer.check_usage(operation, needed)
        start = as_int(operation, f"{name} offset", given.offset)
        length = buffer.byte_length - start if given.length is None else given.length
        return Region(buffer, *check_range(operation, name, start, length, buffer.byte_length))

    def _bindings(
        self, operation: str, bindings: Sequence[BufferRange], count: int
    ) -> list[Region]:
        try:
            given = list(bindings)
        except TypeError:
            raise refusal(operation, f"bindings is {bindings!r}: it is a list of ranges") from None
        if len(given) != count:
            raise refusal(
                operation, f"there are {len(given)} bindings: the entry point takes {count}"
            )
        return [
            self._region(operation, f"binding {n}", memory, BufferUsage.DISPATCH_STORAGE)
            for n, memory in enumerate(given)
        ]

    def _counts(self, operation: str, workgroups: Workgroups) -> Counts | Region:
        if not isinstance(workgroups, IndirectWorkgroups):
            return _direct(operation, workgroups)
        usage = BufferUsage.DISPATCH_INDIRECT_PARAMETERS
        place = BufferRange(workgroups.buffer)
        buffer, base, size = self._region(operation, "workgroups", place, usage)
        offset, length = check_range(operation, "workgroups", workgroups.offset, 3 * WORD, size)
        if offset % WORD:
            raise refusal(
                operation, f"the offset of the workgroup counts is {offset}: words are of 4"
            )
        return Region(buffer, base + offset, length)


def _direct(operation: str, workgroups: tuple[int, int, int]) -> Counts:
    try:
        x, y, z = (as_int(operation, "workgroups", count) for count in workgroups)
    except (TypeError, ValueError):
        raise refusal(operation, f"workgroups is {workgroups!r}: it has three counts") from None
    if not all(0 <= count <= MOST_WORKGROUPS for count in (x, y, z)):
        raise refusal(operation, f"workgroups is {workgroups!r}: each is 0 to {MOST_WORKGROUPS}")
    return x, y, z
