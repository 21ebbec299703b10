"""The kernels for AMD's GPUs: made again from their source, they are the same, and what is said
of them is what a code object says."""

from __future__ import annotations

import importlib
import os
import re
import shutil
import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import msgspec
import pytest

from cts.hal import EntryPoint
from cts.work_cases.kernels import KERNELS

from .conftest import DriverModule

PACKAGES = "clang-19 clang-tools-19 lld-19"
BUNDLER = "clang-offload-bundler-19"
TARGETS = ("gfx90a", "gfx942", "gfx1100", "gfx1201")
TRAP = EntryPoint("trap", constants=0, bindings=0)

BUNDLE_MAGIC = b"__CLANG_OFFLOAD_BUNDLE__"
BUNDLE_ALIGNMENT = 4096
HSA, CODE_OBJECT_V5 = 64, 3
"""Of an ELF header: the OS ABI of code objects, and its version."""
NOTES, METADATA = 4, 32
"""A program header's type, and a note's."""
DYNAMIC_SYMBOLS, SYMBOL = 11, struct.Struct("<IBBHQQ")
"""A section header's type, and an entry of what it leads to."""
OBJECT, KERNEL_DESCRIPTOR_SIZE = 1, 64


class CodeObject(NamedTuple):
    """What a code object says of itself.

    Attributes
    ----------
    metadata : by HIP's names.
    descriptors : names of the symbols that HIP launches kernels by.
    """

    metadata: dict[str, Any]
    descriptors: set[str]


def objects_of(bundle: bytes) -> dict[str, bytes]:
    """The code objects by their targets (clang's ClangOffloadBundler, "Bundled Binary File
    Layout")."""
    assert bundle.startswith(BUNDLE_MAGIC)
    (count,) = struct.unpack_from("<Q", bundle, len(BUNDLE_MAGIC))
    place = len(BUNDLE_MAGIC) + 8
    found = {}
    for _ in range(count):
        offset, size, length = struct.unpack_from("<3Q", bundle, place)
        kind, _, target = bundle[place + 24 : place + 24 + length].decode().partition("-")
        place += 24 + length
        assert offset % BUNDLE_ALIGNMENT == 0
        assert offset + size <= len(bundle)
        found[f"{kind} {target}"] = bundle[offset : offset + size]
    # The compiler has an entry for the host's code, which is empty here.
    assert found.pop("host x86_64-unknown-linux--") == b""
    return {name.removeprefix("hipv4 amdgcn-amd-amdhsa--"): code for name, code in found.items()}


def read(code: bytes) -> CodeObject:
    """Reads an ELF file of 64 bits, little-endian."""
    assert code[:7] == b"\x7fELF\x02\x01\x01"
    assert (code[7], code[8]) == (HSA, CODE_OBJECT_V5)
    segments_at, sections_at = struct.unpack_from("<2Q", code, 32)
    segment_size, segments, section_size, sections = struct.unpack_from("<4H", code, 54)
    metadata: dict[str, Any] = {}
    for place in range(segments_at, segments_at + segments * segment_size, segment_size):
        kind, _, offset, _, _, size = struct.unpack_from("<IIQQQQ", code, place)
        if kind == NOTES:
            for name, number, content in notes(code[offset : offset + size]):
                if (name, number) == (b"AMDGPU\0", METADATA):
                    metadata = msgspec.msgpack.decode(content)
    headers = [
        struct.unpack_from("<IIQQQQIIQQ", code, sections_at + n * section_size)
        for n in range(sections)
    ]
    descriptors = set()
    for header in headers:
        if header[1] == DYNAMIC_SYMBOLS:
            offset, size, names_at = header[4], header[5], headers[header[6]][4]
            for name_at, info, *_, length in SYMBOL.iter_unpack(code[offset : offset + size]):
                if info & 15 == OBJECT and length == KERNEL_DESCRIPTOR_SIZE:
                    start = names_at + name_at
                    descriptors.add(code[start : code.index(b"\0", start)].decode())
    return CodeObject(metadata, descriptors)


def notes(data: bytes) -> Iterator[tuple[bytes, int, bytes]]:
    """Name, type and content of each."""
    place = 0
    while place < len(data):
        name_size, size, kind = struct.unpack_from("<3I", data, place)
        content_at = place + 12 + (name_size + 3) // 4 * 4
        name = data[place + 12 : place + 12 + name_size]
        yield name, kind, data[content_at : content_at + size]
        place = content_at + (size + 3) // 4 * 4


def needs(tool: str) -> None:
    """Skips where a tool is not installed; a CI job has them."""
    if shutil.which(tool) is None:
        missing = f"no {tool} is here: apt-get install {PACKAGES}"
        pytest.fail(missing) if os.environ.get("CI") else pytest.skip(missing)


@pytest.fixture
def kernels(driver_module: DriverModule) -> ModuleType:
    shared: ModuleType = driver_module("amdgpu", "driver")._code_objects
    return shared


@pytest.fixture
def build(kernels: ModuleType) -> ModuleType:
    return importlib.import_module(f"{kernels.__name__}.build")


@pytest.fixture(params=TARGETS)
def target(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def code_object(kernels: ModuleType, target: str) -> CodeObject:
    return read(objects_of(kernels.hsaco())[target])


def test_entry_points_are_the_suites(kernels: ModuleType) -> None:
    points = kernels.ENTRY_POINTS
    assert [EntryPoint(p.name, p.constants, p.bindings) for p in points] == list(KERNELS)
    assert {point.workgroup for point in points} == {(1, 1, 1)}


def test_the_bundle_has_one_code_object_for_each_target(
    kernels: ModuleType, build: ModuleType
) -> None:
    assert sorted(objects_of(kernels.hsaco())) == sorted(TARGETS)
    assert build.TARGETS == TARGETS


def test_a_code_object_is_for_its_target(code_object: CodeObject, target: str) -> None:
    assert code_object.metadata["amdhsa.target"] == f"amdgcn-amd-amdhsa--{target}"


def test_a_code_object_has_all_kernels(code_object: CodeObject) -> None:
    names = {kernel.name for kernel in (*KERNELS, TRAP)}
    listed = code_object.metadata["amdhsa.kernels"]
    assert {kernel[".name"] for kernel in listed} == names
    assert {kernel[".symbol"] for kernel in listed} == code_object.descriptors
    assert code_object.descriptors == {f"{name}.kd" for name in names}


@pytest.mark.parametrize("kernel", [*KERNELS, TRAP], ids=lambda kernel: kernel.name)
def test_arguments_are_bindings_and_then_constants(
    code_object: CodeObject, kernel: EntryPoint
) -> None:
    """Reads the arguments of a kernel: its own, side by side, and hidden ones after them."""
    listed = {one[".name"]: one for one in code_object.metadata["amdhsa.kernels"]}
    arguments = [
        (one[".value_kind"], one[".offset"], one[".size"]) for one in listed[kernel.name][".args"]
    ]
    count = kernel.bindings + kernel.constants
    end = 8 * kernel.bindings
    bindings = [("global_buffer", 8 * n, 8) for n in range(kernel.bindings)]
    constants = [("by_value", end + 4 * n, 4) for n in range(kernel.constants)]
    assert arguments[:count] == bindings + constants
    hidden = arguments[count:]
    assert all(kind.startswith("hidden_") for kind, _, _ in hidden)
    if kernel.name in ("absolute", "scale", "count", "places"):
        first = end + 4 * kernel.constants
        counts = [(f"hidden_block_count_{axis}", first + 4 * n, 4) for n, axis in enumerate("xyz")]
        assert hidden[:3] == counts
    else:
        assert hidden == []


def test_a_workgroup_has_one_thread(code_object: CodeObject) -> None:
    for kernel in code_object.metadata["amdhsa.kernels"]:
        assert kernel[".max_flat_workgroup_size"] == 1, kernel[".name"]


def test_the_compiler_makes_the_same_again(
    build: ModuleType, kernels: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Builds from a copy of the source: where it lies is in none of the bytes."""
    needs(build.COMPILER)
    needs(BUNDLER)
    copied = tmp_path / build.SOURCE.name
    shutil.copy(build.SOURCE, copied)
    monkeypatch.setattr(build, "SOURCE", copied)
    made = tmp_path / "made.hsaco"
    build.build(made)
    assert made.read_bytes() == kernels.hsaco(), f"run {build.__name__}"


def test_a_source_that_is_none_is_refused(
    build: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    needs(build.COMPILER)
    source, made = tmp_path / "kernels.hip", tmp_path / "made.hsaco"
    source.write_text("int absolute(")
    monkeypatch.setattr(build, "SOURCE", source)
    with pytest.raises(subprocess.CalledProcessError):
        build.build(made)
    assert not made.exists()


def test_product_and_sum_are_rounded_each(build: ModuleType, target: str) -> None:
    """Reads the assembly of scale: fused, it would differ from numpy's in the last bit."""
    needs(build.COMPILER)
    command = [build.COMPILER, *build.OPTIONS, f"--offload-arch={target}", "-S", "-o", "-"]
    done = subprocess.run([*command, str(build.SOURCE)], capture_output=True, text=True, check=True)
    body = done.stdout.partition("\nscale:")[2].partition("s_endpgm")[0]
    arithmetic = re.findall(r"^\t[sv]_(mul|add|sub|fma|fmac|mad|mac|fmaak|fmamk)_f32", body, re.M)
    assert arithmetic == ["mul", "add"]


# -- the one that an ISA runs -------------------------------------------------------------------


@pytest.mark.parametrize("features", ["", ":xnack-", ":sramecc+:xnack+"])
def test_an_isa_is_given_its_code_object(kernels: ModuleType, target: str, features: str) -> None:
    found = kernels.code_object_for(f"amdgcn-amd-amdhsa--{target}{features}", kernels.hsaco())
    assert found == objects_of(kernels.hsaco())[target]


@pytest.mark.parametrize("name", ["gfx906", "gfx94", "gfx9421", ""])
def test_an_isa_without_one_is_given_none(kernels: ModuleType, name: str) -> None:
    assert kernels.code_object_for(f"amdgcn-amd-amdhsa--{name}", kernels.hsaco()) is None


def test_a_code_object_for_a_feature_is_for_it_alone(kernels: ModuleType) -> None:
    image = kernels.hsaco().replace(b"--gfx90a", b"--gf:x1+", 1)
    assert kernels.code_object_for("amdgcn-amd-amdhsa--gf:x1-", image) is None
    assert kernels.code_object_for("amdgcn-amd-amdhsa--gf:x1+", image) is not None


@pytest.mark.parametrize("length", [0, 10, 24, 31, 32, 60, 100, 5000])
def test_what_is_cut_off_is_no_bundle(kernels: ModuleType, length: int) -> None:
    with pytest.raises(ValueError, match="code objects"):
        kernels.code_object_for("amdgcn-amd-amdhsa--gfx90a", kernels.hsaco()[:length])


def test_the_executable_is_the_kernels(kernels: ModuleType) -> None:
    archive = importlib.import_module(kernels.Archive.__module__)
    found = archive.unpack(kernels.FORMAT, kernels.conformance_archive())
    assert (tuple(found.entry_points), found.image) == (kernels.ENTRY_POINTS, kernels.hsaco())
    assert kernels.conformance_archive() is kernels.conformance_archive()
