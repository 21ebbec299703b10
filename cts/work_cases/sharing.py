"""Memory that two devices share: one exports a buffer of its own, the other imports it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from cts.checks import unsupported
from cts.hal import Buffer, Device, HandleType
from cts.work_cases import noise

KINDS = (HandleType.NATIVE, HandleType.OPAQUE_FD, HandleType.SHM)
"""Those that cases can have in their hands; the others are refused, or not claimed."""
SIZES = (1, 4095, 4096, 4097)
"""Bytes that are shared: both sides of a page."""


def name_of(kind: HandleType) -> str:
    """The kind as a part of a case's id."""
    return str(kind.name)


def needs_kind(kind: HandleType, device: Device, peer: Device) -> None:
    """Ends a case for a kind that the device does not claim to export, or its peer to import."""
    for claimed, doing in (
        (device.query_capabilities().buffer_export_types, "export"),
        (peer.query_capabilities().buffer_import_types, "import"),
    ):
        if not kind & claimed:
            unsupported(f"the device does not claim to {doing} {kind.name}")


@contextmanager
def handle_of(device: Device, buffer: Buffer, kind: HandleType) -> Iterator[object]:
    """A handle that the block owns."""
    handle: Any = device.export_buffer(buffer, kind)
    try:
        yield handle
    finally:
        if kind is HandleType.OPAQUE_FD:
            os.close(handle)


def share(device: Device, peer: Device, kind: HandleType, size: int) -> tuple[Buffer, Buffer]:
    """A buffer of noise, and the peer's over the same memory; the handle is given up by then."""
    exporter = device.allocator.allocate(size, export_types=kind)
    exporter.write(0, noise(size).tobytes())
    with handle_of(device, exporter, kind) as handle:
        return exporter, peer.import_buffer(handle, kind, size)
