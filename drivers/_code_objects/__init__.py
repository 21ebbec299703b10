"""Code objects: the suite's kernels for AMD's GPUs, which `hip` and `amdgpu` load.

``kernels.hip`` is their source, and ``kernels.hsaco`` what `build` makes of it: a bundle of one
code object for each kind of GPU. HIP takes the one that its device runs; the HSA runtime is given
it (`code_object_for`).
"""

from __future__ import annotations

import struct
from functools import cache
from importlib import resources

from .._common.archive import Format
from .._stream.archive import Archive, pack
from .._stream.kernels import ENTRY_POINTS

FORMAT = Format("hal-cts-hsaco", b"HALHSA\x01\x00")

_MAGIC = b"__CLANG_OFFLOAD_BUNDLE__"
_COUNT = struct.Struct("<Q")
_ENTRY = struct.Struct("<3Q")
"""Where a code object is, its bytes, and how long its target's name is."""
_ARCHITECTURE = "amdgcn-amd-amdhsa--"


def hsaco() -> bytes:
    """The kernels, and a kernel ``trap`` without parameters, as a bundle."""
    return (resources.files(__package__) / "kernels.hsaco").read_bytes()


@cache
def conformance_archive() -> bytes:
    """The kernels as an executable."""
    return pack(FORMAT, Archive(ENTRY_POINTS, hsaco()))


def code_object_for(isa: str, image: bytes) -> bytes | None:
    """The code object of a bundle that an ISA runs; none where there is none for it.

    Raises ValueError for what is no bundle, or is cut off (clang's ClangOffloadBundler, "Bundled
    Binary File Layout").

    Parameters
    ----------
    isa : ``amdgcn-amd-amdhsa--gfx942:sramecc+:xnack-``; a feature that a code object is not made
        for is any to it.
    """
    processor, *features = isa.removeprefix(_ARCHITECTURE).split(":")
    for target, code in _entries(image):
        wanted, *needed = target.rpartition(_ARCHITECTURE)[2].split(":")
        if _ARCHITECTURE in target and wanted == processor and {*needed} <= {*features}:
            return code
    return None


def _entries(image: bytes) -> list[tuple[str, bytes]]:
    """Targets and their code objects."""
    if not image.startswith(_MAGIC):
        raise ValueError(f"{len(image)} bytes that do not begin as a bundle of code objects does")
    try:
        (count,) = _COUNT.unpack_from(image, len(_MAGIC))
        place, found = len(_MAGIC) + _COUNT.size, []
        for _ in range(count):
            start, size, length = _ENTRY.unpack_from(image, place)
            place += _ENTRY.size + length
            if max(place, start + size) > len(image):
                raise ValueError(f"a bundle of code objects that is cut off at {len(image)} bytes")
            name = image[place - length : place].decode("ascii")
            found.append((name, image[start : start + size]))
    except struct.error as error:
        raise ValueError("a bundle of code objects that is cut off") from error
    return found
