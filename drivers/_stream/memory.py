"""Memory: blocks of the kinds that a vendor has, buffers over them, and the allocator.

1. `DEVICE` is the device's own, which the host does not see; `MANAGED` and `HOST` it does, at the
   address that devices use. Which one a buffer has follows from its use (`kind_for`).
2. Where the host may touch what it does not see, memory that was exported or that the queue has
   allocated, it has a copy for that time.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from cts.hal import BufferUsage, HalError, HandleType, MemoryType, StatusCode
from cts.hal.memory import DEFAULT_USAGE, NOT_EXPORTED, lend

from .._common.arguments import as_bytes
from .._common.memory import AllocationRequest, BlockBuffer, CheckedAllocator
from .._common.pool import Pool
from .context import Context
from .handles import Address
from .queue import Queue, end_after

if TYPE_CHECKING:
    from .device import StreamDevice

Bytes: TypeAlias = npt.NDArray[np.uint8]
Kind: TypeAlias = Literal["device", "managed", "host"]

LARGEST_SIZE = 2**63 - 1
PIECE = 4 << 20
"""Bytes that are copied to or from the host at once."""
MAPPING = BufferUsage.MAPPING.value
DEVICE_LOCAL = MemoryType.DEVICE_LOCAL.value
NEEDS_HOST = (MemoryType.HOST_VISIBLE | MemoryType.HOST_COHERENT | MemoryType.HOST_CACHED).value
"""As numbers: flags take longer than an allocation does."""


class Block:
    """Memory of a context; its methods are called with the lock held.

    Parameters
    ----------
    host_address : where the host sees it; 0 where it does not.
    free : gives it back, within a block of native calls.

    Attributes
    ----------
    address : as devices see it.
    size : bytes.
    uses : the number of the last submission that uses it, on each queue.
    shape : what the pool knows it by; none for a block that is not the pool's.
    is_own : whether it is the device's own, which another one has to be let reach.
    holds : what must live as long as the memory.
    """

    def __init__(
        self,
        context: Context,
        address: Address,
        size: int,
        free: Callable[[Address], None],
        *,
        host_address: int = 0,
    ) -> None:
        self.context = context
        self.address = address
        self.size = size
        self.uses: dict[Queue, int] = {}
        self.shape: tuple[int, Kind] | None = None
        self.is_own = not (host_address and context.facts.shares_host_memory)
        self.holds: object = None
        self._free = free
        self._host_address = host_address
        context.add_user()

    @property
    def bytes(self) -> Bytes | None:
        """All of it as the host sees it, uint8[size]; none where it does not."""
        if not self._host_address or not self.size:
            return None
        memory = (ctypes.c_uint8 * self.size).from_address(self._host_address)
        seen: Bytes = np.frombuffer(memory, np.uint8)  # type: ignore[call-overload]
        return seen

    def destroy(self) -> None:
        """Gives it back; nothing uses it any more."""
        try:
            with self.context.ending() as is_there:
                if is_there:
                    self._free(self.address)
        finally:
            self.holds = None
            self.context.drop_user()


def new_block(context: Context, size: int, kind: Kind) -> Block:
    """New memory. Raises RESOURCE_EXHAUSTED where there is none."""
    calls, operation = context.calls, "Allocator.allocate"
    check_size(operation, size)
    with context.native(operation):
        if kind == "device":
            return Block(context, calls.allocate(size), size, calls.free)
        if kind == "managed":
            made, free = calls.allocate_managed(size), calls.free
        else:
            made, free = calls.allocate_host(size), calls.free_host
        return Block(context, made.address, size, free, host_address=made.host_address)


def check_size(operation: str, size: int) -> None:
    """Raises RESOURCE_EXHAUSTED for what no call can be asked for; the rest the vendor knows."""
    if size > LARGEST_SIZE:
        raise HalError(
            StatusCode.RESOURCE_EXHAUSTED, operation, f"size is {size}: at most {LARGEST_SIZE}"
        )


def kind_for(context: Context, memory_type: int, usage: int) -> Kind:
    """What a buffer of that use is made of."""
    if not (usage & MAPPING or memory_type & NEEDS_HOST):
        return "device"
    if memory_type & DEVICE_LOCAL and context.facts.concurrent_managed_access:
        return "managed"
    return "host"


class StreamBuffer(BlockBuffer[Block]):
    """A buffer of a device over a stream.

    Attributes
    ----------
    context : of the device that made it.
    """

    def __init__(
        self,
        device: StreamDevice,
        byte_length: int,
        block: Block | None,
        usage: BufferUsage = DEFAULT_USAGE,
        export_types: HandleType = NOT_EXPORTED,
    ) -> None:
        super().__init__(device, byte_length, block, usage, export_types)
        self.context = device.context
        self._lock = device.deferral.lock
        self._host_copies = device.host_copies
        self._pool = device.pool

    @property
    def is_own(self) -> bool:
        """Whether it is the device's own memory, which another one has to be let reach."""
        return self._block is None or self._block.is_own

    def read(self, offset: int = 0, length: int | None = None) -> bytes:
        operation = "Buffer.read"
        start, end = self._host_range(operation, offset, length)
        with self.retain():  # another thread may drop the last reference meanwhile
            seen = self.block(operation).bytes
            if seen is not None:
                return seen[start:end].tobytes()
            return self._host_copies.read(operation, self.block(operation), start, end).tobytes()

    def write(self, offset: int, data: bytes) -> None:
        operation = "Buffer.write"
        data = as_bytes(operation, "data", data)
        start, end = self._host_range(operation, offset, len(data))
        with self.retain():
            written, seen = np.frombuffer(data, np.uint8), self.block(operation).bytes
            if seen is not None:
                seen[start:end] = written
            else:
                self._host_copies.write(operation, self.block(operation), start, written)

    @contextmanager
    def map(self, offset: int = 0, length: int | None = None) -> Iterator[memoryview]:
        operation = "Buffer.map"
        start, end = self._host_range(operation, offset, length)
        with self.retain(), self.context.mapping():
            block = self.block(operation)
            if block.bytes is not None:
                with lend(operation, lambda: _part(block, start, end)) as view:
                    yield view
                return
            copied = self._host_copies.read(operation, block, start, end)
            try:
                with lend(operation, lambda: copied[:]) as view:
                    yield view
            finally:
                self._host_copies.write(operation, block, start, copied)

    def _free(self) -> None:
        with self._lock:
            block, self._block = self._block, None
            if block is not None:
                end_after(block.uses, partial(self._pool.give, block))


def _part(block: Block, start: int, end: int) -> Bytes:
    seen = block.bytes
    assert seen is not None
    return seen[start:end]


class HostCopies:
    """Copies between the host and memory that it does not see, on a stream beside the queue's.

    They go through memory of the pool's that both see, a piece at a time.
    """

    def __init__(self, context: Context, pool: Pool[Block]) -> None:
        self._context = context
        self._pool = pool
        with context.native("Driver.create_device"):
            self._stream = context.calls.new_stream()

    def read(self, operation: str, block: Block, start: int, end: int) -> Bytes:
        """Bytes of a block as they are now, uint8[end - start]."""
        target = np.empty(end - start, np.uint8)
        with self._staged(operation, target.size) as (staged, seen):
            for first in range(0, target.size, PIECE):
                part = target[first : first + PIECE]
                self._copy(staged.address, block.address + (start + first), part.size)
                part[:] = seen[: part.size]
        return target

    def write(self, operation: str, block: Block, start: int, data: Bytes) -> None:
        """Writes bytes of a block."""
        with self._staged(operation, data.size) as (staged, seen):
            for first in range(0, data.size, PIECE):
                part = data[first : first + PIECE]
                seen[: part.size] = part
                self._copy(block.address + (start + first), staged.address, part.size)

    @contextmanager
    def _staged(self, operation: str, size: int) -> Iterator[tuple[Block, Bytes]]:
        """Memory that both see, and how the host sees it; within it, native calls."""
        context = self._context
        with context.lock, context.native(operation):
            staged = self._pool.take(min(size, PIECE), "host")
            seen = staged.bytes
            assert seen is not None
            try:
                yield staged, seen
            finally:
                self._pool.give(staged)

    def _copy(self, target: Address, source: Address, size: int) -> None:
        self._context.calls.copy(target, source, size, self._stream)
        self._context.calls.synchronize(self._stream)

    def destroy(self) -> None:
        """Ends the stream."""
        with self._context.ending() as is_there:
            if is_there:
                self._context.calls.end_stream(self._stream)


class StreamAllocator(CheckedAllocator["StreamDevice"]):
    """Takes memory from the pool, or what is to be exported from the vendor."""

    def _make(self, device: StreamDevice, wanted: AllocationRequest) -> StreamBuffer:
        size, memory_type, usage, export_types = wanted
        context = device.context
        check_size("Allocator.allocate", size)
        with context.lock:
            device.tidy()
            if export_types:
                block = device.exported_block(wanted)
            else:
                kind = kind_for(context, memory_type._value_, usage._value_)
                block = device.pool.take(size, kind)
        return StreamBuffer(device, size, block, usage, export_types)
