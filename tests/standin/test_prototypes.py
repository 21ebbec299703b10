"""The stand-ins' functions are declared as their vendors declare them: they compile with those
headers, where they are here."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from . import SOURCES

CUDA = ("cuda_", "cuda.h", ())
HIP = ("hip_", "hip/hip_runtime_api.h", ("-D__HIP_PLATFORM_AMD__",))
STRUCTURES, ATTRIBUTES = 4, 20
Vendor = tuple[str, str, tuple[str, ...]]
FOLDERS = (
    Path(os.environ.get("CUDA_HOME", "/usr/local/cuda"), "include"),
    Path("/usr/include"),
    Path("/opt/rocm/include"),
)


def complaints(vendor: Vendor, folder: Path) -> str:
    """What the compiler says of a vendor's files, with its own declarations before it."""
    prefix, header, options = vendor
    include = next((place for place in FOLDERS if (place / header).exists()), None)
    compiler = shutil.which("cc")
    if include is None or compiler is None:
        pytest.skip(f"no {header} here, or no C compiler")
    done = subprocess.run(
        [
            compiler,
            *("-std=gnu17", "-fsyntax-only", "-Wall", "-Wextra", "-Werror"),
            *("-Wno-enum-conversion", "-DWITH_VENDOR_HEADER", f"-isystem{include}", *options),
            *sorted(folder.glob(f"{prefix}*.c")),
        ],
        capture_output=True,
        text=True,
    )
    assert bool(done.returncode) == bool(done.stderr)
    return done.stderr


@pytest.mark.parametrize("vendor", [CUDA, HIP], ids=["cuda", "hip"])
def test_they_are_the_vendors(vendor: Vendor) -> None:
    assert complaints(vendor, SOURCES) == ""


@pytest.mark.parametrize(
    ("vendor", "file", "right", "wrong"),
    [
        (CUDA, "cuda_stream.c", "cuuint64_t value,", "unsigned value,"),
        (HIP, "hip_stream.c", "uint64_t value, unsigned flags)", "int value, unsigned flags)"),
    ],
    ids=["cuda", "hip"],
)
def test_a_wrong_one_does_not_compile(
    tmp_path: Path, vendor: Vendor, file: str, right: str, wrong: str
) -> None:
    for path in (*SOURCES.glob("*.c"), *SOURCES.glob("*.h")):
        shutil.copy(path, tmp_path)
    text = (tmp_path / file).read_text()
    assert right in text
    (tmp_path / file).write_text(text.replace(right, wrong, 1))
    assert "conflicting types" in complaints(vendor, tmp_path)


def test_amds_newer_structures_are_the_bindings() -> None:
    hip = pytest.importorskip("rocm.bindings.hip")
    asserted = re.findall(r"sizeof\((\w+)\) == (\d+)", (SOURCES / "hip_abi.h").read_text())
    assert len(asserted) == STRUCTURES
    for name, size in asserted:
        assert getattr(hip, name)().c_sizeof() == int(size), name


def test_amds_attributes_are_the_bindings() -> None:
    hip = pytest.importorskip("rocm.bindings.hip")
    numbers = re.findall(r"\{(\d+), .*/\* (\w+) \*/", (SOURCES / "hip_device.c").read_text())
    assert len(numbers) == ATTRIBUTES
    for number, name in numbers:
        attribute = getattr(hip.hipDeviceAttribute_t, f"hipDeviceAttribute{name}")
        assert int(attribute) == int(number), name
