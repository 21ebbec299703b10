"""The executable format of this driver: SPIR-V modules of one entry point each, and a digest.

Vulkan checks nothing: a driver's shader compiler crashes the process on damaged SPIR-V (Mesa 25's
lavapipe and SwiftShader: SIGSEGV), and most damage is within functions, where `spirv.read_module`
does not look.
"""

from __future__ import annotations

from functools import cache
from importlib import resources

from .._common.archive import Format
from . import kernels

FORMAT = "hal-cts-spirv"
ARCHIVE = Format(FORMAT, b"HALSPV\x01\x00", "module")

pack, unpack = ARCHIVE.pack, ARCHIVE.unpack


@cache
def conformance_archive() -> bytes:
    """The suite's kernels, one module each."""
    folder = resources.files(kernels)
    return pack([(folder / f"{name}.spv").read_bytes() for name in kernels.NAMES])
