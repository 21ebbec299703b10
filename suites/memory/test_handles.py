"""Handles of buffers: what is refused, and what is given back."""

from __future__ import annotations

import psutil
import pytest

from cts.checks import expect_equal, expect_error, unsupported
from cts.hal import Device, Driver, HandleType, StatusCode
from cts.work_cases import needs_room
from cts.work_cases.sharing import SIZES, handle_of, name_of, needs_kind, share

SIZE = 4096
LARGEST_PIECE = 64 << 20
"""Bytes: memory may be given in pieces, so that there is more of it than was asked for."""

pytestmark = [
    pytest.mark.spec("MEM-8"),
    pytest.mark.needs("allocator", "export_buffer", "import_buffer"),
]


@pytest.mark.parametrize("size", SIZES)
def test_more_than_there_is_is_refused(
    device: Device, peer: Device, hal_driver: Driver, kind: HandleType, size: int
) -> None:
    """Imports far more than there is, and absurdly more, then exactly all: refused, taken."""
    needs_room(hal_driver, size)
    with (
        device.allocator.allocate(size, export_types=kind) as exporter,
        handle_of(device, exporter, kind) as handle,
    ):
        for more in (size + LARGEST_PIECE, 2**63, 2**64 + size):
            with expect_error(StatusCode.OUT_OF_RANGE, "MEM-8", f"import of {more} of {size}"):
                peer.import_buffer(handle, kind, more).release()
        with peer.import_buffer(handle, kind, size) as importer:
            expect_equal(importer.byte_length, size, "MEM-8", f"byte_length of {size} imported")


def test_descriptors_are_given_back(device: Device, peer: Device, kind: HandleType) -> None:
    """Shares and releases ten buffers, in either order: as many descriptors are open as before."""

    def share_and_release(turn: int) -> None:
        pair = share(device, peer, kind, SIZE)
        for buffer in pair[:: 1 if turn % 2 else -1]:
            buffer.release()

    share_and_release(0)  # a first use may leave a cache
    before = psutil.Process().num_fds()
    for turn in range(10):
        share_and_release(turn)
    after = psutil.Process().num_fds()
    expect_equal(after, before, "MEM-8", "descriptors after ten buffers were shared and released")


def test_one_that_was_not_allocated_for_it_is_refused(
    device: Device, peer: Device, kind: HandleType
) -> None:
    """Exports a buffer that was allocated for no kind of handle: FAILED_PRECONDITION."""
    with device.allocator.allocate(SIZE) as buffer:
        doing = f"export_buffer({kind.name}) without export_types"
        with expect_error(StatusCode.FAILED_PRECONDITION, "MEM-8", doing):
            device.export_buffer(buffer, kind)
    exporter, importer = share(device, peer, kind, SIZE)
    exporter.release()
    importer.release()


@pytest.mark.parametrize("unclaimed", list(HandleType), ids=name_of)
def test_a_kind_that_is_not_claimed_is_refused(device: Device, unclaimed: HandleType) -> None:
    """Allocates for, exports and imports a kind that is not claimed: each refuses."""
    capabilities = device.query_capabilities()
    if unclaimed & (capabilities.buffer_export_types | capabilities.buffer_import_types):
        unsupported(f"the device claims {unclaimed.name}")
    for kinds in (unclaimed, unclaimed | capabilities.buffer_export_types):
        with expect_error(StatusCode.INCOMPATIBLE, "MEM-8", f"allocate(export_types={kinds!r})"):
            device.allocator.allocate(SIZE, export_types=kinds).release()
    doing = f"(…, {unclaimed.name})"
    with device.allocator.allocate(SIZE) as buffer:
        with expect_error(StatusCode.UNIMPLEMENTED, "MEM-8", f"export_buffer{doing}"):
            device.export_buffer(buffer, unclaimed)
        with expect_error(StatusCode.UNIMPLEMENTED, "MEM-8", f"import_buffer{doing}"):
            device.import_buffer(buffer, unclaimed, SIZE)


def test_what_is_no_handle_is_refused(device: Device, peer: Device, kind: HandleType) -> None:
    """Imports something that is no handle of any kind: INVALID_ARGUMENT; a handle is taken."""
    doing = f"import_buffer(object(), {kind.name})"
    with expect_error(StatusCode.INVALID_ARGUMENT, "MEM-8", doing):
        peer.import_buffer(object(), kind, SIZE).release()
    exporter, importer = share(device, peer, kind, SIZE)
    exporter.release()
    importer.release()


def test_a_name_is_gone_with_its_buffer(device: Device, peer: Device) -> None:
    """Imports by name before and after the exporter's release: taken, and NOT_FOUND."""
    kind = HandleType.SHM
    needs_kind(kind, device, peer)
    exporter = device.allocator.allocate(SIZE, export_types=kind)
    name = device.export_buffer(exporter, kind)
    peer.import_buffer(name, kind, SIZE).release()
    exporter.release()
    with expect_error(StatusCode.NOT_FOUND, "MEM-8", f"import_buffer({name!r}) once it is gone"):
        peer.import_buffer(name, kind, SIZE).release()
