"""Drivers that prepare or dispatch device code wrongly."""

from __future__ import annotations

from typing import Any

import numpy as np

from cts.hal import (
    BufferRange,
    BufferUsage,
    HalError,
    IndirectWorkgroups,
    StatusCode,
)

from .changes import (
    after_init,
    change,
    command_buffer_class,
    declare,
    device_class,
    driver_class,
    executable_class,
    maker_class,
    overlook_usage,
)
from .registry import mutant

ALIGNMENT = 64
"""Bytes: what a driver declares of its bindings."""


def change_dispatches(changed: Any) -> None:
    """Has `changed(executable, entry_point, workgroups, bindings, constants)` say what is submitted
    and recorded."""

    def dispatch(good: Any, self: Any, *arguments: Any, **lists: Any) -> None:
        given = [*arguments, *((), b"")[len(arguments) - 3 :]]
        good(self, *changed(*given), **lists)

    change(device_class(), "queue_dispatch", dispatch)
    change(command_buffer_class(), "dispatch", dispatch)


def change_kernels(changed: Any) -> None:
    """Has `changed(function)` run instead of each kernel."""

    def replace(made: Any) -> None:
        made.functions = [changed(kernel) for kernel in made.functions]

    after_init(executable_class(), replace)


def refuse_bindings(alignment: int, code: StatusCode) -> None:
    """A binding that starts beside a multiple of `alignment` is refused with that code."""

    def bindings(good: Any, self: Any, operation: str, *asked: Any) -> Any:
        regions = good(self, operation, *asked)
        if any(region.start % alignment for region in regions):
            raise HalError(code, operation, f"a binding starts at a multiple of {alignment}")
        return regions

    change(maker_class(), "_bindings", bindings)


# -- executables ------------------------------------------------------------------------------


@mutant("EXE-1")
def any_format_is_taken() -> None:
    """Bytes are taken for code whatever format they are said to be of."""
    with driver_class()() as driver:
        (format,) = driver.properties.executable_formats
    change(
        device_class(), "create_executable", lambda good, self, _, data: good(self, format, data)
    )


@mutant("EXE-1")
def cut_off_code_is_taken() -> None:
    """Code that is cut off is taken for the code that was prepared before."""
    last: list[Any] = []

    def create(good: Any, self: Any, format: str, data: bytes) -> Any:
        try:
            made = good(self, format, data)
        except HalError as error:
            if not last or error.code is StatusCode.NOT_FOUND:
                raise
            return good(self, *last)
        last[:] = format, data
        return made

    change(device_class(), "create_executable", create)


@mutant("EXE-1")
def damaged_code_fails_as_internal() -> None:
    """Damaged code is INTERNAL."""

    def create(good: Any, self: Any, format: str, data: bytes) -> Any:
        try:
            return good(self, format, data)
        except HalError as error:
            if error.code is StatusCode.NOT_FOUND:
                raise
            raise HalError(StatusCode.INTERNAL, error.operation, error.detail) from error

    change(device_class(), "create_executable", create)


@mutant("EXE-2")
def bindings_are_miscounted() -> None:
    """An entry point tells one binding too many."""
    change(
        executable_class(),
        "entry_points",
        lambda good, self: tuple(e._replace(bindings=e.bindings + 1) for e in good(self)),
    )


@mutant("EXE-2")
def lookup_finds_the_first() -> None:
    """Any name is that of the first entry point that begins so."""

    def lookup(good: Any, self: Any, name: str) -> int:
        names = [entry_point.name for entry_point in self.entry_points]
        return next((n for n, known in enumerate(names) if known.startswith(name)), 0)

    change(executable_class(), "lookup", lookup)


# -- dispatch ---------------------------------------------------------------------------------


@mutant("EXE-3")
def bindings_reversed() -> None:
    """The bindings arrive in reverse."""
    change_kernels(lambda kernel: lambda grid, words, *bound: kernel(grid, words, *bound[::-1]))


@mutant("EXE-3")
def constants_reversed() -> None:
    """The constants arrive in reverse."""
    change_kernels(
        lambda kernel: lambda grid, words, *bound: kernel(grid, words[::-1].copy(), *bound)
    )


@mutant("EXE-3")
def binding_offsets_are_dropped() -> None:
    """Every binding starts at its buffer's beginning."""

    def from_the_start(*given: Any) -> Any:
        code, place, grid, bindings, words = given
        return code, place, grid, [b._replace(offset=b.offset and 0) for b in bindings], words

    change_dispatches(from_the_start)


@mutant("EXE-3")
def aligned_bindings_are_refused() -> None:
    """A driver that declares an alignment of bindings takes every other multiple of it."""
    declare(binding_alignment=ALIGNMENT)
    refuse_bindings(2 * ALIGNMENT, StatusCode.INVALID_ARGUMENT)


@mutant("EXE-4")
def last_workgroup_is_lost() -> None:
    """Of a line of workgroups the last one does not run."""

    def shorter(kernel: Any) -> Any:
        def run(grid: Any, words: Any, *bound: Any) -> None:
            x, y, z = grid
            kernel((x - 1, y, z) if x > 1 else grid, words, *bound)

        return run

    change_kernels(shorter)


@mutant("EXE-4")
def workgroups_run_twice() -> None:
    """A dispatch runs twice."""

    def twice(kernel: Any) -> Any:
        def run(*given: Any) -> None:
            kernel(*given)
            kernel(*given)

        return run

    change_kernels(twice)


@mutant("EXE-4")
def axes_are_swapped() -> None:
    """The x and z of a grid are swapped."""
    change_kernels(lambda kernel: lambda grid, words, *bound: kernel(grid[::-1], words, *bound))


@mutant("EXE-4")
def no_workgroups_are_one() -> None:
    """A grid of nothing is taken for one workgroup."""

    def at_least_one(*given: Any) -> Any:
        code, place, grid, bindings, words = given
        if not isinstance(grid, IndirectWorkgroups):
            grid = (
                tuple(max(count, 1) if count < 4096 else 1 for count in grid) if 0 in grid else grid
            )
        return code, place, grid, bindings, words

    change_dispatches(at_least_one)


def _counts_of(workgroups: IndirectWorkgroups) -> tuple[int, int, int]:
    data = workgroups.buffer.read(workgroups.offset, 12)  # type: ignore[union-attr]
    x, y, z = np.frombuffer(data, np.uint32).tolist()
    return x, y, z


@mutant("EXE-5", driver="local-task")
def indirect_counts_read_at_the_call() -> None:
    """Indirect counts are read when the dispatch is submitted."""

    def dispatch(
        good: Any, self: Any, code: Any, place: int, grid: Any, *rest: Any, **lists: Any
    ) -> None:
        if isinstance(grid, IndirectWorkgroups):
            grid = _counts_of(grid)
        good(self, code, place, grid, *rest, **lists)

    change(device_class("local-task"), "queue_dispatch", dispatch)


@mutant("EXE-5")
def indirect_counts_read_at_the_start() -> None:
    """Indirect counts are read at their buffer's beginning."""

    def at_the_start(*given: Any) -> Any:
        code, place, grid, *rest = given
        if isinstance(grid, IndirectWorkgroups) and 0 < grid.offset < 4096:
            grid = grid._replace(offset=0)
        return code, place, grid, *rest

    change_dispatches(at_the_start)


@mutant("EXE-6")
def entry_point_wraps_around() -> None:
    """An entry point past the last is the first one again."""

    def wrapped(*given: Any) -> Any:
        code, place, *rest = given
        return code, place % len(code.entry_points) if code else place, *rest

    change_dispatches(wrapped)


@mutant("EXE-6")
def missing_constants_are_zero() -> None:
    """Constants that are missing are 0, and those too many are dropped."""

    def filled_up(*given: Any) -> Any:
        code, place, grid, bindings, words = given
        size = 4 * code.entry_points[place].constants if 0 <= place < len(code.entry_points) else 0
        return code, place, grid, bindings, bytes(words)[:size].ljust(size, b"\0")

    change_dispatches(filled_up)


@mutant("EXE-6")
def binding_ranges_are_clipped() -> None:
    """A range that leaves its buffer ends where the buffer does."""

    def clipped(*given: Any) -> Any:
        code, place, grid, bindings, words = given
        ranges = []
        for b in bindings:
            if isinstance(b.buffer.byte_length, int) and b.length is not None:
                start = min(max(b.offset, 0), b.buffer.byte_length)
                b = BufferRange(b.buffer, start, min(b.length, b.buffer.byte_length - start))
            ranges.append(b)
        return code, place, grid, ranges, words

    def dispatch(good: Any, self: Any, *arguments: Any, **lists: Any) -> None:
        given = [*arguments, *((), b"")[len(arguments) - 3 :]]
        good(self, *clipped(*given), **lists)

    change(device_class(), "queue_dispatch", dispatch)


@mutant("EXE-6")
def alignment_of_bindings_not_looked_at() -> None:
    """A driver that declares an alignment of bindings takes them anywhere."""
    declare(binding_alignment=ALIGNMENT)


@mutant("EXE-6")
def half_of_the_alignment_is_enough() -> None:
    """A driver that declares an alignment of bindings takes multiples of half of it."""
    declare(binding_alignment=ALIGNMENT)
    refuse_bindings(ALIGNMENT // 2, StatusCode.INVALID_ARGUMENT)


@mutant("EXE-6")
def unaligned_bindings_are_out_of_range() -> None:
    """A binding beside a multiple of the declared alignment is OUT_OF_RANGE."""
    declare(binding_alignment=ALIGNMENT)
    refuse_bindings(ALIGNMENT, StatusCode.OUT_OF_RANGE)


@mutant("EXE-6")
def usage_of_bindings_not_looked_at() -> None:
    """A dispatch works on buffers that were not allocated for it."""
    overlook_usage(BufferUsage.DISPATCH_STORAGE)


@mutant("EXE-6")
def usage_of_counts_not_looked_at() -> None:
    """Indirect counts are read from a buffer that was not allocated for them."""
    overlook_usage(BufferUsage.DISPATCH_INDIRECT_PARAMETERS)


@mutant("EXE-7", driver="local-task")
def dispatch_holds_nothing() -> None:
    """A pending dispatch keeps neither code nor buffers alive."""

    def submit(good: Any, self: Any, operation: Any) -> None:
        if operation.name == "Device.queue_dispatch":
            operation = operation._replace(used=())
        good(self, operation)

    change(device_class("local-task"), "_submit", submit)
