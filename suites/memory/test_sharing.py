"""Buffers exported by one device and imported by another: one memory, two buffers."""

from __future__ import annotations

from functools import reduce
from operator import or_

import pytest

from cts.checks import expect_equal, expect_error, unsupported
from cts.hal import Buffer, Device, Driver, HalError, HandleType, StatusCode
from cts.plugin.fixtures import NewDevice, NewGroup
from cts.work_cases import expect_bytes, needs_room, noise, submitted
from cts.work_cases.sharing import KINDS, SIZES, handle_of, share

SIZE = 4096

pytestmark = [
    pytest.mark.spec("MEM-8"),
    pytest.mark.needs("allocator", "export_buffer", "import_buffer"),
]


def write_all(buffer: Buffer, seed: int) -> None:
    """Writes noise over the whole buffer from the host."""
    buffer.write(0, noise(buffer.byte_length, seed).tobytes())


@pytest.mark.parametrize("size", SIZES)
def test_each_sees_what_the_other_writes(
    device: Device, peer: Device, hal_driver: Driver, kind: HandleType, size: int
) -> None:
    """Imports a buffer, then writes it on one side and the other: each reads what is new."""
    needs_room(hal_driver, size)
    exporter, importer = share(device, peer, kind, size)
    with exporter, importer:
        expect_equal(importer.byte_length, size, "MEM-8", f"byte_length of {size} bytes imported")
        expect_bytes(importer, noise(size), "MEM-8", "what the exporter wrote before the import")
        write_all(exporter, 2)
        expect_bytes(importer, noise(size, 2), "MEM-8", "what the exporter wrote after the import")
        write_all(importer, 3)
        expect_bytes(exporter, noise(size, 3), "MEM-8", "what the importer wrote")


@pytest.mark.parametrize("writer", ["exporter", "importer"])
def test_each_sees_what_is_written_through_the_others_mapping(
    device: Device, peer: Device, kind: HandleType, writer: str
) -> None:
    """Writes a part through one side's mapping: the other side's mapping shows all of it."""
    exporter, importer = share(device, peer, kind, SIZE)
    one, other = (exporter, importer) if writer == "exporter" else (importer, exporter)
    wanted = noise(SIZE)
    wanted[1001:3004] = noise(2003, 2)
    with exporter, importer:
        with one.map(1001, 2003) as view:
            view[:] = noise(2003, 2).data
        with other.map() as view:
            shown = bytes(view) == wanted.tobytes()
        expect_equal(shown, True, "MEM-8", f"the other's mapping shows what the {writer} wrote")


@pytest.mark.needs("create_semaphore", "queue_fill", "queue_copy")
@pytest.mark.parametrize("writer", ["exporter", "importer"])
def test_each_sees_what_the_others_queue_writes(
    device: Device, peer: Device, kind: HandleType, writer: str
) -> None:
    """Fills a part on one side's queue: the host reads it on the other, and its queue copies it."""
    exporter, importer = share(device, peer, kind, SIZE)
    sides = [(device, exporter), (peer, importer)]
    (one, target), (other, source) = sides if writer == "exporter" else sides[::-1]
    wanted = noise(SIZE)
    wanted[1000:3000] = 0x5A
    with exporter, importer, other.allocator.allocate(SIZE) as copied:
        with submitted(one) as signal:
            one.queue_fill(target, 1000, 2000, b"\x5a", signal=signal)
        expect_bytes(source, wanted, "MEM-8", f"the host's read after the {writer}'s queue_fill")
        with submitted(other) as signal:
            other.queue_copy(source, 0, copied, 0, SIZE, signal=signal)
        expect_bytes(copied, wanted, "MEM-8", f"the queue's copy after the {writer}'s queue_fill")


@pytest.mark.parametrize("first", ["exporter", "importer"])
def test_the_memory_outlives_either(
    device: Device, peer: Device, kind: HandleType, first: str
) -> None:
    """Releases one of the two buffers: the other has all bytes, and is written and read."""
    exporter, importer = share(device, peer, kind, SIZE)
    gone, left = (exporter, importer) if first == "exporter" else (importer, exporter)
    gone.release()
    # New ones of that size, which take the memory if it was given back too early.
    with device.allocator.allocate(SIZE) as one, peer.allocator.allocate(SIZE) as other, left:
        one.write(0, bytes(SIZE))
        other.write(0, bytes(SIZE))
        expect_bytes(left, noise(SIZE), "MEM-8", f"a shared buffer once the {first} is gone")
        write_all(left, 2)
        expect_bytes(left, noise(SIZE, 2), "MEM-8", f"writing it once the {first} is gone")


@pytest.mark.needs(devices=2)
def test_the_memory_outlives_the_exporters_device(
    hal_driver: Driver, new_device: NewDevice, new_group: NewGroup, kind: HandleType
) -> None:
    """Releases the exporter, its device and their group: the importer has all bytes."""
    if hal_driver.properties.children != "retain":
        unsupported("objects do not outlive the release of their device")
    device, peer = new_device.many(2)
    group = new_group(device, peer)
    exporter, importer = share(device, peer, kind, SIZE)
    for resource in (exporter, group, device, peer):
        resource.release()
    with importer:
        expect_bytes(importer, noise(SIZE), "MEM-8", "a buffer whose exporter's device is gone")


def test_a_handle_is_imported_more_than_once(
    device: Device, peer: Device, kind: HandleType
) -> None:
    """Imports one handle twice, and a second handle of the buffer: all three are one memory."""
    with device.allocator.allocate(SIZE, export_types=kind) as exporter:
        with handle_of(device, exporter, kind) as one, handle_of(device, exporter, kind) as other:
            importers = [peer.import_buffer(handle, kind, SIZE) for handle in (one, one, other)]
        for seed, writer in enumerate(importers):
            write_all(writer, seed)
            for reader in (exporter, *importers):
                expect_bytes(reader, noise(SIZE, seed), "MEM-8", f"what importer {seed} wrote")
        for importer in importers:
            importer.release()


def test_two_exported_buffers_are_two_memories(
    device: Device, peer: Device, kind: HandleType
) -> None:
    """Shares two buffers and writes one pair: the other pair keeps its bytes."""
    exporter, importer = share(device, peer, kind, SIZE)
    beside, beside_imported = share(device, peer, kind, SIZE)
    with exporter, importer, beside, beside_imported:
        write_all(importer, 2)
        for buffer in (beside, beside_imported):
            expect_bytes(buffer, noise(SIZE), "MEM-8", "another pair after a write")
        expect_bytes(exporter, noise(SIZE, 2), "MEM-8", "the pair that was written")


def test_a_part_is_imported(device: Device, peer: Device, kind: HandleType) -> None:
    """Imports fewer bytes than there are: the first ones, and a range past them is refused."""
    with device.allocator.allocate(SIZE, export_types=kind) as exporter:
        write_all(exporter, 1)
        with handle_of(device, exporter, kind) as handle:
            importer = peer.import_buffer(handle, kind, 100)
        with importer:
            expect_bytes(importer, noise(SIZE)[:100], "MEM-8", f"100 bytes imported of {SIZE}")
            with expect_error(StatusCode.OUT_OF_RANGE, "MEM-8", "read(0, 101) of 100 imported"):
                importer.read(0, 101)


def test_one_is_exported_in_every_way_claimed(device: Device, peer: Device) -> None:
    """Allocates for all claimed kinds at once, exports and imports each: all are one memory. Memory
    that cannot be of several kinds is refused as INCOMPATIBLE."""
    claimed = device.query_capabilities().buffer_export_types
    claimed &= peer.query_capabilities().buffer_import_types
    kinds = [kind for kind in KINDS if kind & claimed]
    if len(kinds) < 2:
        unsupported("the device claims no two kinds of handle")
    try:
        allocated = device.allocator.allocate(SIZE, export_types=reduce(or_, kinds))
    except HalError as error:
        if error.code is not StatusCode.INCOMPATIBLE:
            raise
        return
    with allocated as exporter:
        importers = []
        for kind in kinds:
            with handle_of(device, exporter, kind) as handle:
                importers.append(peer.import_buffer(handle, kind, SIZE))
        write_all(importers[0], 2)
        for kind, importer in zip(kinds, importers, strict=True):
            with importer:
                expect_bytes(importer, noise(SIZE, 2), "MEM-8", f"the import as {kind.name}")
        expect_bytes(exporter, noise(SIZE, 2), "MEM-8", "the exporter")
