"""What the logical devices of a GPU share: Metal knows no contexts, so they are kept here."""

from __future__ import annotations

from typing import Any

from . import kernels, memory
from .code import Kernel, Module
from .memory import HeapPool, Memory, Place
from .stream import MetalStream


class Gpu:
    """A GPU in use.

    Attributes
    ----------
    device : Metal's.
    opened : how often.
    """

    def __init__(self, device: Any) -> None:
        self.device = device
        self.opened = 0
        self._streams: set[MetalStream] = set()
        self._pages: dict[int, Memory] = {}
        self._support: dict[str, Kernel] = {}

    def new_stream(self) -> MetalStream:
        """A stream."""
        stream = MetalStream(self)
        self._streams.add(stream)
        return stream

    def end_stream(self, stream: MetalStream) -> None:
        """Ends one."""
        self._streams.discard(stream)
        stream.end()

    def new_pool(self) -> HeapPool:
        """A pool."""
        return HeapPool(self.device)

    def register(self, address: int, size: int) -> Place:
        """Has it use pages of the host's."""
        self._pages[address] = pages = memory.over_pages(self.device, address, size)
        return Place(pages)

    def unregister(self, address: int) -> None:
        """Takes them back."""
        self._pages.pop(address).end()

    def support(self, name: str) -> Kernel:
        """A kernel of the driver's own, compiled when one is first needed."""
        if not self._support:
            module = Module(self.device, kernels.support())
            self._support = {each: module.kernel(each) for each in kernels.SUPPORT}
        return self._support[name]

    def end(self) -> None:
        """Ends all streams, and lets go of the rest."""
        while self._streams:
            self._streams.pop().end()
        for pages in self._pages.values():
            pages.end()
        self._pages.clear()
        self._support.clear()
