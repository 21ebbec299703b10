"""Streams: the HSA runtime has queues, and copies that are of no queue; here both are in order.

1. Each operation has a *slot*: a signal, which goes from 1 to 0 when the operation is done, and
   some memory of the host's for the arguments of a kernel, a pattern or a value. Slots are used in
   turn.
2. A packet waits for those before it in the queue by its barrier bit. A copy waits for the signal
   of the operation before it, and a packet after a copy has a packet before it that waits for the
   copy's.
   What a copy waits for was given to the runtime before it: copies of several streams may so share
   an engine that takes them in turn.
3. A value is written by a copy of 8 bytes, and waited for by a packet that looks at a signal.
4. What fails in a queue is told by the runtime, on a thread of its own; a copy that fails leaves a
   negative signal. Either way the stream goes no further, and at its end whatever waits for what
   will not be done is let go: a copy that waits for ever would hold those of all others.
"""

from __future__ import annotations

import ctypes
import time
from ctypes import POINTER, byref, c_uint32, c_void_p
from typing import TYPE_CHECKING, NamedTuple

from .._stream.calls import NativeError
from .._stream.facts import Counts
from .._stream.semaphore import Pause
from . import hsa as h
from .codes import EXCEPTION, OUT_OF_RESOURCES, name_of

if TYPE_CHECKING:
    from .contexts import GpuContext
    from .modules import Kernel

SLOTS, SLOT_SIZE = 256, 1024
PACKETS = 1024
"""Of a queue: two for each slot, and room."""
PATIENCE = 5.0
"""Seconds in which a copy that can go on is taken to be done."""
ONCE, DONE = 1, 0
"""Values of a slot's signal."""
ANY_BIT = -1
UNLIMITED = 2**32 - 1

_SYSTEM = (
    1 << h.PACKET_HEADER_BARRIER
    | h.FENCE_SCOPE_SYSTEM << h.PACKET_HEADER_SCACQUIRE_FENCE_SCOPE
    | h.FENCE_SCOPE_SYSTEM << h.PACKET_HEADER_SCRELEASE_FENCE_SCOPE
)
"""Of a packet's header: after all before it, and in order with all others in the system."""


class SignalWord(NamedTuple):
    """A signal whose value is a word of the host's and of devices."""

    signal: int
    place: int
    """Where its value is."""


class Slot(NamedTuple):
    """What an operation has while it is under way."""

    signal: int
    value: ctypes.c_int64
    """The signal's, where it is."""
    address: int
    """Of its memory."""


class HsaStream:
    """A queue of a GPU, and copies that it makes, in order. Its methods raise `NativeError`."""

    def __init__(self, context: GpuContext) -> None:
        self._context = context
        self._hsa = hsa = context.hsa
        self._agent = context.gpu.agent
        self._failure: NativeError | None = None
        self._told = h.QueueFailed(self._note)  # the runtime keeps its address
        self._slots: list[Slot] = []
        self._taken = self._over = 0
        """Operations that have a slot, and those of them that are known to be done."""
        self._copies: set[int] = set()
        """Places of the slots whose operations are copies."""
        self._written = self._rung = -1
        """The last packet, and the last one that the GPU knows of."""
        self._queue = POINTER(h.Queue)()
        self._memory = 0
        try:
            nothing = c_void_p()
            sizes = UNLIMITED, UNLIMITED
            hsa.call(
                *("hsa_queue_create", self._agent, PACKETS, h.QUEUE_TYPE_MULTI),
                *(self._told, nothing, *sizes, byref(self._queue)),
            )
            self._memory = context.allocate(context.gpu.argument_pool, SLOTS * SLOT_SIZE)
        except NativeError:
            self.end()
            raise
        queue = self._queue.contents
        ring = (c_uint32 * (16 * queue.size)).from_address(queue.base_address)
        self._ring = memoryview(ring).cast("B").cast("I")
        self._size = queue.size
        self._doorbell = queue.doorbell_signal

    def _note(self, status: int, _queue: object, _data: object) -> None:
        """The queue has failed."""
        code = status if status in self._context.sticky else EXCEPTION
        self._failure = NativeError("a queue's packet", code, name_of(status))

    # -- operations -------------------------------------------------------------------

    def copy(self, target: int, source: int, size: int) -> None:
        """Copies between places that the GPU reaches."""
        if size:
            self._copy(self._take(), target, source, size)

    def _copy(self, slot: Slot, target: int, source: int, size: int) -> None:
        before, agent = self._before, self._agent
        awaited = (1, h.handles([before.signal])) if before else (0, None)
        self._hsa.call(
            *("hsa_amd_memory_async_copy", target, agent, source, agent, size),
            *(*awaited, slot.signal),
        )
        self._copies.add(self._taken % SLOTS)
        self._taken += 1

    def fill(self, target: int, pattern: bytes, size: int) -> None:
        """Repeats a pattern: it is written once, and what is there is doubled."""
        slot = self._take()
        done = min(size, SLOT_SIZE)
        ctypes.memmove(slot.address, pattern * (done // len(pattern)), done)
        self._copy(slot, target, slot.address, done)
        while done < size:
            more = min(done, size - done)
            self.copy(target + done, target, more)
            done += more

    def write(self, word: SignalWord, value: int) -> None:
        """Writes a word."""
        slot = self._take()
        ctypes.c_uint64.from_address(slot.address).value = value
        self._copy(slot, word.place, slot.address, 8)

    def wait(self, word: SignalWord, value: int) -> None:
        """Holds what comes after until a word is that or more."""
        slot = self._take()
        packet = h.BarrierValue(
            header=h.PACKET_TYPE_VENDOR_SPECIFIC | _SYSTEM,
            amd_format=h.AMD_PACKET_TYPE_BARRIER_VALUE,
            signal=word.signal,
            value=value,
            mask=ANY_BIT,
            cond=h.SIGNAL_CONDITION_GTE,
            completion_signal=slot.signal,
        )
        self._packet(packet)

    def launch(self, kernel: Kernel, groups: Counts, size: Counts, arguments: bytes) -> None:
        """Runs a kernel, with all of its arguments."""
        if len(arguments) > SLOT_SIZE:
            raise NativeError("a dispatch", OUT_OF_RESOURCES, f"{len(arguments)} argument bytes")
        slot = self._take()
        ctypes.memmove(slot.address, arguments, len(arguments))
        x, y, z = size
        packet = h.KernelDispatch(
            header=h.PACKET_TYPE_KERNEL_DISPATCH | _SYSTEM,
            setup=3,  # dimensions
            workgroup_size_x=x,
            workgroup_size_y=y,
            workgroup_size_z=z,
            grid_size_x=groups[0] * x,
            grid_size_y=groups[1] * y,
            grid_size_z=groups[2] * z,
            private_segment_size=kernel.private_size,
            group_segment_size=kernel.group_size,
            kernel_object=kernel.object,
            kernarg_address=slot.address,
            completion_signal=slot.signal,
        )
        self._packet(packet)

    def _packet(self, packet: ctypes.Structure) -> None:
        before = self._before
        if before and (self._taken - 1) % SLOTS in self._copies:
            header = h.PACKET_TYPE_BARRIER_AND | _SYSTEM
            self._write(h.BarrierAnd(header=header, dep_signal=(before.signal,)))
        self._write(packet)
        self._copies.discard(self._taken % SLOTS)
        self._taken += 1

    def _write(self, packet: ctypes.Structure) -> None:
        """Puts a packet into the queue; its first word, which makes it one, at last."""
        self._written = self._hsa.value_of("hsa_queue_add_write_index_screlease", self._queue, 1)
        place = 16 * (self._written % self._size)
        words = memoryview(bytes(packet)).cast("I")
        self._ring[place + 1 : place + 16] = words[1:]
        self._ring[place] = words[0]

    def submit(self) -> None:
        """Tells the GPU of the packets."""
        if self._written != self._rung:
            self._rung = self._written
            self._hsa.value_of("hsa_signal_store_screlease", self._doorbell, self._written)

    # -- slots ------------------------------------------------------------------------

    @property
    def _before(self) -> Slot | None:
        """The slot of the last operation, where one is under way."""
        return self._slots[(self._taken - 1) % SLOTS] if self._taken > self._over else None

    def _take(self) -> Slot:
        """The slot of the next operation; it waits where all are in use."""
        if len(self._slots) < SLOTS:
            self._slots.append(self._new_slot(len(self._slots)))
        # Who waits for a signal has looked at it once its own operation is done.
        self._await(self._taken - SLOTS + 2)
        slot = self._slots[self._taken % SLOTS]
        slot.value.value = ONCE
        return slot

    def _new_slot(self, number: int) -> Slot:
        word = self._context.new_signal()
        value = ctypes.c_int64.from_address(word.place)
        return Slot(word.signal, value, self._memory + number * SLOT_SIZE)

    def _await(self, count: int) -> None:
        """Waits until so many operations are done."""
        self._look()
        if self._over >= count:
            return
        self.submit()
        pause = Pause()
        while self._over < count:
            if pause.now():
                self._check_context()
            self._look()

    def _look(self) -> None:
        """Counts what is done. Raises where something has failed."""
        while self._over < self._taken:
            value = self._slots[self._over % SLOTS].value.value
            if value > DONE:
                break
            if value < DONE:
                self._failure = NativeError("a copy", EXCEPTION, f"{name_of(EXCEPTION)}: {value}")
                break
            self._over += 1
        self._check_context()

    def _check_context(self) -> None:
        failure = self._failure or self._context.failure
        if failure is not None:
            raise NativeError(failure.call, failure.code, failure.name)

    def check(self) -> None:
        """Raises where it has failed; waits for nothing."""
        self._look()

    def synchronize(self) -> None:
        """Waits for all that it has."""
        self._await(self._taken)

    def _let_go(self) -> None:
        """Has the copies done that wait for a queue that is no more, so that none waits for ever.

        What they copy is there until the end of the context.
        """
        for number in range(self._over, self._taken):
            place = number % SLOTS
            value, pause = self._slots[place].value, Pause()
            ends = time.monotonic() + PATIENCE
            while place in self._copies and value.value > DONE and time.monotonic() < ends:
                pause.now()
            value.value = DONE
        self._over = self._taken

    def end(self) -> None:
        """Ends it; what it has not done is not done."""
        if self._queue:
            self._hsa.call("hsa_queue_destroy", self._queue)
            self._queue = POINTER(h.Queue)()
            self._let_go()
        for slot in self._slots:
            self._context.end_signal(slot.signal)
        self._slots.clear()
        if self._memory:
            self._context.free(self._memory)
            self._memory = 0
