"""The vendor's library without this driver, for benchmarks to compare: the same operations as calls
of its table, where nothing is checked, and one thread does it all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .._common.archive import Format
from .archive import unpack
from .context import Runtime
from .handles import Address, Handle

OPERATION = "bare calls"
WORKGROUPS = 1024
PATTERN = 0x04030201


class BareStream:
    """What can be measured of a vendor's library itself, by the names that subjects have."""

    def __init__(self, runtime: Runtime, ordinal: int, format: Format, code: bytes) -> None:
        self._context = context = runtime.open(OPERATION, ordinal)
        self._calls = calls = context.calls
        self._archive = unpack(format, code)
        with context.lock, context.native(OPERATION):
            self._word = context.take_word(OPERATION, 0)
            self._stream: Handle = calls.new_stream()
        self._value = 0
        self._blocks: list[Address] = []
        self._modules: list[Handle] = []

    def _run(self, work: Callable[[], None] | None = None) -> None:
        """Work, a written value, and a host that looks until it is there."""
        word = self._word
        words: Any = word.words
        if work is not None:
            work()
        self._value = value = self._value + 1
        self._calls.write_value(self._stream, word.address, value)
        self._calls.submit(self._stream)
        while words[word.place] < value:
            pass

    def empty(self) -> None:
        """A written value."""
        self._run()

    def allocate(self) -> None:
        """Allocates 4 KiB and frees it."""
        self._calls.free(self._calls.allocate(4096))

    def fill(self, size: int) -> Callable[[], None]:
        """Fills memory of the device's."""
        target, calls = self._block(size), self._calls
        return lambda: self._run(lambda: calls.fill(target, 4, PATTERN, size // 4, self._stream))

    def copy(self, size: int) -> Callable[[], None]:
        """Copies memory of the device's."""
        source, target, calls = self._block(size), self._block(size), self._calls
        return lambda: self._run(lambda: calls.copy(target, source, size, self._stream))

    copy_on_device = copy

    def dispatch(self) -> Callable[[], None]:
        """Launches 1,024 workgroups that add 1 to a word each."""
        calls, target = self._calls, self._block(4 * WORKGROUPS)
        module = calls.load(self._archive.image)
        self._modules.append(module)
        point = next(p for p in self._archive.entry_points if p.name == "count")
        function = calls.function(module, point.name)
        grid = WORKGROUPS, 1, 1

        def launch() -> None:
            calls.launch(function, grid, point.workgroup, self._stream, [target], ())

        return lambda: self._run(launch)

    def _block(self, size: int) -> Address:
        address = self._calls.allocate(size)
        self._blocks.append(address)
        return address

    def release(self) -> None:
        """Gives everything back."""
        context, calls = self._context, self._calls
        with context.lock, context.native(OPERATION):
            calls.synchronize(self._stream)
            for address in self._blocks:
                calls.free(address)
            for module in self._modules:
                calls.unload(module)
            calls.end_stream(self._stream)
            context.give_word(self._word)
        context.drop_user()
