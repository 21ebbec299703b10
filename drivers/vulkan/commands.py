"""Commands: work as Vulkan records it, and the recorder that it is recorded with.

What is not whole words of 4 bytes, Vulkan's fill and update do not take: its copy does, from memory
that holds the bytes.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import numpy as np

from cts.hal import DeviceObject, Event, HalError, MemoryType, StatusCode

from .._common.arguments import refusal
from .._common.followed_event import PutsEvent, WaitsForEvents
from .._common.host_call import HostCall
from .._common.work import WORD, Dispatch, Region, WorkMaker
from .api import constants as vk
from .api.declarations import ffi
from .event import VulkanEvent
from .executable import VulkanExecutable
from .memory import VulkanBuffer
from .native import NULL, Handle, struct
from .transient import TransientBuffer

if TYPE_CHECKING:
    from .device import VulkanDevice

MOST_IN_UPDATE = 65536
"""Bytes of vkCmdUpdateBuffer."""
ALL = vk.VK_PIPELINE_STAGE_ALL_COMMANDS_BIT
WRITES = vk.VK_ACCESS_MEMORY_WRITE_BIT
FOR_THE_DEVICE = struct(
    "VkMemoryBarrier",
    srcAccessMask=WRITES,
    dstAccessMask=WRITES | vk.VK_ACCESS_MEMORY_READ_BIT,
)
FOR_THE_HOST = struct(
    "VkMemoryBarrier", srcAccessMask=WRITES, dstAccessMask=vk.VK_ACCESS_HOST_READ_BIT
)
"""What was written is there for commands after it, and for the host."""


class Touched(Protocol):
    """What commands use: it keeps the number of the last submission that does."""

    last_use: int


class Recorder:
    """Records commands into one VkCommandBuffer, with the queue's lock held.

    Attributes
    ----------
    handle : the VkCommandBuffer.
    touched : what the commands use and must not end before they have run.
    ends : what gives back what was taken for these commands alone.
    """

    def __init__(self, device: VulkanDevice, handle: Handle) -> None:
        self.device = device
        self.native = device.native
        self.loader = device.native.loader
        self.handle = handle
        self.touched: list[Touched] = []
        self.ends: list[Callable[[], None]] = []

    def use(self, region: Region) -> Handle:
        """The VkBuffer of a region. Raises where it has no memory."""
        buffer = region.buffer
        assert isinstance(buffer, VulkanBuffer)
        block = buffer.block("Buffer")
        self.touched.append(block)
        return block.handle

    def staged(self, data: bytes) -> Handle:
        """A VkBuffer that holds some bytes, until the commands are done with."""
        block = self.native.block(len(data), MemoryType.HOST_VISIBLE, visible=True)
        self.ends.append(block.destroy)
        block.bytes[: len(data)] = np.frombuffer(data, np.uint8)
        block.flush()
        return block.handle

    def copy(self, source: Handle, at: int, target: Handle, to: int, length: int) -> None:
        """Copies between VkBuffers."""
        region = struct("VkBufferCopy", srcOffset=at, dstOffset=to, size=length)
        self.loader.vkCmdCopyBuffer(self.handle, source, target, 1, region)

    def order(self, barrier: Any, stage: int = ALL) -> None:
        """Orders what was recorded before what comes after, of `stage`."""
        commands = self.handle
        self.loader.vkCmdPipelineBarrier(commands, ALL, stage, 0, 1, barrier, 0, NULL, 0, NULL)


class Command(ABC):
    """Work that was checked."""

    used: Sequence[DeviceObject] = ()
    """What must stay alive until it has been done."""

    @property
    def is_fixed(self) -> bool:
        """Whether it is recorded the same at any time."""
        return not any(isinstance(thing, TransientBuffer) for thing in self.used)

    @abstractmethod
    def record(self, recorder: Recorder) -> None:
        """Records it."""


class Fill(Command):
    """Repeats a pattern over a region of whole patterns."""

    def __init__(self, target: Region, pattern: bytes) -> None:
        self.used = (target.buffer,)
        self._target = target
        self._pattern = (pattern * WORD)[:WORD]

    def record(self, recorder: Recorder) -> None:
        handle, (_, start, length) = recorder.use(self._target), self._target
        end = start + length
        first, last = -(-start // WORD) * WORD, end // WORD * WORD
        if first >= last:
            self._copy(recorder, handle, start, end)
            return
        word = int.from_bytes(self._pattern, "little")
        recorder.loader.vkCmdFillBuffer(recorder.handle, handle, first, last - first, word)
        self._copy(recorder, handle, start, first)
        self._copy(recorder, handle, last, end)

    def _copy(self, recorder: Recorder, target: Handle, start: int, end: int) -> None:
        """The bytes of words that are not filled whole."""
        if start < end:
            phase = (start - self._target.start) % WORD
            data = (self._pattern * 3)[phase : phase + end - start]
            recorder.copy(recorder.staged(data), 0, target, start, end - start)


class Update(Command):
    """Writes bytes over a region."""

    def __init__(self, data: bytes, target: Region) -> None:
        self.used = (target.buffer,)
        self._data = data
        self._target = target

    def record(self, recorder: Recorder) -> None:
        handle, (_, start, length) = recorder.use(self._target), self._target
        if not length:
            return
        if length <= MOST_IN_UPDATE and not (start % WORD or length % WORD):
            data = ffi.from_buffer(self._data)
            recorder.loader.vkCmdUpdateBuffer(recorder.handle, handle, start, length, data)
        else:
            recorder.copy(recorder.staged(self._data), 0, handle, start, length)


class Copy(Command):
    """Copies a region to another one of its length."""

    def __init__(self, source: Region, target: Region) -> None:
        self.used = (source.buffer, target.buffer)
        self._source = source
        self._target = target

    def record(self, recorder: Recorder) -> None:
        source, target = recorder.use(self._source), recorder.use(self._target)
        if self._source.length:
            at, to, length = self._source.start, self._target.start, self._source.length
            recorder.copy(source, at, target, to, length)


class Run(Command):
    """Runs an entry point."""

    def __init__(self, dispatch: Dispatch) -> None:
        self.used = dispatch.used
        self._dispatch = dispatch

    def record(self, recorder: Recorder) -> None:
        dispatch, loader, commands = self._dispatch, recorder.loader, recorder.handle
        code, counts = dispatch.executable, dispatch.counts
        assert isinstance(code, VulkanExecutable)
        function = code.function(dispatch.place)
        recorder.touched.append(code)
        ranges = [
            (recorder.use(region), region.start, region.length) for region in dispatch.bindings
        ]
        counted_in = recorder.use(counts) if isinstance(counts, Region) else NULL
        if not isinstance(counts, Region) and not all(counts):
            return
        compute = vk.VK_PIPELINE_BIND_POINT_COMPUTE
        loader.vkCmdBindPipeline(commands, compute, function.pipeline)
        if ranges:
            bound = function.bind(ranges)
            recorder.ends.append(lambda: function.unbind(bound))
            sets = ffi.new("VkDescriptorSet[1]", [bound])
            loader.vkCmdBindDescriptorSets(commands, compute, function.layout, 0, 1, sets, 0, NULL)
        if dispatch.constants:
            loader.vkCmdPushConstants(
                commands,
                function.layout,
                vk.VK_SHADER_STAGE_COMPUTE_BIT,
                0,
                len(dispatch.constants),
                ffi.from_buffer(dispatch.constants),
            )
        if isinstance(counts, Region):
            loader.vkCmdDispatchIndirect(commands, counted_in, counts.start)
        else:
            loader.vkCmdDispatch(commands, *counts)


class Barrier(Command):
    """Orders the commands before it before those after it."""

    def record(self, recorder: Recorder) -> None:
        recorder.order(FOR_THE_DEVICE)


class PutEvent(PutsEvent, Command):
    """Signals or resets an event."""

    event: VulkanEvent

    def __init__(self, event: VulkanEvent, is_signalled: bool) -> None:
        self.used = (event,)
        self.event = event
        self.is_signalled = is_signalled

    def record(self, recorder: Recorder) -> None:
        recorder.touched.append(self.event)
        loader = recorder.loader
        put = loader.vkCmdSetEvent if self.is_signalled else loader.vkCmdResetEvent
        put(recorder.handle, self.event.handle, ALL)
        if not self.is_signalled:  # what sets it again, or waits for it, comes after
            recorder.order(FOR_THE_DEVICE)


class WaitEvents(WaitsForEvents, Command):
    """Goes on where all of the events are signalled."""

    events: Sequence[VulkanEvent]

    def __init__(self, operation: str, events: Sequence[VulkanEvent]) -> None:
        self.used = tuple(events)
        self.operation = operation
        self.events = events

    def record(self, recorder: Recorder) -> None:
        if not self.events:
            return
        recorder.touched += self.events
        handles = ffi.new("VkEvent[]", [event.handle for event in self.events])
        recorder.loader.vkCmdWaitEvents(
            recorder.handle,
            len(self.events),
            handles,
            ALL,
            ALL,
            1,
            FOR_THE_DEVICE,
            0,
            NULL,
            0,
            NULL,
        )


class Recorded(Command):
    """Commands that were recorded before, to be executed again.

    Attributes
    ----------
    handle : the VkCommandBuffer.
    touched : as of a `Recorder`; and the command buffer itself.
    parts : the commands.
    """

    def __init__(
        self, handle: Handle, touched: Sequence[Touched], parts: Sequence[Command]
    ) -> None:
        self.handle = handle
        self.touched = touched
        self.parts = [part for part in parts if isinstance(part, PutEvent | WaitEvents)]

    def record(self, recorder: Recorder) -> None:
        """Is recorded already."""


class OnHost(Command):
    """What the host does in the queue's order, and Vulkan knows nothing of."""

    def __init__(self, used: Sequence[DeviceObject], function: Callable[[], None]) -> None:
        self.used = used
        self.run = function

    def record(self, recorder: Recorder) -> None:
        """Has nothing to record."""


class CallHost(HostCall, Command):
    """A call of a function of the host's."""

    def record(self, recorder: Recorder) -> None:
        """Has nothing to record."""


class CommandMaker(WorkMaker[Command]):
    """Makes commands for a device.

    Parameters
    ----------
    domain : the device's.
    limits : VkPhysicalDeviceLimits.
    """

    buffers: ClassVar = VulkanBuffer
    executables: ClassVar = VulkanExecutable
    events: ClassVar = VulkanEvent

    def __init__(self, domain: str, limits: object) -> None:
        super().__init__(domain)
        self._limits = limits

    def _fill(self, target: Region, pattern: bytes) -> Command:
        return Fill(target, pattern)

    def _update(self, data: bytes, target: Region) -> Command:
        return Update(data, target)

    def _copy(self, source: Region, target: Region) -> Command:
        return Copy(source, target)

    def _dispatch(self, dispatch: Dispatch) -> Command:
        limits, operation = self._limits, dispatch.operation
        alignment = limits.minStorageBufferOffsetAlignment  # type: ignore[attr-defined]
        most = limits.maxStorageBufferRange  # type: ignore[attr-defined]
        for place, (_, start, length) in enumerate(dispatch.bindings):
            if start % alignment:
                raise refusal(
                    operation,
                    f"binding {place} starts at byte {start}: the device takes multiples of"
                    f" {alignment}",
                )
            if length > most:
                raise HalError(
                    StatusCode.OUT_OF_RANGE,
                    operation,
                    f"binding {place} has {length} bytes: the device takes {most} at most",
                )
        if not isinstance(dispatch.counts, Region):
            largest = tuple(limits.maxComputeWorkGroupCount)  # type: ignore[attr-defined]
            if any(count > limit for count, limit in zip(dispatch.counts, largest, strict=True)):
                raise HalError(
                    StatusCode.OUT_OF_RANGE,
                    operation,
                    f"workgroups is {dispatch.counts}: the device runs {largest} at most",
                )
        return Run(dispatch)

    def barrier(self, operation: str) -> Command:
        return Barrier()

    def _put_event(self, event: Event, is_signalled: bool) -> Command:
        assert isinstance(event, VulkanEvent)
        return PutEvent(event, is_signalled)

    def _wait_events(self, operation: str, events: Sequence[Event]) -> Command:
        return WaitEvents(operation, [event for event in events if isinstance(event, VulkanEvent)])
