"""Another wheel of IREE's than the adapter is for: what a user sees."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from cts import registry
from tests.conftest import RunCts

from .conftest import DriverModule

pytest.importorskip("iree.runtime")

NAMES = ["iree-local-sync", "iree-local-task"]
PROJECT = Path(__file__).parents[2] / "pyproject.toml"

FakeWheel = Callable[..., None]

# The real package under its own name, with something done to it.
PACKAGE = """
import sys
from pathlib import Path

here = Path(__file__).parent
folders = (Path(entry, "iree", "runtime") for entry in sys.path)
real = next(folder for folder in folders if folder.is_dir() and folder != here)
__path__ = [str(real)]
exec(compile((real / "__init__.py").read_text(), str(real), "exec"))
"""
OTHER_EXPORTS = """
make_real_module = create_hal_module

class OtherModule:
    def __init__(self, module):
        self._module = module

    def lookup_function(self, name):
        found = self._module.lookup_function(name)
        if name in ("fence.fail", "command_buffer.finalize"):
            return None
        return repr(found).replace("rI", "ri", 1) if name == "device.queue.fill" else found

def create_hal_module(*args, **kwargs):
    return OtherModule(make_real_module(*args, **kwargs))
"""
DIFFERENCES = (
    "hal.device.queue.fill is called by 0rirrrIIIiI_v, not by 0rIrrrIIIiI_v",
    "there is no hal.fence.fail",
    "there is no hal.command_buffer.finalize",
)


@pytest.fixture
def fake_wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeWheel:
    """A function that puts another wheel before the real one, for processes from now on."""

    def make(version: str = "", code: str = "") -> None:
        if version:
            metadata = tmp_path / f"iree_base_runtime-{version}.dist-info" / "METADATA"
            metadata.parent.mkdir()
            metadata.write_text(f"Name: iree-base-runtime\nVersion: {version}\n")
        if code:
            package = tmp_path / "iree" / "runtime" / "__init__.py"
            package.parent.mkdir(parents=True)
            package.write_text(PACKAGE + code)
        monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    return make


def doctor(name: str) -> tuple[int, list[str]]:
    """The exit status and the lines of ``hal-cts doctor``."""
    done = subprocess.run(
        [sys.executable, "-P", "-m", "cts.cli", "doctor", name],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stderr == ""
    return done.returncode, done.stdout.splitlines()


def test_the_oldest_wheel_is_the_one_that_the_extra_asks_for(driver_module: DriverModule) -> None:
    wheel = driver_module(NAMES[0], "wheel")
    extras = tomllib.loads(PROJECT.read_text())["project"]["optional-dependencies"]
    (wanted,) = [r for r in map(Requirement, extras["iree"]) if r.name == wheel.WHEEL]
    assert str(wanted.specifier) == f">={wheel.OLDEST}"


def test_the_wheel_is_looked_for_without_importing_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    error = registry.load(NAMES[0])().available()
    assert error is not None
    assert error.detail == "IREE's runtime is not installed: pip install 'hal-cts[iree]'"


@pytest.mark.parametrize(
    ("found", "is_older"),
    [
        *(("3.12.0", True), ("3.12.9rc20261016", True), ("3.13.0rc1", True), ("2.99", True)),
        *(("3.13.0", False), ("3.13.1", False), ("3.14.0rc20270101", False), ("10.0", False)),
    ],
)
def test_versions_are_compared_as_such(
    driver_module: DriverModule, monkeypatch: pytest.MonkeyPatch, found: str, is_older: bool
) -> None:
    wheel = driver_module(NAMES[0], "wheel")
    monkeypatch.setattr(wheel, "version", lambda name: found)
    expected = f"iree-base-runtime is {found}, and 3.13 is needed: {wheel.INSTALL}"
    assert wheel.not_installed() == (expected if is_older else None)


def test_a_runtime_of_no_wheel_is_taken_as_it_is(
    driver_module: DriverModule, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel = driver_module(NAMES[0], "wheel")
    monkeypatch.setattr(wheel, "WHEEL", "hal-cts-no-such-wheel")
    assert wheel.not_installed() is None


@pytest.mark.parametrize("name", NAMES)
def test_an_older_wheel_is_an_absence(fake_wheel: FakeWheel, cts: RunCts, name: str) -> None:
    fake_wheel(version="3.12.0")
    reason = "iree-base-runtime is 3.12.0, and 3.13 is needed: pip install 'hal-cts[iree]'"
    status, lines = doctor(name)
    assert status == 4
    (line,) = lines
    assert line.endswith(reason)
    run = cts(f"--driver={name}", "--pyargs", "cts.suites.module")
    assert run.ret == 4
    assert run.text.count(reason) == 1


@pytest.mark.parametrize("name", NAMES)
def test_a_wheel_without_a_class_is_an_absence(fake_wheel: FakeWheel, name: str) -> None:
    fake_wheel(code="del HalFence, VmVariantList, _binding.create_hal_driver")
    status, lines = doctor(name)
    assert status == 4
    (line,) = lines
    assert "has no HalFence, no VmVariantList, no _binding.create_hal_driver: pip install" in line


@pytest.mark.parametrize("name", NAMES)
def test_a_wheel_with_other_functions_is_broken_and_tells_them_all(
    fake_wheel: FakeWheel, cts: RunCts, name: str
) -> None:
    fake_wheel(code=OTHER_EXPORTS)
    status, lines = doctor(name)
    assert status == 1
    (line,) = [line for line in lines if "BROKEN" in line]
    assert line.startswith("BROKEN at create_device: INCOMPATIBLE: ")
    assert "iree-base-runtime 3" in line
    assert all(difference in line for difference in DIFFERENCES)
    run = cts(f"--driver={name}", "--pyargs", "cts.suites.module")
    assert run.ret == 1
    assert set(run.in_order) == {"blocked"}
    (line,) = [line for line in run.text.splitlines() if "INCOMPATIBLE" in line]
    assert all(difference in line for difference in DIFFERENCES)


def test_the_fake_alone_changes_nothing(fake_wheel: FakeWheel) -> None:
    fake_wheel(version="3.13.0", code="pass")
    status, lines = doctor(NAMES[0])
    assert status == 0
    assert lines[0].startswith(f"{NAMES[0]} iree-base-runtime 3")
