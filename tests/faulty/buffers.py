"""Buffers with a bug: what they hold, their ranges and their mappings."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from cts.hal import Buffer, StatusCode

from .changes import after_init, allocator_class, buffer_class, change, swallow
from .registry import mutant

LARGE = 5000
"""Bytes from which on a write is wrong."""
WITHIN = 64
"""Bytes from the start up to which reads and writes are right."""
WRAP = 1 << 64
FOUR_GIB = 1 << 32


# -- what a buffer holds ----------------------------------------------------------------------


@mutant("MEM-1")
def length_rounded_up() -> None:
    """A buffer's length is rounded up."""
    change(Buffer, "byte_length", lambda good, self: -(-good(self) // 64) * 64)


@mutant("MEM-1")
def no_buffer_is_empty() -> None:
    """A buffer of no bytes has one."""
    change(
        allocator_class(), "allocate", lambda good, self, size, **kw: good(self, size or 1, **kw)
    )


@mutant("MEM-2")
def write_loses_its_last_byte() -> None:
    """The last byte of a large write is lost."""
    change(
        buffer_class(),
        "write",
        lambda good, self, offset, data: good(
            self, offset, data[:-1] if len(data) >= LARGE else data
        ),
    )


@mutant("MEM-2")
def write_off_by_one_at_the_start() -> None:
    """The first byte of a write further inside is lost."""

    def write(good: Any, self: Any, offset: int, data: bytes) -> None:
        lost = 1 if offset > WITHIN and data else 0
        good(self, offset + lost, bytes(data)[lost:])

    change(buffer_class(), "write", write)


@mutant("MEM-2")
def write_in_whole_words() -> None:
    """A write clears the bytes beside it up to the next multiple of four."""

    def write(good: Any, self: Any, offset: int, data: bytes) -> None:
        end = offset + len(data)
        good(self, offset, data)
        if data and end < self.byte_length:
            good(self, end, bytes(min(-end % 4, self.byte_length - end)))

    change(buffer_class(), "write", write)


@mutant("MEM-2")
def read_at_whole_words() -> None:
    """A read further inside starts at the multiple of four before its offset."""

    def read(good: Any, self: Any, offset: int = 0, length: int | None = None) -> Any:
        found = good(self, offset, length)
        start = offset & ~3
        return good(self, start, len(found)) if WITHIN < start < offset else found

    change(buffer_class(), "read", read)


@mutant("MEM-2")
def buffers_share_memory() -> None:
    """The second half of a buffer is also the next one's."""
    last: dict[int, Any] = {}

    def share(buffer: Any) -> None:
        contents = last.get(buffer.byte_length)
        last[buffer.byte_length] = None if contents is not None else buffer.contents
        if contents is not None:
            buffer._contents = contents

    after_init(buffer_class(), share)


@mutant("MEM-2")
def offsets_in_32_bits() -> None:
    """An offset of the host past 4 GiB wraps around."""

    def write(good: Any, self: Any, offset: int, data: bytes) -> None:
        inside = 0 <= offset <= self.byte_length - len(data)
        good(self, offset % FOUR_GIB if inside else offset, data)

    change(buffer_class(), "write", write)


# -- ranges -----------------------------------------------------------------------------------


@mutant("MEM-3")
def read_past_the_end_gives_nothing() -> None:
    """A read past the end gives nothing."""
    swallow(buffer_class(), "read", StatusCode.OUT_OF_RANGE, b"")


@mutant("MEM-3")
def range_checked_with_a_sum_that_wraps() -> None:
    """A read whose end wraps around 2**64 is taken for one at the start."""

    def read(good: Any, self: Any, offset: int = 0, length: int | None = None) -> Any:
        if length is not None and offset + length >= WRAP:
            return good(self, 0, (offset + length) % WRAP)
        return good(self, offset, length)

    change(buffer_class(), "read", read)


@mutant("MEM-3")
def write_past_the_end_writes_what_fits() -> None:
    """A write past the end is refused, after what fits was written."""

    def write(good: Any, self: Any, offset: int, data: bytes) -> None:
        room = self.byte_length - offset
        if offset >= 0 and 0 < room < len(data):
            good(self, offset, bytes(data)[:room])
        good(self, offset, data)

    change(buffer_class(), "write", write)


@mutant("MEM-3")
def negative_offset_from_the_end() -> None:
    """A negative offset counts from the end, as Python has it."""

    def read(good: Any, self: Any, offset: int = 0, length: int | None = None) -> Any:
        if -self.byte_length <= offset < 0:
            offset += self.byte_length
        return good(self, offset, length)

    change(buffer_class(), "read", read)


@mutant("MEM-3")
def mapping_past_the_end_cut_off() -> None:
    """A mapping past the end is cut off there."""

    def cut(good: Any, self: Any, offset: int = 0, length: int | None = None) -> Any:
        if length is not None and 0 <= offset <= self.byte_length < offset + length:
            length = self.byte_length - offset
        return good(self, offset, length)

    change(buffer_class(), "map", cut)


# -- mappings ---------------------------------------------------------------------------------


@mutant("MEM-5")
def mapping_puts_its_neighbours_back() -> None:
    """A mapping puts the bytes beside it back as well."""

    @contextmanager
    def map_all(
        good: Any, self: Any, offset: int = 0, length: int | None = None
    ) -> Iterator[memoryview]:
        before = self.read()
        with good(self, offset, length) as view:
            yield view
            written = bytes(view)
        end = offset + len(written)
        self.write(0, before[:offset] + written + before[end:])

    change(buffer_class(), "map", map_all)


@mutant("MEM-5")
def mapping_is_never_written_back() -> None:
    """A mapping is a copy, and what is written into it is lost."""

    @contextmanager
    def copied(
        good: Any, self: Any, offset: int = 0, length: int | None = None
    ) -> Iterator[memoryview]:
        with good(self, offset, length) as view:
            yield memoryview(bytearray(view))

    change(buffer_class(), "map", copied)


@mutant("MEM-5")
def mapping_of_new_memory() -> None:
    """A mapping shows zeros, and is written back at its end."""

    @contextmanager
    def zeroed(
        good: Any, self: Any, offset: int = 0, length: int | None = None
    ) -> Iterator[memoryview]:
        with good(self, offset, length) as view:
            fresh = memoryview(bytearray(len(view)))
            yield fresh
            view[:] = fresh

    change(buffer_class(), "map", zeroed)


@mutant("MEM-5")
def mapping_at_the_start() -> None:
    """A mapping begins at the start, whatever its offset."""

    def at_start(good: Any, self: Any, offset: int = 0, length: int | None = None) -> Any:
        if length is not None and offset > 0 and offset + length <= self.byte_length:
            offset = 0
        return good(self, offset, length)

    change(buffer_class(), "map", at_start)
