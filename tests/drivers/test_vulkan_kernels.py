"""The Vulkan driver's kernels: made again from their sources, they are the same, and valid."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from subprocess import CalledProcessError
from types import ModuleType

import pytest

from cts.work_cases.kernels import KERNELS

from .conftest import DriverModule

NAMES = [kernel.name for kernel in KERNELS]
PACKAGES = {
    "glslangValidator": "glslang-tools",
    "spirv-as": "spirv-tools",
    "spirv-val": "spirv-tools",
}

Tool = Callable[..., None]


@pytest.fixture
def tool() -> Tool:
    """A function that runs one of the tools; a CI job has them."""

    def run(name: str, *arguments: str | Path) -> None:
        if shutil.which(name) is None:
            missing = f"no {name} is here: apt-get install {PACKAGES[name]}"
            pytest.fail(missing) if os.environ.get("CI") else pytest.skip(missing)
        done = subprocess.run([name, *arguments], capture_output=True, text=True)
        assert done.returncode == 0, f"{name} says: {done.stdout}{done.stderr}"

    return run


@pytest.fixture
def build(driver_module: DriverModule) -> ModuleType:
    return driver_module("vulkan", "kernels.build")


@pytest.fixture
def spirv(driver_module: DriverModule) -> ModuleType:
    return driver_module("vulkan", "spirv")


@pytest.fixture
def in_place(build: ModuleType) -> Path:
    """The folder that has the files."""
    return Path(build.SOURCES)


def test_the_compiler_makes_the_same_again(
    build: ModuleType, in_place: Path, tool: Tool, tmp_path: Path
) -> None:
    tool(build.COMPILER, "--version")
    build.build(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {f"{name}.spv" for name in NAMES}
    for name in NAMES:
        made, kept = tmp_path / f"{name}.spv", in_place / f"{name}.spv"
        assert made.read_bytes() == kept.read_bytes(), f"{name}: run {build.__name__}"


@pytest.mark.parametrize("name", NAMES)
def test_modules_are_valid(build: ModuleType, in_place: Path, tool: Tool, name: str) -> None:
    tool("spirv-val", "--target-env", build.TARGET, in_place / f"{name}.spv")


def test_nothing_else_is_there(in_place: Path) -> None:
    kernels = {f"{name}.{kind}" for name in NAMES for kind in ("comp", "spv")}
    found = {path.name for path in in_place.iterdir() if path.is_file()}
    assert found == {"__init__.py", "build.py"} | kernels


def test_a_source_that_is_none_is_refused(
    build: ModuleType, tool: Tool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tool(build.COMPILER, "--version")
    (tmp_path / "absolute.comp").write_text("#version 450\nvoid main() {")
    monkeypatch.setattr(build, "SOURCES", tmp_path)
    with pytest.raises(CalledProcessError):
        build.build(tmp_path)


SHADER = """
#version 450
layout(local_size_x = 1) in;
layout(binding = 0) buffer Target {{ float target; }};
{declared};
void main() {{ target = {value}; }}
"""
Compiled = Callable[[str, str, str], bytes]


@pytest.fixture
def compiled(build: ModuleType, tool: Tool, tmp_path: Path) -> Compiled:
    """A function of a declaration, a value and a target: the module that writes that value."""
    source, made = tmp_path / "source.comp", tmp_path / "made.spv"

    def compile(declared: str, value: str, target: str) -> bytes:
        source.write_text(SHADER.strip().format(declared=declared, value=value))
        tool(build.COMPILER, "--target-env", target, "-o", made, source)
        return made.read_bytes()

    return compile


@pytest.mark.parametrize("target", ["vulkan1.0", "vulkan1.1", "vulkan1.3"])
@pytest.mark.parametrize(
    ("declared", "value", "constants"),
    [
        ("float unused", "1", 0),
        ("layout(push_constant) uniform P { float a; vec3 v; }", "v.z", 7),
        ("layout(push_constant) uniform P { uvec2 v[3]; }", "v[2].y", 6),
        ("layout(push_constant, std140) uniform P { int v[3]; }", "v[2]", 9),
    ],
)
def test_what_a_compiler_lays_out_is_read(
    spirv: ModuleType, compiled: Compiled, declared: str, value: str, constants: int, target: str
) -> None:
    """Reads modules with push constants of other types than the kernels have."""
    module = spirv.read_module(compiled(declared, value, target))
    assert (module.entry_point, module.constants, module.bindings) == ("main", constants, 1)


@pytest.mark.parametrize("target", ["vulkan1.0", "vulkan1.1", "vulkan1.3"])
@pytest.mark.parametrize(
    ("declared", "value", "reason"),
    [
        ("layout(binding = 1) uniform U { float u; }", "u", "a uniform buffer"),
        ("layout(binding = 1) uniform sampler2D s", "texture(s, vec2(0)).x", "UniformConstant"),
        ("layout(set = 1, binding = 0) buffer C { float c; }", "c", "descriptor set 1"),
        ("layout(binding = 1) buffer C { float c; } d[2]", "d[1].c", "no OpTypeStruct"),
        ("layout(binding = 2) buffer C { float c; }", "c", r"\[0, 2\]: there is a gap"),
        ("layout(push_constant) uniform P { double d; }", "float(d)", "numbers of 64 bits"),
    ],
)
def test_what_no_dispatch_can_feed_is_refused(
    spirv: ModuleType, compiled: Compiled, declared: str, value: str, reason: str, target: str
) -> None:
    with pytest.raises(ValueError, match=reason):
        spirv.read_module(compiled(declared, value, target))


def test_capabilities_have_the_names_of_spirv(
    spirv: ModuleType, tool: Tool, tmp_path: Path
) -> None:
    """Assembles a module that asks for all that are named, by name: their numbers come out."""
    numbers, names = zip(*sorted(spirv.CAPABILITY_NAMES.items()), strict=True)
    text, made = tmp_path / "all.spvasm", tmp_path / "all.spv"
    text.write_text("".join(f"OpCapability {name}\n" for name in names))
    tool("spirv-as", "-o", made, text)
    words = memoryview(made.read_bytes()).cast("I")[5:]
    assert list(words[1::2]) == list(numbers)
