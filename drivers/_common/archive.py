"""Archives: parts of some bytes each, with a digest over all, for formats of device code.

    8 bytes   magic, of the format
    32 bytes  SHA-256 of what follows
    8 bytes   how many parts there are
    then for each: 8 bytes that say how long it is, and the part

Numbers are little-endian. There is a digest because a vendor's compiler may crash on damaged code,
or take it for other code: it has to be found before that.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Sequence
from typing import NamedTuple

_HEADER = struct.Struct("<8s32s")
"""Magic, SHA-256 of the rest."""
_NUMBER = struct.Struct("<Q")


class Format(NamedTuple):
    """A format of device code.

    Attributes
    ----------
    name : as drivers declare it, ``hal-cts-spirv``.
    magic : 8 bytes that it begins with.
    parts : what a part is called in messages.
    """

    name: str
    magic: bytes
    parts: str = "part"

    def pack(self, parts: Sequence[bytes]) -> bytes:
        """An archive of parts, in their order."""
        packed = [_NUMBER.pack(len(parts))]
        for part in parts:
            packed += _NUMBER.pack(len(part)), part
        rest = b"".join(packed)
        return _HEADER.pack(self.magic, hashlib.sha256(rest).digest()) + rest

    def unpack(self, data: bytes) -> list[bytes]:
        """The parts of an archive. Raises ValueError for what is none, cut off or damaged, or has
        bytes after its last part."""
        if len(data) < _HEADER.size or not data.startswith(self.magic):
            raise ValueError(f"{len(data)} bytes that do not begin as {self.name} does")
        _, digest = _HEADER.unpack_from(data)
        if hashlib.sha256(data[_HEADER.size :]).digest() != digest:
            raise ValueError(
                f"{len(data)} bytes that are cut off or damaged: their digest is another"
            )
        count, place = _number(data, _HEADER.size)
        found: list[bytes] = []
        for _ in range(count):
            length, place = _number(data, place)
            if length > len(data) - place:
                left = len(data) - place
                raise ValueError(f"{self.parts} {len(found)} has {length} bytes: {left} are left")
            found.append(data[place : place + length])
            place += length
        if place < len(data):
            raise ValueError(f"{len(data) - place} bytes are left after {count} {self.parts}s")
        return found


def _number(data: bytes, place: int) -> tuple[int, int]:
    """The number at a place, and the place after it."""
    if _NUMBER.size > len(data) - place:
        raise ValueError(f"{len(data) - place} bytes are left at {place}, where a number is")
    return _NUMBER.unpack_from(data, place)[0], place + _NUMBER.size
