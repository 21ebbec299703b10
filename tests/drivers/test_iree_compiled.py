"""What IREE's compiler made for the adapter: made again from its source, it is the same."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from subprocess import CalledProcessError
from types import ModuleType

import pytest

from cts import registry

from .conftest import DriverModule

COMPILER = "iree-base-compiler"
NAMES = ["iree-local-sync", "iree-local-task", "iree-vulkan", "iree-cuda"]


@pytest.fixture
def build(driver_module: DriverModule) -> ModuleType:
    return driver_module(NAMES[0], "compiled.build")


@pytest.fixture
def in_place(build: ModuleType) -> Path:
    """The folder that has the files."""
    return Path(build.KERNELS).parent


@pytest.fixture
def needs_compiler() -> None:
    try:
        version(COMPILER)
    except PackageNotFoundError:
        pytest.skip(f"{COMPILER} is not installed")


@pytest.mark.usefixtures("needs_compiler")
def test_the_compiler_makes_the_same_again(
    build: ModuleType, in_place: Path, tmp_path: Path
) -> None:
    build.build(tmp_path)
    made = sorted(path.name for path in tmp_path.iterdir())
    assert made == sorted(target.name for target, _, _ in build.compilations(in_place))
    assert made  # a comparison of nothing holds
    for name in made:
        assert (tmp_path / name).read_bytes() == (in_place / name).read_bytes(), name


def test_nothing_else_is_there(build: ModuleType, in_place: Path) -> None:
    sources = {"__init__.py", "build.py", "calls.py", "kernels.mlir", "there_and_back.mlir"}
    results = {target.name for target, _, _ in build.compilations(in_place)}
    assert {path.name for path in in_place.iterdir() if path.is_file()} == sources | results


@pytest.mark.parametrize("name", NAMES)
def test_each_driver_has_the_kernels_in_the_format_that_it_declares(name: str) -> None:
    driver = registry.load(name)()
    (format,) = driver.properties.executable_formats
    assert driver.conformance_executable(format)


@pytest.mark.usefixtures("needs_compiler")
def test_code_that_is_none_is_refused(
    build: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "kernels.mlir"
    source.write_text("hal.executable.source public @kernels {")
    monkeypatch.setattr(build, "KERNELS", source)
    with pytest.raises(CalledProcessError):
        build.build(tmp_path)
