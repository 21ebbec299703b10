"""Handles of semaphores: what is refused, and what is given back."""

from __future__ import annotations

from typing import Any

import psutil
import pytest

from cts.checks import expect_equal, expect_error, unsupported
from cts.hal import Device, HandleType, StatusCode
from cts.hal.testing.foreign import foreign_semaphore
from cts.work_cases.sharing import handle_of, name_of, share_semaphore

UNUSABLE: dict[str, Any] = {"an object": object(), "None": None, "-1": -1, "text": "no such name"}
"""What is a handle of no kind, and no semaphore."""

pytestmark = [
    pytest.mark.spec("SEM-11"),
    pytest.mark.needs("create_semaphore", "export_semaphore", "import_semaphore"),
]


def share_and_release(device: Device, peer: Device, kind: HandleType, order: int = 1) -> None:
    """What is allowed, beside what is refused."""
    for semaphore in share_semaphore(device, peer, kind)[::order]:
        semaphore.release()


@pytest.mark.parametrize("unclaimed", list(HandleType), ids=name_of)
def test_a_kind_that_is_not_claimed_is_refused(device: Device, unclaimed: HandleType) -> None:
    """Exports and imports by a kind that is not claimed: UNIMPLEMENTED."""
    capabilities = device.query_capabilities()
    if unclaimed & (capabilities.semaphore_export_types | capabilities.semaphore_import_types):
        unsupported(f"the device claims {unclaimed.name}")
    with device.create_semaphore() as semaphore:
        doing = f"export_semaphore(…, {unclaimed.name})"
        with expect_error(StatusCode.UNIMPLEMENTED, "SEM-11", doing):
            device.export_semaphore(semaphore, unclaimed)
        for handle in (semaphore, 0):
            doing = f"import_semaphore({handle!r}, {unclaimed.name})"
            with expect_error(StatusCode.UNIMPLEMENTED, "SEM-11", doing):
                device.import_semaphore(handle, unclaimed).release()


def test_more_than_one_kind_is_refused(device: Device, peer: Device, kind: HandleType) -> None:
    """Exports and imports by no kind and by two at once: INVALID_ARGUMENT; by one it is taken."""
    with device.create_semaphore() as semaphore, handle_of(device, semaphore, kind) as handle:
        for kinds in (HandleType(0), kind | HandleType.DMA_BUF):
            doing = f"(…, {kinds!r})"
            with expect_error(StatusCode.INVALID_ARGUMENT, "SEM-11", f"export_semaphore{doing}"):
                device.export_semaphore(semaphore, kinds)
            with expect_error(StatusCode.INVALID_ARGUMENT, "SEM-11", f"import_semaphore{doing}"):
                peer.import_semaphore(handle, kinds).release()
    share_and_release(device, peer, kind)


@pytest.mark.parametrize("what", UNUSABLE)
def test_what_is_no_handle_is_refused(
    device: Device, peer: Device, kind: HandleType, what: str
) -> None:
    """Imports something that is no handle of the kind: INVALID_ARGUMENT; a handle is taken."""
    doing = f"import_semaphore({what}, {kind.name})"
    with expect_error(StatusCode.INVALID_ARGUMENT, "SEM-11", doing):
        peer.import_semaphore(UNUSABLE[what], kind).release()
    share_and_release(device, peer, kind)


@pytest.mark.needs("allocator")
def test_what_is_no_semaphore_of_the_driver_is_refused(
    device: Device, peer: Device, kind: HandleType
) -> None:
    """Exports another driver's semaphore, a buffer, none, a destroyed one: each is refused."""
    gone = device.create_semaphore()
    gone.release()
    with foreign_semaphore() as foreign, device.allocator.allocate(16) as buffer:
        things: list[tuple[str, Any, StatusCode]] = [
            ("another driver's", foreign, StatusCode.INVALID_ARGUMENT),
            ("a buffer", buffer, StatusCode.INVALID_ARGUMENT),
            ("None", None, StatusCode.INVALID_ARGUMENT),
            ("a destroyed one", gone, StatusCode.FAILED_PRECONDITION),
        ]
        for what, thing, code in things:
            with expect_error(code, "SEM-11", f"export_semaphore({what})"):
                device.export_semaphore(thing, kind)
            if kind is HandleType.NATIVE:  # where it would be the handle
                with expect_error(code, "SEM-11", f"import_semaphore({what})"):
                    peer.import_semaphore(thing, kind).release()
    share_and_release(device, peer, kind)


def test_the_handle_stays_its_owners(device: Device, peer: Device, kind: HandleType) -> None:
    """Imports and releases twice by one handle: the exporter's count and payload are as before."""
    with device.create_semaphore(3) as exporter, handle_of(device, exporter, kind) as handle:
        before = exporter.reference_count
        for _ in range(2):
            peer.import_semaphore(handle, kind).release()
        expect_equal(exporter.reference_count, before, "SEM-11", "the exporter's count")
        expect_equal(exporter.query(), 3, "SEM-11", "the exporter's payload")


def test_descriptors_are_given_back(device: Device, peer: Device, kind: HandleType) -> None:
    """Shares and releases ten semaphores, in either order: as many descriptors as before."""
    share_and_release(device, peer, kind)  # a first use may leave a cache
    before = psutil.Process().num_fds()
    for turn in range(10):
        share_and_release(device, peer, kind, 1 if turn % 2 else -1)
    after = psutil.Process().num_fds()
    expect_equal(after, before, "SEM-11", "descriptors after ten semaphores were shared")
