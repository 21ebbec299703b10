"""Libraries, functions and pipelines. Nothing is compiled: source is looked through for kernels."""

# ruff: noqa: N802

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ._checks import flag
from ._failures import selector

if TYPE_CHECKING:
    from ._device import MTLDevice

KERNEL = re.compile(r"^kernel void (\w+)\(", re.MULTILINE)
MOST_THREADS = 1024


class MTLCompileOptions:
    """How source is compiled."""

    def __init__(self) -> None:
        self.is_fast = True

    @classmethod
    def alloc(cls) -> MTLCompileOptions:
        """New ones."""
        return cls()

    def init(self) -> MTLCompileOptions:
        """Themselves."""
        return self

    @selector
    def setFastMathEnabled_(self, is_fast: bool) -> None:
        """Whether numbers may be computed in other ways than said."""
        self.is_fast = flag("fastMathEnabled", is_fast)


class MTLFunction:
    """A kernel's code."""

    def __init__(self, device: MTLDevice, name: str) -> None:
        self.of_device = device
        self.kernel = name


class MTLLibrary:
    """Source that was looked through."""

    def __init__(self, device: MTLDevice, source: str) -> None:
        self._device = device
        self._names = {*KERNEL.findall(source)}

    @selector
    def newFunctionWithName_(self, name: str) -> MTLFunction | None:
        """A kernel, if there is one of that name."""
        return MTLFunction(self._device, name) if name in self._names else None


class MTLComputePipelineState:
    """A kernel that can be run."""

    def __init__(self, device: MTLDevice, name: str) -> None:
        self.of_device = device
        self.name = name

    @selector
    def maxTotalThreadsPerThreadgroup(self) -> int:
        """Threads of a workgroup."""
        return MOST_THREADS
