"""Streams: a command queue of Metal's, and the command buffer that is being encoded.

1. Work is encoded at once, each piece with an encoder of its own, and given to the device by
   `submit`, as a whole.
2. Metal orders two encoders where it sees that one needs the other, which it does not where two
   buffers are over the same pages or in one heap. A fence orders those of one command buffer; an
   event, the stream's *turn*, has each command buffer wait for the one before.
3. Command buffers are numbered. The stream has done one once it and all before it are completed;
   one that has failed is the last that is looked at.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import Metal
import objc

from .._stream.calls import NativeError
from .._stream.facts import Counts
from .codes import name_of
from .made import made
from .memory import Place
from .support import copy_pieces, fill_pieces
from .words import EventWord

if TYPE_CHECKING:
    from .code import Kernel
    from .gpu import Gpu

ALIGNMENT = 4
"""Of offsets and lengths of what a blit encoder does, on macOS."""
MOST_UNDER_WAY = 48
"""Command buffers: a queue has 64, and holds who asks for one more."""
MOST_BYTES = 4096
"""That are given to a kernel without a buffer."""


class MetalStream:
    """A stream of a GPU's. Methods but `has_done` are called with the vendor's lock held."""

    def __init__(self, gpu: Gpu) -> None:
        self._gpu = gpu
        device = gpu.device
        self._queue = made("newCommandQueue", device.newCommandQueue())
        self._turn = made("newSharedEvent", device.newSharedEvent())
        self._fence = made("newFence", device.newFence())
        self._buffer: Any = None
        self._has_encoded = False
        self._lock = threading.Lock()
        self._under_way: deque[Any] = deque()
        self._done = 0
        self._given = 0
        self._failure: NativeError | None = None

    # -- command buffers --------------------------------------------------------------

    def _open(self) -> Any:
        """The command buffer that is being encoded."""
        if self._buffer is None:
            while len(self._under_way) >= MOST_UNDER_WAY:
                self._await_first()
            buffer = made("commandBuffer", self._queue.commandBuffer())
            if self._given:
                buffer.encodeWaitForEvent_value_(self._turn, self._given)
            self._buffer = buffer
            self._has_encoded = False
        return self._buffer

    def submit(self) -> None:
        """Gives the device what was encoded."""
        buffer, self._buffer = self._buffer, None
        if buffer is None:
            return
        number = self._given + 1
        with objc.autorelease_pool():
            buffer.encodeSignalEvent_value_(self._turn, number)
            buffer.commit()
        with self._lock:
            self._given = number
            self._under_way.append(buffer)

    def _look(self) -> None:
        """Counts what is done, with the stream's lock held."""
        while self._under_way and self._failure is None:
            status = self._under_way[0].status()
            if status == Metal.MTLCommandBufferStatusError:
                self._failure = _failure_of(self._under_way[0])
            elif status == Metal.MTLCommandBufferStatusCompleted:
                self._under_way.popleft()
                self._done += 1
            else:
                break

    def has_done(self, number: int) -> bool:
        """Whether all command buffers up to a number are done."""
        if self._done < number:
            with self._lock:
                self._look()
        return self._done >= number

    def check(self) -> None:
        """Raises where it has failed; waits for nothing."""
        with self._lock:
            self._look()
            failed = self._failure
        if failed is not None:
            raise NativeError(failed.call, failed.code, failed.name)

    def _await_first(self) -> None:
        """Waits for the first one under way."""
        self.check()
        with self._lock:
            first = self._under_way[0] if self._under_way else None
        if first is not None:
            first.waitUntilCompleted()
            self.check()

    def synchronize(self) -> None:
        """Waits for all that it has."""
        self.submit()
        while not self.has_done(self._given):
            self._await_first()

    def end(self) -> None:
        """Ends it. What still waits for its turn, after a failure, is let go on: it waits for
        nothing else, and would be there for ever."""
        self._turn.setSignaledValue_(max(self._given + 1, self._turn.signaledValue()))
        self._buffer = None
        with self._lock:
            self._under_way.clear()

    # -- work -------------------------------------------------------------------------

    def write(self, word: EventWord, value: int) -> None:
        """Writes a word."""
        with objc.autorelease_pool():
            self._open().encodeSignalEvent_value_(word.event, value)
        word.comes(value, self, self._given + 1)

    def wait(self, word: EventWord, value: int) -> None:
        """Holds what comes after until a word is that or more."""
        with objc.autorelease_pool():
            self._open().encodeWaitForEvent_value_(word.event, value)

    @contextmanager
    def _encoding(self, call: str, answer: Any) -> Iterator[Any]:
        """A new encoder, which is ended with the block, after the one before."""
        encoder = made(call, answer)
        try:
            if self._has_encoded:
                encoder.waitForFence_(self._fence)
            yield encoder
            encoder.updateFence_(self._fence)
            self._has_encoded = True
        finally:
            encoder.endEncoding()

    @contextmanager
    def _blit(self) -> Iterator[Any]:
        with objc.autorelease_pool():
            answer = self._open().blitCommandEncoder()
            with self._encoding("blitCommandEncoder", answer) as encoder:
                yield encoder

    def copy(self, target: Place, source: Place, size: int) -> None:
        """Copies; the two do not overlap."""
        if (target.offset | source.offset | size) % ALIGNMENT:
            kernel = self._gpu.support("hal_cts_copy_bytes")
            for piece in copy_pieces(target, source, size):
                self.launch(kernel, *piece)
            return
        with self._blit() as blit:
            blit.copyFromBuffer_sourceOffset_toBuffer_destinationOffset_size_(
                source.memory.buffer, source.offset, target.memory.buffer, target.offset, size
            )

    def fill(self, target: Place, pattern: bytes, count: int) -> None:
        """Repeats a pattern so many times."""
        size = len(pattern) * count
        if (target.offset | size) % ALIGNMENT or len({*pattern}) > 1:
            kernel = self._gpu.support("hal_cts_fill")
            for piece in fill_pieces(target, pattern, size):
                self.launch(kernel, *piece)
            return
        value = int.from_bytes(pattern[:1], "little", signed=True)  # PyObjC takes a signed one
        with self._blit() as blit:
            blit.fillBuffer_range_value_(target.memory.buffer, (target.offset, size), value)

    def launch(
        self,
        kernel: Kernel,
        groups: Counts,
        size: Counts,
        places: Sequence[Place],
        constants: bytes,
    ) -> None:
        """Runs a kernel with places, and after them all constants as one argument."""
        kernel.check_fits(groups, size, len(places) + bool(constants))
        with objc.autorelease_pool():
            answer = self._open().computeCommandEncoder()
            with self._encoding("computeCommandEncoder", answer) as encoder:
                encoder.setComputePipelineState_(kernel.pipeline)
                for number, place in enumerate(places):
                    encoder.setBuffer_offset_atIndex_(place.memory.buffer, place.offset, number)
                if constants:
                    self._give(encoder, constants, len(places))
                encoder.dispatchThreadgroups_threadsPerThreadgroup_(
                    Metal.MTLSizeMake(*groups), Metal.MTLSizeMake(*size)
                )

    def _give(self, encoder: Any, constants: bytes, number: int) -> None:
        if len(constants) <= MOST_BYTES:
            encoder.setBytes_length_atIndex_(constants, len(constants), number)
            return
        options = Metal.MTLResourceStorageModeShared
        buffer = self._gpu.device.newBufferWithBytes_length_options_(
            constants, len(constants), options
        )
        made("newBufferWithBytes_length_options_", buffer)
        encoder.setBuffer_offset_atIndex_(buffer, 0, number)


def _failure_of(buffer: Any) -> NativeError:
    """What a command buffer that has failed says."""
    with objc.autorelease_pool():
        error = buffer.error()
        code = 1 if error is None else int(error.code())
    return NativeError("a command buffer", code, name_of(code))
