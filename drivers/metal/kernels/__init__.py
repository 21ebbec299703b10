"""The suite's kernels in Metal's language, one that never ends, and those of the driver's own."""

from __future__ import annotations

from functools import cache
from importlib import resources

from ..._common.archive import Format
from ..._stream.archive import Archive, pack
from ..._stream.kernels import ENTRY_POINTS

FORMAT = Format("hal-cts-msl", b"HALMSL\x01\x00")
SUPPORT = ("hal_cts_copy_bytes", "hal_cts_fill")
"""The driver's own."""


def trap() -> bytes:
    """A kernel ``trap`` without parameters."""
    return _source("trap.metal")


def support() -> bytes:
    """The driver's own kernels."""
    return _source("support.metal")


@cache
def conformance_archive() -> bytes:
    """The kernels as an executable."""
    return pack(FORMAT, Archive(ENTRY_POINTS, _source("kernels.metal")))


def _source(name: str) -> bytes:
    return (resources.files(__package__) / name).read_bytes()
