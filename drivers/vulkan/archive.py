"""The executable format of this driver: SPIR-V modules of one entry point each, and a digest.

    8 bytes   magic
    32 bytes  SHA-256 of what follows
    8 bytes   how many modules there are
    then for each: 8 bytes that say how long it is, and the module

Numbers are little-endian. There is a digest because Vulkan checks nothing: a driver's shader
compiler crashes the process on damaged SPIR-V (Mesa 25's lavapipe and SwiftShader: SIGSEGV), and
most damage is within functions, where `spirv.read_module` does not look. So it must be found before
a driver sees the code.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Sequence
from functools import cache
from importlib import resources

from . import kernels

FORMAT = "hal-cts-spirv"
_MAGIC = b"HALSPV\x01\x00"
_HEADER = struct.Struct("<8s32s")
"""Magic, SHA-256 of the rest."""
_NUMBER = struct.Struct("<Q")


def pack(modules: Sequence[bytes]) -> bytes:
    """An archive of modules, in their order."""
    parts = [_NUMBER.pack(len(modules))]
    for module in modules:
        parts += _NUMBER.pack(len(module)), module
    rest = b"".join(parts)
    return _HEADER.pack(_MAGIC, hashlib.sha256(rest).digest()) + rest


def unpack(data: bytes) -> list[bytes]:
    """The modules of an archive. Raises ValueError for what is none, cut off or damaged, or has
    bytes after its last module."""
    if len(data) < _HEADER.size or not data.startswith(_MAGIC):
        raise ValueError(f"{len(data)} bytes that do not begin as {FORMAT} does")
    _, digest = _HEADER.unpack_from(data)
    if hashlib.sha256(data[_HEADER.size :]).digest() != digest:
        raise ValueError(f"{len(data)} bytes that are cut off or damaged: their digest is another")
    count, place = _number(data, _HEADER.size)
    modules: list[bytes] = []
    for _ in range(count):
        length, place = _number(data, place)
        if length > len(data) - place:
            left = len(data) - place
            raise ValueError(f"module {len(modules)} has {length} bytes: {left} are left")
        modules.append(data[place : place + length])
        place += length
    if place < len(data):
        raise ValueError(f"{len(data) - place} bytes are left after {count} modules")
    return modules


def _number(data: bytes, place: int) -> tuple[int, int]:
    """The number at a place, and the place after it."""
    if _NUMBER.size > len(data) - place:
        raise ValueError(f"{len(data) - place} bytes are left at {place}, where a number is")
    return _NUMBER.unpack_from(data, place)[0], place + _NUMBER.size


@cache
def conformance_archive() -> bytes:
    """The suite's kernels, one module each."""
    folder = resources.files(kernels)
    return pack([(folder / f"{name}.spv").read_bytes() for name in kernels.NAMES])
