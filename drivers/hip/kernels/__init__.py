"""The suite's kernels as code objects of AMD's GPUs, and one that traps.

``kernels.hip`` is their source, and ``kernels.hsaco`` what `build` makes of it: a bundle of one
code object for each kind of GPU, of which HIP takes the one that the device runs.
"""

from __future__ import annotations

from functools import cache
from importlib import resources

from ..._common.archive import Format
from ..._stream.archive import Archive, pack
from ..._stream.kernels import ENTRY_POINTS

FORMAT = Format("hal-cts-hsaco", b"HALHSA\x01\x00")


def hsaco() -> bytes:
    """The kernels, and a kernel ``trap`` without parameters, as HIP loads them."""
    return (resources.files(__package__) / "kernels.hsaco").read_bytes()


@cache
def conformance_archive() -> bytes:
    """The kernels as an executable."""
    return pack(FORMAT, Archive(ENTRY_POINTS, hsaco()))
