"""The stand-in for PyObjC's binding of Metal is stern: it refuses what Metal or PyObjC forbids, and
does what may be done in any order in the worst one. Each refusal has its control beside it."""

from __future__ import annotations

import ctypes
import mmap
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from . import metal_stand_in

PRIVATE, SHARED = 32, 0
COMPLETED, ERROR = 4, 5
PAGE_FAULT, INVALID_RESOURCE = 3, 9
Encode = Callable[[Any], object]


class Bench:
    """Two devices, and on the first a queue, buffers, a library and a kernel of it."""

    def __init__(self, metal: Any) -> None:
        self.metal = metal
        self.device, self.other = metal.MTLCopyAllDevices()[:2]
        self.queue = self.device.newCommandQueue()
        self.private = self.device.newBufferWithLength_options_(64, PRIVATE)
        self.shared = self.device.newBufferWithLength_options_(64, SHARED)
        self.foreign = self.other.newBufferWithLength_options_(64, SHARED)
        self.event = self.device.newSharedEvent()
        self.fence = self.device.newFence()
        self.count = self.kernel(self.device)

    def kernel(self, device: Any, name: str = "count") -> Any:
        """A kernel that is ready."""
        options = self.metal.MTLCompileOptions.alloc().init()
        source = f"kernel void {name}() {{}}"
        library, error = device.newLibraryWithSource_options_error_(source, options, None)
        assert error is None
        function = library.newFunctionWithName_(name)
        made, error = device.newComputePipelineStateWithFunction_error_(function, None)
        assert error is None
        return made

    def blit(self, encode: Encode) -> int:
        """Has a command buffer with one encoder done: its status."""
        buffer = self.queue.commandBuffer()
        encoder = buffer.blitCommandEncoder()
        encode(encoder)
        encoder.endEncoding()
        return done(buffer)

    def compute(self, *steps: Encode) -> Any:
        """The same with kernels: the command buffer."""
        buffer = self.queue.commandBuffer()
        encoder = buffer.computeCommandEncoder()
        for step in steps:
            step(encoder)
        encoder.endEncoding()
        done(buffer)
        return buffer

    def seen(self) -> bytes:
        """What is in the shared buffer."""
        return bytes(self.shared.contents().as_buffer(64))


def done(buffer: Any) -> int:
    """Has a command buffer done: its status."""
    buffer.commit()
    buffer.waitUntilCompleted()
    return int(buffer.status())


@pytest.fixture
def bench() -> Iterator[Bench]:
    with metal_stand_in.imported() as metal:
        yield Bench(metal)


def copy(source: Any, start: int, target: Any, to: int, size: int) -> Encode:
    """A copy."""
    return lambda encoder: encoder.copyFromBuffer_sourceOffset_toBuffer_destinationOffset_size_(
        source, start, target, to, size
    )


def fill(target: Any, start: int, size: int, value: Any) -> Encode:
    """A fill."""
    return lambda encoder: encoder.fillBuffer_range_value_(target, (start, size), value)


# -- blits ----------------------------------------------------------------------------------------


def test_a_blit_within_its_buffers_is_done(bench: Bench) -> None:
    assert bench.blit(fill(bench.private, 4, 8, -2)) == COMPLETED
    assert bench.blit(copy(bench.private, 0, bench.shared, 52, 12)) == COMPLETED
    assert bench.seen() == bytes(56) + b"\xfe" * 8


@pytest.mark.parametrize(("start", "to", "size"), [(1, 0, 4), (0, 2, 4), (0, 0, 3), (0, 0, 0)])
def test_a_copy_is_of_whole_words(bench: Bench, start: int, to: int, size: int) -> None:
    with pytest.raises(bench.metal.Refused):
        bench.blit(copy(bench.private, start, bench.shared, to, size))


@pytest.mark.parametrize(("start", "to"), [(60, 0), (0, 60), (2**64, 0), (-4, 0), (0.0, 0)])
def test_a_copy_is_within_its_buffers(bench: Bench, start: Any, to: int) -> None:
    with pytest.raises(bench.metal.Refused):
        bench.blit(copy(bench.private, start, bench.shared, to, 8))


def test_a_copy_does_not_overlap(bench: Bench) -> None:
    with pytest.raises(bench.metal.Refused, match="overlap"):
        bench.blit(copy(bench.shared, 0, bench.shared, 4, 8))
    assert bench.blit(copy(bench.shared, 0, bench.shared, 8, 8)) == COMPLETED


@pytest.mark.parametrize(
    ("start", "size", "value"), [(1, 4, 0), (0, 6, 0), (60, 8, 0), (0, 4, 255)]
)
def test_a_fill_is_of_whole_words_with_a_signed_byte(
    bench: Bench, start: int, size: int, value: int
) -> None:
    with pytest.raises(bench.metal.Refused):
        bench.blit(fill(bench.private, start, size, value))


def test_another_devices_objects_are_refused(bench: Bench) -> None:
    foreign = bench.kernel(bench.other)
    for step in (
        lambda encoder: encoder.setBuffer_offset_atIndex_(bench.foreign, 0, 0),
        lambda encoder: encoder.setComputePipelineState_(foreign),
        lambda encoder: encoder.waitForFence_(bench.other.newFence()),
    ):
        with pytest.raises(bench.metal.Refused, match="another device"):
            bench.compute(step)
    with pytest.raises(bench.metal.Refused, match="another device"):
        bench.blit(fill(bench.foreign, 0, 4, 0))


# -- command buffers ------------------------------------------------------------------------------


def test_an_encoder_ends_before_the_next_one(bench: Bench) -> None:
    buffer = bench.queue.commandBuffer()
    encoder = buffer.blitCommandEncoder()
    for use in (
        buffer.blitCommandEncoder,
        buffer.computeCommandEncoder,
        buffer.commit,
        lambda: buffer.encodeSignalEvent_value_(bench.event, 1),
    ):
        with pytest.raises(bench.metal.Refused, match="not ended"):
            use()
    encoder.endEncoding()
    with pytest.raises(bench.metal.Refused, match="has ended"):
        encoder.endEncoding()
    with pytest.raises(bench.metal.Refused, match="has ended"):
        fill(bench.private, 0, 4, 0)(encoder)
    assert done(buffer) == COMPLETED


def test_a_command_buffer_is_committed_once(bench: Bench) -> None:
    buffer = bench.queue.commandBuffer()
    with pytest.raises(bench.metal.Refused, match="not committed"):
        buffer.waitUntilCompleted()
    assert done(buffer) == COMPLETED
    for use in (buffer.commit, buffer.blitCommandEncoder):
        with pytest.raises(bench.metal.Refused, match="was committed"):
            use()


def test_arguments_are_as_many_as_there_are(bench: Bench) -> None:
    with pytest.raises(TypeError):
        bench.device.newBufferWithLength_options_(64)


# -- kernels --------------------------------------------------------------------------------------


def counting(bench: Bench, groups: int, offset: int = 0, threads: int = 1) -> list[Encode]:
    """Steps that add 1 to each word."""
    size = bench.metal.MTLSizeMake
    return [
        lambda encoder: encoder.setComputePipelineState_(bench.count),
        lambda encoder: encoder.setBuffer_offset_atIndex_(bench.shared, offset, 0),
        lambda encoder: encoder.dispatchThreadgroups_threadsPerThreadgroup_(
            size(groups, 1, 1), size(threads, 1, 1)
        ),
    ]


def test_a_kernel_within_its_buffers_is_done(bench: Bench) -> None:
    assert bench.compute(*counting(bench, 15, 4)).status() == COMPLETED
    assert bench.seen() == bytes(4) + b"\1\0\0\0" * 15


def test_a_kernel_that_leaves_its_buffer_fails(bench: Bench) -> None:
    buffer = bench.compute(*counting(bench, 16, 4))
    assert (buffer.status(), buffer.error().code()) == (ERROR, PAGE_FAULT)


def test_a_kernel_without_its_arguments_fails(bench: Bench) -> None:
    first, _, last = counting(bench, 1)
    buffer = bench.compute(first, last)
    assert (buffer.status(), buffer.error().code()) == (ERROR, INVALID_RESOURCE)


def test_a_dispatch_has_a_kernel_and_room(bench: Bench) -> None:
    with pytest.raises(bench.metal.Refused, match="no kernel"):
        bench.compute(*counting(bench, 1)[1:])
    for wrong in (counting(bench, 0), counting(bench, 1, threads=1025), counting(bench, 1, 2)):
        with pytest.raises(bench.metal.Refused):
            bench.compute(*wrong)


def test_bytes_and_places_are_limited(bench: Bench) -> None:
    def give(count: int, place: int) -> Encode:
        return lambda encoder: encoder.setBytes_length_atIndex_(bytes(count), count, place)

    bench.compute(give(4096, 30))
    for wrong in (give(4097, 0), give(0, 0), give(4, 31)):
        with pytest.raises(bench.metal.Refused):
            bench.compute(wrong)


# -- memory ---------------------------------------------------------------------------------------


def test_private_memory_is_not_the_hosts(bench: Bench) -> None:
    assert bench.private.contents() is None
    with pytest.raises(bench.metal.Refused):
        bench.shared.contents().as_buffer(65)


def test_buffers_have_a_length_and_a_limit(bench: Bench) -> None:
    most = bench.device.maxBufferLength()
    for length in (0, -1, 1.5, most + 1):
        with pytest.raises(bench.metal.Refused):
            bench.device.newBufferWithLength_options_(length, PRIVATE)
    large = bench.device.newBufferWithLength_options_(most, PRIVATE)
    assert large is not None
    assert bench.device.newBufferWithLength_options_(most, PRIVATE) is None
    del large
    assert bench.device.newBufferWithLength_options_(most, PRIVATE) is not None


def test_pages_of_the_hosts_are_whole(bench: Bench) -> None:
    pages = mmap.mmap(-1, 2 * mmap.PAGESIZE)
    address = np.frombuffer(pages, np.uint8).ctypes.data

    def over(start: int, size: int) -> Any:
        seen = (ctypes.c_uint8 * (2 * mmap.PAGESIZE - start)).from_address(address + start)
        return bench.device.newBufferWithBytesNoCopy_length_options_deallocator_(
            seen, size, SHARED, None
        )

    made = over(0, mmap.PAGESIZE)
    bench.blit(fill(made, 0, 4, 7))
    assert pages[:5] == b"\7\7\7\7\0"
    for start, size in ((4, mmap.PAGESIZE), (0, 64), (mmap.PAGESIZE, 2 * mmap.PAGESIZE)):
        with pytest.raises(bench.metal.Refused):
            over(start, size)


def test_a_heap_has_what_is_given_back_once_it_is_not_used(bench: Bench) -> None:
    wanted = bench.metal.MTLHeapDescriptor.alloc().init()
    wanted.setSize_(4096)
    heap = bench.device.newHeapWithDescriptor_(wanted)
    first = heap.newBufferWithLength_options_(4000, PRIVATE)
    assert heap.usedSize() == 4000
    assert heap.newBufferWithLength_options_(200, PRIVATE) is None
    buffer = bench.queue.commandBuffer()
    buffer.encodeWaitForEvent_value_(bench.event, 1)
    encoder = buffer.blitCommandEncoder()
    fill(first, 0, 4000, 1)(encoder)
    encoder.endEncoding()
    del encoder, first
    buffer.commit()
    assert heap.usedSize() == 4000
    bench.event.setSignaledValue_(1)
    buffer.waitUntilCompleted()
    assert heap.newBufferWithLength_options_(4096, PRIVATE) is not None


# -- order ----------------------------------------------------------------------------------------


def test_an_event_goes_up(bench: Bench) -> None:
    bench.event.setSignaledValue_(3)
    with pytest.raises(bench.metal.Refused, match="goes up"):
        bench.event.setSignaledValue_(2)
    assert bench.event.signaledValue() == 3


def twice(bench: Bench, first: Any, second: Any, *, fenced: bool = False) -> bytes:
    """Fills a buffer, and copies from one over the same memory, in one command buffer."""
    buffer = bench.queue.commandBuffer()
    encoder = buffer.blitCommandEncoder()
    fill(first, 0, 4, 5)(encoder)
    if fenced:
        encoder.updateFence_(bench.fence)
    encoder.endEncoding()
    encoder = buffer.blitCommandEncoder()
    if fenced:
        encoder.waitForFence_(bench.fence)
    copy(second, 0, bench.shared, 0, 4)(encoder)
    encoder.endEncoding()
    assert done(buffer) == COMPLETED
    return bench.seen()[:4]


def over_pages(bench: Bench) -> tuple[Any, Any, Any]:
    """Two buffers over the same pages, and what keeps them."""
    pages = mmap.mmap(-1, mmap.PAGESIZE)
    size = mmap.PAGESIZE
    seen = np.frombuffer(pages, np.uint8)
    make = bench.device.newBufferWithBytesNoCopy_length_options_deallocator_
    return make(seen, size, SHARED, None), make(seen, size, SHARED, None), pages


def test_encoders_that_use_one_buffer_are_in_order(bench: Bench) -> None:
    assert twice(bench, bench.private, bench.private) == b"\5\5\5\5"


def test_encoders_over_the_same_pages_are_in_no_order(bench: Bench) -> None:
    first, second, _pages = over_pages(bench)
    assert twice(bench, first, second) == bytes(4)


def test_encoders_that_use_one_buffer_of_a_heap_are_in_no_order(bench: Bench) -> None:
    wanted = bench.metal.MTLHeapDescriptor.alloc().init()
    wanted.setSize_(4096)
    heap = bench.device.newHeapWithDescriptor_(wanted)
    buffer = heap.newBufferWithLength_options_(64, PRIVATE)
    assert twice(bench, buffer, buffer) == bytes(4)
    assert twice(bench, buffer, buffer, fenced=True) == b"\5\5\5\5"


def test_a_fence_orders_encoders(bench: Bench) -> None:
    first, second, _pages = over_pages(bench)
    assert twice(bench, first, second, fenced=True) == b"\5\5\5\5"


def test_a_command_buffer_does_not_wait_for_the_one_before(bench: Bench) -> None:
    held, quick = bench.queue.commandBuffer(), bench.queue.commandBuffer()
    held.encodeWaitForEvent_value_(bench.event, 1)
    held.commit()
    assert done(quick) == COMPLETED
    assert held.status() != COMPLETED
    bench.event.setSignaledValue_(1)
    held.waitUntilCompleted()
    assert held.status() == COMPLETED


def test_a_failure_signals_what_it_would_have_signalled(bench: Bench) -> None:
    bench.metal.hal_cts_stand_in_set("commit=8", "")
    buffer = bench.queue.commandBuffer()
    buffer.encodeSignalEvent_value_(bench.event, 4)
    assert done(buffer) == ERROR
    assert (buffer.error().code(), bench.event.signaledValue()) == (8, 4)
