"""Executables of streams: a module of device code, and what its entry points take.

An archive (`.._common.archive`) of two parts: the entry points, as JSON, and the module, as the
vendor's library loads it. The library tells neither how many arguments an entry point has, nor how
many threads a workgroup of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, NamedTuple

import msgspec

from .._common.archive import Format

Size = Annotated[int, msgspec.Meta(ge=1, le=1024)]
Count = Annotated[int, msgspec.Meta(ge=0, le=4096)]


class StreamEntryPoint(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An entry point: its arguments are addresses of 64 bits, and then constants of 32 bits."""

    # A name goes to the vendor's library, for which it ends at a 0.
    name: Annotated[str, msgspec.Meta(pattern=r"\A[^\0]+\Z")]
    constants: Count
    bindings: Count
    workgroup: tuple[Size, Size, Size] = (1, 1, 1)
    """Threads of a workgroup."""


class Archive(NamedTuple):
    """What an executable's bytes say."""

    entry_points: Sequence[StreamEntryPoint]
    image: bytes


def pack(format: Format, archive: Archive) -> bytes:
    """The bytes of an executable."""
    return format.pack([msgspec.json.encode(list(archive.entry_points)), archive.image])


def unpack(format: Format, data: bytes) -> Archive:
    """What they say. Raises ValueError for what is cut off, damaged, or not of that format."""
    parts = format.unpack(data)
    if len(parts) != 2:
        raise ValueError(f"it has {len(parts)} parts: they are the entry points, and the module")
    try:
        points = msgspec.json.decode(parts[0], type=list[StreamEntryPoint])
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"its entry points cannot be read: {error}") from error
    names = [point.name for point in points]
    if not names or len({*names}) < len(names):
        raise ValueError(f"its entry points are {names}: each has a name of its own")
    return Archive(points, parts[1])
