"""The CUDA driver's kernels: their parameters are what is said of them, and they assemble."""

from __future__ import annotations

import importlib
import re
import shutil
import subprocess
from pathlib import Path
from types import ModuleType

import pytest

from cts.hal import EntryPoint
from cts.work_cases.kernels import KERNELS

from .conftest import DriverModule

ASSEMBLER = "ptxas"
ARCHITECTURES = ("sm_75", "sm_90", "sm_100")
ENTRY = re.compile(r"\.visible\s+\.entry\s+(\w+)\s*\(([^)]*)\)\s*\{([^}]*)\}")
"""An entry's name, its parameters, and its body."""
PARAMETER = re.compile(r"\s*\.param\s+\.(\w+)\s+\w+\s*")


@pytest.fixture
def kernels(driver_module: DriverModule) -> ModuleType:
    return driver_module("cuda", "kernels")


def parameters(text: str) -> dict[str, list[str]]:
    """The types of the parameters of each entry."""
    found = {}
    for name, declared, _ in ENTRY.findall(text):
        matches = [PARAMETER.fullmatch(one) for one in declared.split(",") if declared.strip()]
        assert all(matches), declared
        found[name] = [match[1] for match in matches if match]
    return found


def texts(kernels: ModuleType) -> dict[str, str]:
    """What CUDA gets, without the 0 that ends it."""
    found = {}
    for name in ("ptx", "trap_ptx"):
        data: bytes = getattr(kernels, name)()
        assert data.index(b"\0") == len(data) - 1, name
        found[name] = data[:-1].decode("ascii")
    return found


def test_entry_points_are_the_suites(kernels: ModuleType) -> None:
    points = kernels.ENTRY_POINTS
    assert [EntryPoint(p.name, p.constants, p.bindings) for p in points] == list(KERNELS)
    assert {point.workgroup for point in points} == {(1, 1, 1)}


def test_parameters_are_bindings_and_then_constants(kernels: ModuleType) -> None:
    found = parameters(texts(kernels)["ptx"])
    assert list(found) == [kernel.name for kernel in KERNELS]
    for kernel in KERNELS:
        types = found[kernel.name]
        addresses, constants = types[: kernel.bindings], types[kernel.bindings :]
        assert addresses == ["u64"] * kernel.bindings, kernel.name
        assert len(constants) == kernel.constants, kernel.name
        assert {*constants} <= {"u32", "f32"}, kernel.name


def test_the_trap_has_no_parameters(kernels: ModuleType) -> None:
    assert parameters(texts(kernels)["trap_ptx"]) == {"trap": []}


def test_any_driver_of_cuda_11_takes_them(kernels: ModuleType) -> None:
    for name, text in texts(kernels).items():
        directives = re.findall(r"^\.(version|target|address_size) (\S+)$", text, re.MULTILINE)
        wanted = {"version": "7.0", "target": "sm_52", "address_size": "64"}
        assert dict(directives) == wanted, name


def test_product_and_sum_are_rounded_each(kernels: ModuleType) -> None:
    """Reads the arithmetic of scale: fused, it would differ from numpy's in the last bit."""
    bodies = {name: body for name, _, body in ENTRY.findall(texts(kernels)["ptx"])}
    arithmetic = re.findall(r"^ *([\w.]+\.f32) %", bodies["scale"], re.MULTILINE)
    kinds = [kind for kind in arithmetic if not kind.startswith(("ld.", "st.", "mov."))]
    assert kinds == ["mul.rn.f32", "add.rn.f32", "max.f32", "min.f32"]


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("name", ["ptx", "trap_ptx"])
def test_they_assemble(kernels: ModuleType, tmp_path: Path, name: str, architecture: str) -> None:
    if shutil.which(ASSEMBLER) is None:
        pytest.skip(f"no {ASSEMBLER} is here: CUDA's toolkit has it")
    source, made = tmp_path / "kernels.ptx", tmp_path / "kernels.cubin"
    source.write_text(texts(kernels)[name])
    command = [ASSEMBLER, f"-arch={architecture}", "-o", str(made), str(source)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert made.read_bytes().startswith(b"\x7fELF")


def test_the_executable_is_the_kernels(kernels: ModuleType) -> None:
    archive = importlib.import_module(kernels.Archive.__module__)
    found = archive.unpack(kernels.FORMAT, kernels.conformance_archive())
    assert (tuple(found.entry_points), found.image) == (kernels.ENTRY_POINTS, kernels.ptx())
    assert kernels.conformance_archive() is kernels.conformance_archive()
