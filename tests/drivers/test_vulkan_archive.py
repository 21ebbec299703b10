"""The archive that holds SPIR-V modules: what is packed comes back, and damage is found."""

from __future__ import annotations

import hashlib
import struct
from types import ModuleType

import pytest

from cts.work_cases.kernels import KERNELS

from .conftest import DriverModule
from .spirv_words import assembled

WHOLE = assembled({})


@pytest.fixture
def archive(driver_module: DriverModule) -> ModuleType:
    return driver_module("vulkan", "archive")


MODULES = [[], [b""], [b"one"], [WHOLE, b"", bytes(7), WHOLE]]


@pytest.mark.parametrize("modules", MODULES)
def test_an_archive_gives_what_was_packed(archive: ModuleType, modules: list[bytes]) -> None:
    assert archive.unpack(archive.pack(modules)) == modules


def test_the_archive_of_the_kernels_is_the_same_each_time(archive: ModuleType) -> None:
    assert archive.conformance_archive() is archive.conformance_archive()
    modules = archive.unpack(archive.conformance_archive())
    assert archive.pack(modules) == archive.conformance_archive()


def test_an_archive_that_is_cut_off_is_refused(archive: ModuleType) -> None:
    data = archive.conformance_archive()
    for length in range(len(data)):
        reason = "cut off or damaged" if length >= 40 else f"^{length} bytes that do not begin"
        with pytest.raises(ValueError, match=reason):
            archive.unpack(data[:length])


def test_an_archive_with_a_flipped_bit_is_refused(archive: ModuleType) -> None:
    """Flips a bit of every byte."""
    data = bytearray(archive.conformance_archive())
    for place in range(len(data)):
        bit = 1 << place % 8
        data[place] ^= bit
        reason = "do not begin as hal-cts-spirv does" if place < 8 else "cut off or damaged"
        with pytest.raises(ValueError, match=reason):
            archive.unpack(bytes(data))
        data[place] ^= bit
    assert len(archive.unpack(bytes(data))) == len(KERNELS)


def test_bytes_after_an_archive_are_refused(archive: ModuleType) -> None:
    with pytest.raises(ValueError, match="cut off or damaged"):
        archive.unpack(archive.pack([b"one"]) + b"\0")


@pytest.mark.parametrize(
    ("rest", "reason"),
    [
        ([], "0 bytes are left at 40, where a number is"),
        ([1], "0 bytes are left at 48, where a number is"),
        ([1, 1], "module 0 has 1 bytes: 0 are left"),
        ([2, 0, 9, 0], "module 1 has 9 bytes: 8 are left"),
        ([2**64 - 1, 0], "0 bytes are left at 56, where a number is"),
        ([1, 2**64 - 1], f"module 0 has {2**64 - 1} bytes: 0 are left"),
        ([1, 0, 0], "8 bytes are left after 1 modules"),
        ([0, 0], "8 bytes are left after 0 modules"),
    ],
)
def test_an_archive_with_wrong_numbers_is_refused(
    archive: ModuleType, rest: list[int], reason: str
) -> None:
    """Reads what no damage makes, since the digest is right."""
    body = struct.pack(f"<{len(rest)}Q", *rest)
    data = archive.pack([])[:8] + hashlib.sha256(body).digest() + body
    with pytest.raises(ValueError, match=reason):
        archive.unpack(data)
