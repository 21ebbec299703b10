"""The suite's kernels as PTX, and one that traps."""

from __future__ import annotations

from functools import cache
from importlib import resources

from ..._common.archive import Format
from ..._stream.archive import Archive, pack
from ..._stream.kernels import ENTRY_POINTS

FORMAT = Format("hal-cts-ptx", b"HALPTX\x01\x00")


def ptx() -> bytes:
    """The kernels, as CUDA loads them: text that ends with a 0."""
    return _text("kernels.ptx")


def trap_ptx() -> bytes:
    """A kernel ``trap`` without parameters."""
    return _text("trap.ptx")


@cache
def conformance_archive() -> bytes:
    """The kernels as an executable."""
    return pack(FORMAT, Archive(ENTRY_POINTS, ptx()))


def _text(name: str) -> bytes:
    return (resources.files(__package__) / name).read_bytes() + b"\0"
