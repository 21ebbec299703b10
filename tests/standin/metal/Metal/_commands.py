"""Command queues, command buffers and encoders."""

# ruff: noqa: N802

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from . import _failures, _kernels, _worker
from ._checks import MTLSize, Refused, in_words, instance, number, signed_byte, within
from ._code import MTLComputePipelineState
from ._events import MTLFence, MTLSharedEvent
from ._failures import NSError, selector
from ._memory import MTLBuffer
from ._worker import Encoding, Line, Signal, Step, Wait

if TYPE_CHECKING:
    from ._device import MTLDevice

NOT_ENQUEUED, COMMITTED, COMPLETED, ERROR = 0, 2, 4, 5
MOST_UNDER_WAY = 64
MOST_ARGUMENTS = 31
MOST_BYTES = 4096


class MTLCommandQueue:
    """A queue."""

    def __init__(self, device: MTLDevice) -> None:
        self._device = device
        self._line = Line()

    @selector
    def commandBuffer(self) -> MTLCommandBuffer:
        """A new command buffer; it is waited for, while there are too many."""
        with _worker.changed:
            _worker.changed.wait_for(lambda: len(self._line.buffers) < MOST_UNDER_WAY)
        return MTLCommandBuffer(self._device, self._line)


class MTLCommandBuffer:
    """A command buffer."""

    def __init__(self, device: MTLDevice, line: Line) -> None:
        self.of_device = device
        self.steps: list[Step] = []
        self.code: int | None = None
        self.encoder: _Encoder | None = None
        self._line = line
        self._status = NOT_ENQUEUED

    # -- what the worker does -----------------------------------------------------------

    @property
    def signals(self) -> bool:
        """Whether it signals its events."""
        return not (self.code and _failures.keeps_signals)

    def fail(self, code: int | None) -> None:
        """It fails, if that is a code and it has none."""
        self.code = self.code or code

    def end(self) -> None:
        """It is done."""
        self._status = ERROR if self.code else COMPLETED

    # -- what the program does ----------------------------------------------------------

    def _add(self, step: Step) -> None:
        if self._status != NOT_ENQUEUED:
            raise Refused("a command buffer that was committed")
        if self.encoder is not None:
            raise Refused("a command buffer whose encoder has not ended")
        self.steps.append(step)

    def _event(self, event: Any) -> MTLSharedEvent:
        return instance("event", event, MTLSharedEvent)

    @selector
    def encodeSignalEvent_value_(self, event: MTLSharedEvent, value: int) -> None:
        """Signals an event."""
        self._add(Signal(self._event(event), number("value", value)))

    @selector
    def encodeWaitForEvent_value_(self, event: MTLSharedEvent, value: int) -> None:
        """Waits for one."""
        self._add(Wait(self._event(event), number("value", value)))

    @selector
    def blitCommandEncoder(self) -> MTLBlitCommandEncoder:
        """A new encoder of copies and fills."""
        self._add(encoding := Encoding())
        self.encoder = encoder = MTLBlitCommandEncoder(self, encoding)
        return encoder

    @selector
    def computeCommandEncoder(self) -> MTLComputeCommandEncoder:
        """A new encoder of kernels."""
        self._add(encoding := Encoding())
        self.encoder = encoder = MTLComputeCommandEncoder(self, encoding)
        return encoder

    def commit(self) -> None:
        """Has it done."""
        if self._status != NOT_ENQUEUED or self.encoder is not None:
            raise Refused("a command buffer that was committed, or whose encoder has not ended")
        self.code = _failures.failure_for("commit")
        self._status = COMMITTED
        _worker.give(self._line, self)

    @selector
    def waitUntilCompleted(self) -> None:
        """Waits until it is done."""
        if self._status == NOT_ENQUEUED:
            raise Refused("a command buffer that was not committed")
        with _worker.changed:
            _worker.changed.wait_for(lambda: self._status in (COMPLETED, ERROR))

    @selector
    def status(self) -> int:
        """How far it is."""
        return self._status

    @selector
    def error(self) -> NSError | None:
        """Why it has failed."""
        return NSError(self.code) if self._status == ERROR and self.code else None


class _Encoder:
    """What all encoders have."""

    def __init__(self, buffer: MTLCommandBuffer, encoding: Encoding) -> None:
        self._buffer = buffer
        self._encoding = encoding
        self._has_ended = False

    def __del__(self) -> None:
        if not self._has_ended:
            self._encoding.work.append(_never_ended)

    def _check(self) -> None:
        if self._has_ended:
            raise Refused("an encoder that has ended")

    def _own(self, name: str, buffer: Any) -> MTLBuffer:
        self._check()
        given = instance(name, buffer, MTLBuffer)
        if given.of_device is not self._buffer.of_device:
            raise Refused(f"{name} is another device's")
        return given

    def _fence(self, fence: Any) -> MTLFence:
        self._check()
        given = instance("fence", fence, MTLFence)
        if given.of_device is not self._buffer.of_device:
            raise Refused("fence is another device's")
        return given

    @selector
    def waitForFence_(self, fence: MTLFence) -> None:
        """Is done after encoders that update it."""
        if any(known is fence for known in self._encoding.updates):
            raise Refused("an encoder that waits for what it updates")
        self._encoding.waits.append(self._fence(fence))

    @selector
    def updateFence_(self, fence: MTLFence) -> None:
        """Updates it when it is done."""
        self._encoding.updates.append(self._fence(fence))

    def endEncoding(self) -> None:
        """Ends it."""
        self._check()
        self._has_ended = True
        self._buffer.encoder = None


def _never_ended() -> None:
    raise AssertionError("an encoder was let go of before it was ended")


class MTLBlitCommandEncoder(_Encoder):
    """Copies and fills."""

    @selector
    def copyFromBuffer_sourceOffset_toBuffer_destinationOffset_size_(
        self, source: MTLBuffer, start: int, target: MTLBuffer, to: int, size: int
    ) -> None:
        """Copies bytes."""
        origin, end = self._own("source", source), self._own("target", target)
        numbers = {"sourceOffset": start, "destinationOffset": to, "size": size}
        for name, value in numbers.items():
            in_words(name, number(name, value))
        within("the source", start, size, origin.memory.size)
        within("the target", to, size, end.memory.size)
        if origin is end and abs(start - to) < size:
            raise Refused("the source and the target overlap")
        self._encoding.reads.append(origin)
        self._encoding.writes.append(end)
        self._encoding.work.append(_copy(origin, start, end, to, size))

    @selector
    def fillBuffer_range_value_(self, target: MTLBuffer, range: Any, value: int) -> None:
        """Writes one byte all over a range."""
        end = self._own("target", target)
        to, size = (in_words("range", number("range", part)) for part in range)
        within("the range", to, size, end.memory.size)
        byte = signed_byte("value", value)
        self._encoding.writes.append(end)
        self._encoding.work.append(lambda: end.memory[to : to + size].fill(byte))


def _copy(
    source: MTLBuffer, start: int, target: MTLBuffer, to: int, size: int
) -> Callable[[], None]:
    def copy() -> None:
        target.memory[to : to + size] = source.memory[start : start + size]

    return copy


class MTLComputeCommandEncoder(_Encoder):
    """Kernels."""

    def __init__(self, buffer: MTLCommandBuffer, encoding: Encoding) -> None:
        super().__init__(buffer, encoding)
        self._pipeline: MTLComputePipelineState | None = None
        self._arguments: dict[int, tuple[MTLBuffer, int] | bytes] = {}

    def _place(self, place: Any) -> int:
        if number("index", place) >= MOST_ARGUMENTS:
            raise Refused(f"index is {place}: there are {MOST_ARGUMENTS}")
        return int(place)

    @selector
    def setComputePipelineState_(self, pipeline: MTLComputePipelineState) -> None:
        """Sets the kernel."""
        self._check()
        self._pipeline = instance("pipeline", pipeline, MTLComputePipelineState)
        if self._pipeline.of_device is not self._buffer.of_device:
            raise Refused("pipeline is another device's")

    @selector
    def setBuffer_offset_atIndex_(self, buffer: MTLBuffer, offset: int, index: int) -> None:
        """Gives a buffer as an argument."""
        given = self._own("buffer", buffer)
        if in_words("offset", number("offset", offset)) > given.memory.size:
            raise Refused(f"offset is {offset}: the buffer has {given.memory.size} bytes")
        self._arguments[self._place(index)] = given, offset

    @selector
    def setBytes_length_atIndex_(self, memory: bytes, length: int, index: int) -> None:
        """Gives bytes as an argument."""
        self._check()
        if not 0 < number("length", length) <= min(len(memory), MOST_BYTES):
            raise Refused(
                f"length is {length}: there are {len(memory)} bytes, {MOST_BYTES} at most"
            )
        self._arguments[self._place(index)] = bytes(memory)[:length]

    @selector
    def dispatchThreadgroups_threadsPerThreadgroup_(self, groups: MTLSize, size: MTLSize) -> None:
        """Runs the kernel."""
        self._check()
        if self._pipeline is None:
            raise Refused("no kernel is set")
        counts = [number("a count", count) for count in (*groups, *size)]
        threads = counts[3] * counts[4] * counts[5]
        if not all(counts) or threads > self._pipeline.maxTotalThreadsPerThreadgroup():
            raise Refused(f"{groups} groups of {size} threads")
        name, arguments = self._pipeline.name, dict(self._arguments)
        used = [given[0] for given in arguments.values() if not isinstance(given, bytes)]
        self._encoding.writes.extend(used)
        run = _kernels.Run(tuple(counts[:3]), threads, arguments)
        self._encoding.work.append(lambda: _kernels.run(name, run))
