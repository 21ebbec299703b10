"""What two devices share: one exports a buffer or semaphore of its own, the other imports it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

from cts.checks import unsupported
from cts.hal import Buffer, Device, DeviceGroup, HandleType, InteropMode, Semaphore
from cts.work_cases import noise

KINDS = (HandleType.NATIVE, HandleType.OPAQUE_FD, HandleType.DMA_BUF, HandleType.SHM)
"""Those that cases can have in their hands; the others are refused, or not claimed."""
SEMAPHORE_KINDS = (HandleType.NATIVE, HandleType.OPAQUE_FD)
"""The same of semaphores."""
DESCRIPTORS = HandleType.OPAQUE_FD | HandleType.DMA_BUF
"""Kinds whose handles are file descriptors."""
SIZES = (1, 4095, 4096, 4097)
"""Bytes that are shared: both sides of a page."""


def name_of(kind: HandleType) -> str:
    """The kind as a part of a case's id."""
    return str(kind.name)


def needs_kind(
    kind: HandleType,
    device: Device,
    peer: Device,
    what: Literal["buffer", "semaphore"] = "buffer",
) -> None:
    """Ends a case for a kind that the device does not claim to export, or its peer to import."""
    for maker, doing in ((device, "export"), (peer, "import")):
        claimed = getattr(maker.query_capabilities(), f"{what}_{doing}_types")
        if not kind & claimed:
            unsupported(f"the device does not claim to {doing} a {what} by {kind.name}")


def take_each_others_semaphores(group: DeviceGroup) -> bool:
    """Whether the queues of a group's first two devices take each other's semaphores as they are,
    by the edges between the two."""
    edges = [group.topology.query_edge(0, 1), group.topology.query_edge(1, 0)]
    native = InteropMode.NATIVE
    return all(edge and edge.wait_mode is edge.signal_mode is native for edge in edges)


def needs_each_others_semaphores(group: DeviceGroup) -> None:
    """Ends a case that has a queue take another device's semaphores, where no edge says so."""
    if not take_each_others_semaphores(group):
        unsupported("no edge says that a queue takes another device's semaphores as they are")


@contextmanager
def handle_of(device: Device, shared: Buffer | Semaphore, kind: HandleType) -> Iterator[object]:
    """A handle that the block owns."""
    handle: Any = (
        device.export_buffer(shared, kind)
        if isinstance(shared, Buffer)
        else device.export_semaphore(shared, kind)
    )
    try:
        yield handle
    finally:
        if kind & DESCRIPTORS:
            os.close(handle)


def share(device: Device, peer: Device, kind: HandleType, size: int) -> tuple[Buffer, Buffer]:
    """A buffer of noise, and the peer's over the same memory; the handle is given up by then."""
    exporter = device.allocator.allocate(size, export_types=kind)
    exporter.write(0, noise(size).tobytes())
    with handle_of(device, exporter, kind) as handle:
        return exporter, peer.import_buffer(handle, kind, size)


def share_semaphore(
    device: Device, peer: Device, kind: HandleType, payload: int = 0
) -> tuple[Semaphore, Semaphore]:
    """A semaphore, and the peer's over the same timeline; the handle is given up by then."""
    exporter = device.create_semaphore(payload)
    with handle_of(device, exporter, kind) as handle:
        return exporter, peer.import_semaphore(handle, kind)
