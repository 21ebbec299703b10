"""Queues that fill, update and copy the wrong bytes, or take what they should refuse."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from cts.hal import HalError, StatusCode

from .changes import change, command_buffer_class, device_class, maker_class, swallow
from .registry import mutant

LARGE = 100
"""Bytes from which on a transfer is wrong."""
VERY_LARGE = 256 << 10
FOUR_GIB = 1 << 32


def change_copies(ranges: Callable[[int, int, int], tuple[int, int, int]]) -> None:
    """Copies move another range: `ranges` gets source offset, target offset and length.

    A range that is refused as it is stays as it is.
    """

    def copy(good: Any, self: Any, s: Any, so: int, t: Any, to: int, n: int, **lists: Any) -> Any:
        sizes = getattr(s, "byte_length", 0), getattr(t, "byte_length", 0)
        inside = n > 0 and 0 <= so <= sizes[0] - n and 0 <= to <= sizes[1] - n
        if inside and not (s is t and abs(so - to) < n):
            so, to, n = ranges(so, to, n)
        return good(self, s, so, t, to, n, **lists)

    change(device_class(), "queue_copy", copy)


# -- fills ------------------------------------------------------------------------------------


def change_fills(changed: Callable[[int, int, bytes], tuple[int, int, bytes]]) -> None:
    """Fills write something else: `changed` gets offset, length and pattern."""

    def fill(good: Any, self: Any, target: Any, at: int, n: int, p: bytes, **lists: Any) -> Any:
        return good(self, target, *changed(at, n, p), **lists)

    change(device_class(), "queue_fill", fill)


@mutant("QUE-1")
def fill_leaves_out_the_last_bytes() -> None:
    """The last bytes of a large fill are left out."""
    change_fills(lambda at, n, p: (at, n - len(p) if n >= LARGE else n, p))


@mutant("QUE-1")
def fill_with_swapped_bytes() -> None:
    """A pattern's bytes are written in reverse, in a large fill."""
    change_fills(lambda at, n, p: (at, n, bytes(p)[::-1] if n >= LARGE else p))


@mutant("QUE-1")
def fill_with_the_first_byte() -> None:
    """A pattern of 2 bytes is taken for its first one in a large fill."""

    def first_byte(at: int, n: int, p: bytes) -> tuple[int, int, bytes]:
        return at, n, bytes(p)[:1] * 2 if len(p) == 2 and n >= LARGE else p

    change_fills(first_byte)


@mutant("QUE-1")
def fill_of_any_width() -> None:
    """A pattern of 3 or 8 bytes is taken."""
    change_fills(lambda at, n, p: (at, n, p if len(p) in (0, 1, 2, 4) else bytes(p)[:1]))


@mutant("QUE-1")
def fill_aligned_down() -> None:
    """A fill whose offset or length is no multiple of its width is moved to one that is."""

    def aligned(at: int, n: int, p: bytes) -> tuple[int, int, bytes]:
        width = len(p) or 1
        return at - at % width, n - n % width, p

    change_fills(aligned)


@mutant("QUE-1")
def fill_goes_on_to_the_next_word() -> None:
    """A fill of single bytes goes on to the next multiple of four."""

    def fill(good: Any, self: Any, target: Any, at: int, n: int, p: bytes, **lists: Any) -> Any:
        end = at + n
        rest = min(-end % 4, target.byte_length - end) if len(p) == 1 and n > 0 <= at else 0
        return good(self, target, at, n + max(rest, 0), p, **lists)

    change(device_class(), "queue_fill", fill)


@mutant("QUE-1")
def recorded_fill_at_the_start() -> None:
    """A large fill in a command buffer begins at the start of its target."""

    def fill(good: Any, self: Any, target: Any, at: int, n: int, pattern: bytes) -> None:
        inside = n >= LARGE and 0 < at <= target.byte_length - n and not at % (len(pattern) or 1)
        good(self, target, 0 if inside else at, n, pattern)

    change(command_buffer_class(), "fill", fill)


# -- updates ----------------------------------------------------------------------------------


@mutant("QUE-2")
def update_leaves_out_the_last_byte() -> None:
    """The last byte of a large update is left out."""
    change(
        device_class(),
        "queue_update",
        lambda good, self, data, target, offset, **lists: good(
            self, data[:-1] if len(data) >= LARGE else data, target, offset, **lists
        ),
    )


@mutant("QUE-2")
def update_aligned_down() -> None:
    """An update begins at the multiple of four before its offset."""
    change(
        device_class(),
        "queue_update",
        lambda good, self, data, target, offset, **lists: good(
            self, data, target, offset & ~3 if 0 < offset < target.byte_length else offset, **lists
        ),
    )


def read_updates_late(driver: str) -> None:
    """Updates read their source when they are carried out."""

    def late(good: Any, self: Any, *arguments: Any) -> Any:
        def run_part(start: int, end: int) -> None:
            good(self, *arguments).run_part(start, end)

        return dataclasses.replace(good(self, *arguments), run_part=run_part)

    change(maker_class(driver), "update", late)


@mutant("QUE-2", driver="local-task")
def update_reads_its_source_late() -> None:
    """An update reads its source when it is carried out, not at the call."""
    read_updates_late("local-task")


@mutant("QUE-2")
def recorded_update_reads_its_source_late() -> None:
    """An update in a command buffer reads its source when it is executed."""
    read_updates_late("local-sync")


@mutant("QUE-2")
def recorded_update_of_at_most_4_kib() -> None:
    """An update in a command buffer has up to 4,096 bytes."""

    def update(good: Any, self: Any, data: bytes, target: Any, offset: int) -> None:
        good(self, bytes(data)[:4096], target, offset)

    change(command_buffer_class(), "update", update)


# -- copies -----------------------------------------------------------------------------------


@mutant("QUE-3")
def copy_leaves_out_the_last_byte() -> None:
    """The last byte of a large copy is left out."""
    change_copies(lambda so, to, n: (so, to, n - (n >= LARGE)))


@mutant("QUE-3")
def copy_leaves_out_the_first_byte() -> None:
    """The first byte of a large copy is left out."""

    def rest(so: int, to: int, n: int) -> tuple[int, int, int]:
        return (so + 1, to + 1, n - 1) if n >= LARGE else (so, to, n)

    change_copies(rest)


@mutant("QUE-3")
def copy_in_whole_words() -> None:
    """A copy of a size that is no multiple of four leaves out the rest."""
    change_copies(lambda so, to, n: (so, to, n - n % 4))


@mutant("QUE-3")
def copy_from_an_aligned_offset() -> None:
    """A copy starts at the multiple of four before its source's offset."""
    change_copies(lambda so, to, n: (so & ~3, to, n))


@mutant("QUE-3")
def copy_wrong_above_256_kib() -> None:
    """The last byte of a copy above 256 KiB is left out."""
    change_copies(lambda so, to, n: (so, to, n - (n > VERY_LARGE)))


@mutant("QUE-3")
def copy_offset_in_32_bits() -> None:
    """A copy's offset past 4 GiB wraps around."""
    change_copies(lambda so, to, n: (so % FOUR_GIB, to % FOUR_GIB, n))


@mutant("QUE-3")
def copy_offsets_swapped_within_a_buffer() -> None:
    """A copy within a buffer has its offsets swapped."""

    def copy(good: Any, self: Any, s: Any, so: int, t: Any, to: int, n: int, **lists: Any) -> Any:
        if s is t:
            so, to = to, so
        return good(self, s, so, t, to, n, **lists)

    change(device_class(), "queue_copy", copy)


@mutant("QUE-3")
def overlap_taken() -> None:
    """A copy between overlapping ranges is carried out."""

    def copy(good: Any, self: Any, s: Any, so: int, t: Any, to: int, n: int, **lists: Any) -> Any:
        if s is t and 0 < abs(so - to) < n:
            self.queue_barrier(**lists)
        else:
            good(self, s, so, t, to, n, **lists)

    change(device_class(), "queue_copy", copy)


@mutant("QUE-3")
def touching_ranges_refused() -> None:
    """A copy to a range that touches its source is refused."""

    def copy(good: Any, self: Any, s: Any, so: int, t: Any, to: int, n: int, **lists: Any) -> Any:
        if s is t and abs(so - to) == n > 0:
            raise HalError(StatusCode.INVALID_ARGUMENT, "Device.queue_copy", "they touch")
        good(self, s, so, t, to, n, **lists)

    change(device_class(), "queue_copy", copy)


# -- ranges -----------------------------------------------------------------------------------


@mutant("QUE-6")
def range_past_the_end_passed_over() -> None:
    """A range past the end is passed over."""
    for name in ("queue_fill", "queue_update", "queue_copy"):
        swallow(device_class(), name, StatusCode.OUT_OF_RANGE)


@mutant("QUE-6")
def source_range_not_checked() -> None:
    """A copy past its source's end copies what is there."""

    def copy(good: Any, self: Any, s: Any, so: int, t: Any, to: int, n: int, **lists: Any) -> Any:
        if 0 <= so <= s.byte_length < so + n and n > 0:
            n = s.byte_length - so
        return good(self, s, so, t, to, n, **lists)

    change(device_class(), "queue_copy", copy)


@mutant("QUE-6")
def fill_range_that_wraps_taken() -> None:
    """A fill whose end wraps around 2**64 is taken."""

    def fill(good: Any, self: Any, target: Any, at: int, n: int, p: bytes, **lists: Any) -> Any:
        if at + n >= 1 << 64 and 0 <= at < 1 << 64 and (at + n) % (1 << 64) <= target.byte_length:
            return self.queue_barrier(**lists)
        return good(self, target, at, n, p, **lists)

    change(device_class(), "queue_fill", fill)


@mutant("QUE-6")
def fill_past_the_end_fills_what_fits() -> None:
    """A fill past the end is refused, after what fits was filled."""

    def fill(good: Any, self: Any, target: Any, at: int, n: int, p: bytes, **lists: Any) -> Any:
        if 0 <= at < target.byte_length < at + n:
            good(self, target, at, target.byte_length - at, p)
        return good(self, target, at, n, p, **lists)

    change(device_class(), "queue_fill", fill)


@mutant("QUE-6")
def recorded_range_refused_at_execution() -> None:
    """A range past the end in a command buffer is refused when it is executed."""
    commands = command_buffer_class()

    def fill(good: Any, self: Any, target: Any, at: int, n: int, pattern: bytes) -> None:
        try:
            good(self, target, at, n, pattern)
        except HalError as error:
            if error.code is not StatusCode.OUT_OF_RANGE:
                raise
            self._late = error

    def recorded(good: Any, self: Any, *asked: Any) -> Any:
        found = good(self, *asked)
        if "_late" in vars(self):
            raise self._late
        return found

    change(commands, "fill", fill)
    change(commands, "recorded", recorded)


@mutant("QUE-9")
def empty_copy_at_the_end_refused() -> None:
    """An empty copy at the end of its target is refused."""

    def copy(good: Any, self: Any, s: Any, so: int, t: Any, to: int, n: int, **lists: Any) -> Any:
        if to == t.byte_length:
            raise HalError(StatusCode.OUT_OF_RANGE, "Device.queue_copy", "it is at the end")
        return good(self, s, so, t, to, n, **lists)

    change(device_class(), "queue_copy", copy)


@mutant("QUE-9")
def empty_update_not_signalled() -> None:
    """An update of no bytes signals nothing."""

    def update(good: Any, self: Any, data: bytes, *args: Any, **lists: Any) -> None:
        if len(data):
            good(self, data, *args, **lists)

    change(device_class(), "queue_update", update)


@mutant("QUE-9")
def length_of_0_is_all_that_there_is() -> None:
    """A fill of no bytes fills all that there is."""

    def fill(good: Any, self: Any, target: Any, at: int, n: int, p: bytes, **lists: Any) -> Any:
        if n == 0 and 0 <= at <= target.byte_length:
            n = (target.byte_length - at) // (len(p) or 1) * (len(p) or 1)
        return good(self, target, at, n, p, **lists)

    change(device_class(), "queue_fill", fill)
