"""Devices."""

# ruff: noqa: N802

from __future__ import annotations

from typing import Any

from ._checks import MTLSize, MTLSizeAndAlign, Refused, instance
from ._code import MTLCompileOptions, MTLComputePipelineState, MTLFunction, MTLLibrary
from ._commands import MTLCommandQueue
from ._events import MTLFence, MTLSharedEvent
from ._failures import NSError, selector
from ._machine import DeviceFacts
from ._memory import (
    Account,
    MTLBuffer,
    MTLHeap,
    MTLHeapDescriptor,
    buffer_over,
    in_a_heap,
    mode_of,
    new_buffer,
)

COMPILE_FAILURE = 3


class MTLDevice:
    """A GPU."""

    def __init__(self, facts: DeviceFacts) -> None:
        self.facts = facts
        self.account = Account(facts.memory)

    # -- what it is -----------------------------------------------------------------------

    @selector
    def name(self) -> str:
        """Its name."""
        return self.facts.name

    @selector
    def registryID(self) -> int:
        """Its number."""
        return self.facts.registry

    @selector
    def hasUnifiedMemory(self) -> bool:
        """Whether its memory is the host's."""
        return self.facts.is_unified

    @selector
    def recommendedMaxWorkingSetSize(self) -> int:
        """Bytes that it can use well."""
        return self.facts.memory

    @selector
    def maxBufferLength(self) -> int:
        """Bytes of a buffer."""
        return self.facts.largest_buffer

    @selector
    def maxThreadsPerThreadgroup(self) -> MTLSize:
        """Threads along each side of a workgroup."""
        return MTLSize(1024, 1024, 1024)

    # -- what it makes --------------------------------------------------------------------

    @selector
    def newCommandQueue(self) -> MTLCommandQueue:
        """A queue."""
        return MTLCommandQueue(self)

    @selector
    def newSharedEvent(self) -> MTLSharedEvent:
        """An event."""
        return MTLSharedEvent()

    @selector
    def newFence(self) -> MTLFence:
        """A fence."""
        return MTLFence(self)

    @selector
    def newBufferWithLength_options_(self, length: int, options: int) -> MTLBuffer | None:
        """A buffer."""
        return new_buffer(self, length, options, self.account)

    @selector
    def newBufferWithBytes_length_options_(
        self, memory: bytes, length: int, options: int
    ) -> MTLBuffer | None:
        """A buffer with bytes in it."""
        made = new_buffer(self, length, options, self.account)
        if made is not None:
            made.memory[:] = bytearray(memory[:length])
        return made

    @selector
    def newBufferWithBytesNoCopy_length_options_deallocator_(
        self, memory: Any, length: int, options: int, deallocator: None
    ) -> MTLBuffer | None:
        """A buffer over pages of the host's."""
        if deallocator is not None:
            raise Refused("a deallocator is not simulated")
        return buffer_over(self, memory, length, options)

    @selector
    def heapBufferSizeAndAlignWithLength_options_(
        self, length: int, options: int
    ) -> MTLSizeAndAlign:
        """What a buffer takes of a heap."""
        mode_of(options)
        return in_a_heap(length)

    @selector
    def newHeapWithDescriptor_(self, descriptor: MTLHeapDescriptor) -> MTLHeap | None:
        """A heap, if there is memory for it."""
        size = instance("descriptor", descriptor, MTLHeapDescriptor).size
        if not size:
            raise Refused("a heap of no bytes")
        return MTLHeap(self, size) if self.account.take(size) else None

    @selector
    def newLibraryWithSource_options_error_(
        self, source: str, options: MTLCompileOptions, error: None
    ) -> tuple[MTLLibrary | None, NSError | None]:
        """Source that is taken, unless its brackets do not close."""
        if not isinstance(source, str):
            raise Refused(f"source is {source!r}: it is text")
        instance("options", options, MTLCompileOptions)
        if source.count("{") != source.count("}"):
            return None, NSError(COMPILE_FAILURE, "program_source:1:1: error: a bracket\nis open")
        return MTLLibrary(self, source), None

    @selector
    def newComputePipelineStateWithFunction_error_(
        self, function: MTLFunction, error: None
    ) -> tuple[MTLComputePipelineState | None, NSError | None]:
        """A kernel that can be run."""
        known = instance("function", function, MTLFunction)
        if known.of_device is not self:
            raise Refused("function is another device's")
        return MTLComputePipelineState(self, known.kernel), None
