"""Metal as a table of calls, through PyObjC."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from typing import ClassVar

import Metal
import numpy as np
import objc

from .._stream.calls import StreamCalls
from .._stream.facts import Counts, Facts
from .._stream.handles import HostMemory, Word
from . import memory
from .code import Kernel, Module
from .codes import CODES, STICKY, name_of
from .facts import facts_of
from .gpu import Gpu
from .memory import HeapPool, Place
from .stream import MetalStream
from .words import EventWord

WORDS_AT_ONCE = 16


class MetalCalls(StreamCalls):
    """The devices that macOS has."""

    name = "metal"
    sticky: ClassVar = STICKY
    codes: ClassVar = CODES

    def __init__(self) -> None:
        self._devices = list(Metal.MTLCopyAllDevices())
        self._open: dict[int, Gpu] = {}
        self._current: Gpu
        stand_in = getattr(Metal, "hal_cts_stand_in", "")
        self.is_stand_in = bool(stand_in)
        self.version = stand_in or f"macOS {platform.mac_ver()[0]}"

    def name_of(self, code: int) -> str:
        return name_of(code)

    # -- devices ----------------------------------------------------------------------

    def device_count(self) -> int:
        return len(self._devices)

    def facts(self, ordinal: int) -> Facts:
        with objc.autorelease_pool():
            return facts_of(self._devices[ordinal])

    # -- contexts ---------------------------------------------------------------------

    def open(self, ordinal: int) -> Gpu:
        if ordinal not in self._open:
            self._open[ordinal] = Gpu(self._devices[ordinal])
        gpu = self._open[ordinal]
        gpu.opened += 1
        return gpu

    def close(self, ordinal: int) -> None:
        gpu = self._open[ordinal]
        gpu.opened -= 1
        if not gpu.opened:
            self.reset(ordinal)

    def reset(self, ordinal: int) -> None:
        gpu = self._open.pop(ordinal, None)
        if gpu is not None:
            gpu.end()

    def use(self, context: Gpu) -> None:
        self._current = context

    def identity(self, ordinal: int, context: Gpu) -> int:
        return int(context.device.registryID())

    def let_reach(self, peer: int, peer_context: Gpu) -> None:
        """Nothing is reached (`Facts.reaches`)."""

    # -- streams ----------------------------------------------------------------------

    def new_stream(self, partition: object = None) -> MetalStream:
        return self._current.new_stream()

    def end_stream(self, stream: MetalStream) -> None:
        self._current.end_stream(stream)

    def synchronize(self, stream: MetalStream) -> None:
        stream.synchronize()

    def check(self, stream: MetalStream) -> None:
        stream.check()

    def submit(self, stream: MetalStream) -> None:
        stream.submit()

    def write_value(self, stream: MetalStream, address: EventWord, value: int) -> None:
        stream.write(address, value)

    def wait_value(self, stream: MetalStream, address: EventWord, value: int) -> None:
        stream.wait(address, value)

    # -- memory -----------------------------------------------------------------------

    def new_words(self) -> list[Word]:
        made = [EventWord(self._current.device) for _ in range(WORDS_AT_ONCE)]
        return [Word(word, 0, word, word) for word in made]

    def end_words(self, holds: EventWord) -> None:
        """They end once nobody refers to them."""

    def allocate(self, size: int) -> Place:
        return memory.allocate(self._current.device, size)

    def allocate_managed(self, size: int) -> HostMemory:
        return memory.allocate_shared(self._current.device, size)

    def allocate_host(self, size: int) -> HostMemory:
        return memory.allocate_shared(self._current.device, size)

    def free(self, address: Place) -> None:
        address.memory.end()

    def free_host(self, address: Place) -> None:
        address.memory.end()

    def register_host(self, address: int, size: int) -> Place:
        return self._current.register(address, size)

    def unregister_host(self, address: int) -> None:
        self._current.unregister(address)

    # -- memory in a stream's order ---------------------------------------------------

    def new_pool(self, ordinal: int) -> HeapPool:
        return self._current.new_pool()

    def end_pool(self, pool: HeapPool) -> None:
        pool.end()

    def trim_pool(self, pool: HeapPool) -> None:
        pool.trim()

    def allocate_in_order(self, pool: HeapPool, size: int, stream: MetalStream) -> Place:
        return pool.allocate(size)

    def free_in_order(self, address: Place, stream: MetalStream) -> None:
        address.memory.end()

    # -- transfers --------------------------------------------------------------------

    def copy(self, target: Place, source: Place, size: int, stream: MetalStream) -> None:
        stream.copy(target, source, size)

    def fill(self, target: Place, width: int, value: int, count: int, stream: MetalStream) -> None:
        stream.fill(target, value.to_bytes(width, "little"), count)

    # -- code -------------------------------------------------------------------------

    def load(self, image: bytes) -> Module:
        return Module(self._current.device, image)

    def unload(self, module: Module) -> None:
        module.end()

    def function(self, module: Module, name: str) -> Kernel:
        return module.kernel(name)

    def launch(
        self,
        function: Kernel,
        workgroups: Counts,
        workgroup_size: Counts,
        stream: MetalStream,
        addresses: Sequence[Place],
        constants: Sequence[int],
    ) -> None:
        given = np.array(constants, np.uint32).tobytes()
        stream.launch(function, workgroups, workgroup_size, addresses, given)
