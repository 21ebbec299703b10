"""The archive of the drivers over streams: what is packed comes back, and all else is refused."""

from __future__ import annotations

import importlib
import json
from types import ModuleType
from typing import Any

import pytest

from cts import registry

from .conftest import DriverModule

MAGIC = b"HALTEST\x01"
POINT = {"name": "one", "constants": 4, "bindings": 2, "workgroup": [8, 4, 1]}
IMAGE = b"image"


@pytest.fixture
def archive(driver_module: DriverModule) -> ModuleType:
    """The module, by the name that drivers import it by."""
    return importlib.import_module(driver_module("cuda", "kernels").Archive.__module__)


@pytest.fixture
def format(driver_module: DriverModule) -> Any:
    return type(driver_module("cuda", "kernels").FORMAT)("a format", MAGIC)


@pytest.fixture
def small(archive: ModuleType, format: Any) -> bytes:
    """An archive of one entry point."""
    point = archive.StreamEntryPoint(**{**POINT, "workgroup": (8, 4, 1)})
    packed = archive.pack(format, archive.Archive([point], IMAGE))
    assert isinstance(packed, bytes)
    return packed


@pytest.mark.parametrize("image", [b"", IMAGE, bytes(range(256))])
def test_an_archive_gives_what_was_packed(archive: ModuleType, format: Any, image: bytes) -> None:
    points = [
        archive.StreamEntryPoint("least", constants=0, bindings=0),
        archive.StreamEntryPoint("größte", 4096, 4096, (1024, 1024, 1024)),
    ]
    assert points[0].workgroup == (1, 1, 1)
    packed = archive.pack(format, archive.Archive(points, image))
    assert archive.unpack(format, packed) == (points, image)


def test_an_archive_that_is_cut_off_is_refused(
    archive: ModuleType, format: Any, small: bytes
) -> None:
    for length in range(len(small)):
        reason = "cut off or damaged" if length >= 40 else f"^{length} bytes that do not begin"
        with pytest.raises(ValueError, match=reason):
            archive.unpack(format, small[:length])


def test_an_archive_with_a_flipped_bit_is_refused(
    archive: ModuleType, format: Any, small: bytes
) -> None:
    """Flips each bit of every byte."""
    data = bytearray(small)
    for place in range(len(data)):
        reason = "do not begin as a format does" if place < len(MAGIC) else "cut off or damaged"
        for bit in range(8):
            data[place] ^= 1 << bit
            with pytest.raises(ValueError, match=reason):
                archive.unpack(format, bytes(data))
            data[place] ^= 1 << bit
    assert len(archive.unpack(format, bytes(data)).entry_points) == 1


def test_bytes_after_an_archive_are_refused(archive: ModuleType, format: Any, small: bytes) -> None:
    with pytest.raises(ValueError, match="cut off or damaged"):
        archive.unpack(format, small + b"\0")


def executable_of(driver: str) -> tuple[Any, bytes]:
    """A driver's format, and the suite's kernels in it."""
    made: Any = registry.load(driver)()
    return made.executable_format, made.conformance_executable(made.executable_format.name)


@pytest.mark.parametrize(
    ("driver", "other"),
    [("cuda", "hip"), ("hip", "metal"), ("amdgpu", "cuda"), ("metal", "amdgpu")],
)
def test_an_archive_of_another_driver_is_refused(
    archive: ModuleType, driver: str, other: str
) -> None:
    format, _ = executable_of(driver)
    _, foreign = executable_of(other)
    with pytest.raises(ValueError, match=f"do not begin as {format.name} does"):
        archive.unpack(format, foreign)


def test_hip_and_amdgpu_have_one_format(archive: ModuleType) -> None:
    assert executable_of("hip") == executable_of("amdgpu")


@pytest.mark.parametrize("count", [0, 1, 3])
def test_another_number_of_parts_is_refused(archive: ModuleType, format: Any, count: int) -> None:
    parts = [json.dumps([POINT]).encode(), IMAGE, b""][:count]
    with pytest.raises(ValueError, match=f"it has {count} parts"):
        archive.unpack(format, format.pack(parts))


def test_entry_points_are_json(archive: ModuleType, format: Any) -> None:
    """Reads what the tests of refusals start from, in a writer's own layout."""
    text = json.dumps([POINT], indent=1).encode()
    (point,) = archive.unpack(format, format.pack([text, IMAGE])).entry_points
    assert (point.name, point.constants, point.bindings) == ("one", 4, 2)
    assert point.workgroup == (8, 4, 1)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"name": 1}, "Expected `str`, got `int`"),
        ({"name": ""}, "matching regex"),
        ({"name": "one\0"}, "matching regex"),
        ({"constants": -1}, ">= 0"),
        ({"constants": 4097}, "<= 4096"),
        ({"constants": True}, "Expected `int`, got `bool`"),
        ({"constants": 4.0}, "Expected `int`, got `float`"),
        ({"constants": "4"}, "Expected `int`, got `str`"),
        ({"constants": None}, "Expected `int`, got `null`"),
        ({"bindings": -1}, ">= 0"),
        ({"bindings": 4097}, "<= 4096"),
        ({"bindings": 2**70}, "out of range|Expected `int`"),
        ({"workgroup": [8, 4]}, "of length 3"),
        ({"workgroup": [8, 4, 1, 1]}, "of length 3"),
        ({"workgroup": [0, 4, 1]}, ">= 1"),
        ({"workgroup": [8, 1025, 1]}, "<= 1024"),
        ({"workgroup": 8}, "Expected `array`, got `int`"),
        ({"shared": 0}, "unknown field `shared`"),
    ],
)
def test_an_entry_point_of_other_types_is_refused(
    archive: ModuleType, format: Any, changed: dict[str, Any], reason: str
) -> None:
    text = json.dumps([{**POINT, **changed}]).encode()
    with pytest.raises(ValueError, match=f"entry points cannot be read: .*({reason})"):
        archive.unpack(format, format.pack([text, IMAGE]))


@pytest.mark.parametrize("field", ["name", "constants", "bindings"])
def test_an_entry_point_without_a_field_is_refused(
    archive: ModuleType, format: Any, field: str
) -> None:
    text = json.dumps([{key: POINT[key] for key in POINT if key != field}]).encode()
    with pytest.raises(ValueError, match=f"missing required field `{field}`"):
        archive.unpack(format, format.pack([text, IMAGE]))


@pytest.mark.parametrize(
    "text", [b"", b"[", b"null", b"{}", b"[1]", b"[] []", b'[{"name": "\xff"}]', b"[" * 100_000]
)
def test_what_is_no_list_of_entry_points_is_refused(
    archive: ModuleType, format: Any, text: bytes
) -> None:
    with pytest.raises(ValueError, match="entry points cannot be read"):
        archive.unpack(format, format.pack([text, IMAGE]))


@pytest.mark.parametrize("names", [[], ["one", "one"], ["one", "two", "one"]])
def test_entry_points_have_names_of_their_own(
    archive: ModuleType, format: Any, names: list[str]
) -> None:
    text = json.dumps([{**POINT, "name": name} for name in names]).encode()
    with pytest.raises(ValueError, match="each has a name of its own"):
        archive.unpack(format, format.pack([text, IMAGE]))
