"""A Vulkan driver that is lavapipe, but for what the environment says (`fake_icd.c`).

icd = FakeIcd(folder)                           # compiled; the test is skipped where it cannot be
icd.environment(FAKE_FAIL="vkCreateDevice=-4")  # of a process that has no other Vulkan driver
icd.calls()                                     # what was called there, and how often
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NoReturn

import pytest

from ..in_a_process import in_a_process

SOURCE = Path(__file__).with_name("fake_icd.c")
MANIFESTS = Path("/usr/share/vulkan/icd.d")
CHROMIUM = Path("/usr/lib/chromium")

ENDS: Final = {
    "vkAllocateMemory": "vkFreeMemory",
    "vkCreateComputePipelines": "vkDestroyPipeline",
}
"""What ends that which a call makes, where it is not called ``vkDestroy…``."""

Calls = Counter[tuple[str, str]]
"""How often, by a call's name and its result; "-" for the result of what has none."""


def missing(what: str) -> NoReturn:
    """Ends a test for which something is not installed; CI has it all."""
    if os.environ.get("CI"):
        pytest.fail(what)
    pytest.skip(what)


def lavapipe() -> Path:
    """The manifest of lavapipe."""
    found = sorted(MANIFESTS.glob("lvp_icd*.json"))
    if not found:
        missing("no lavapipe: apt-get install mesa-vulkan-drivers")
    return found[0]


def swiftshader() -> Path:
    """The manifest of SwiftShader."""
    found = CHROMIUM / "vk_swiftshader_icd.json"
    if not found.exists():
        missing("no SwiftShader: apt-get install chromium-common")
    return found


def write_manifest(path: Path, library: str | Path) -> Path:
    """A manifest that has the loader load a library."""
    icd = {"library_path": str(library), "api_version": "1.3.0"}
    path.write_text(json.dumps({"file_format_version": "1.0.0", "ICD": icd}))
    return path


def environment(*drivers: Path, **variables: object) -> dict[str, str]:
    """This process's environment with no other Vulkan drivers than these, and with variables."""
    files = os.pathsep.join(map(str, drivers))
    ours = {name: value for name, value in os.environ.items() if not name.startswith("VK_")}
    return ours | {"VK_DRIVER_FILES": files} | {name: str(v) for name, v in variables.items()}


class FakeIcd:
    """The driver, compiled into a folder.

    Attributes
    ----------
    manifest : the file that names it to the loader.
    """

    def __init__(self, folder: Path) -> None:
        compiler = shutil.which("cc") or missing("no C compiler: apt-get install gcc")
        self._real = json.loads(lavapipe().read_text())["ICD"]["library_path"]
        self._log = folder / "calls"
        library = folder / "libfake_icd.so"
        options = ["-std=c11", "-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-pthread"]
        subprocess.run([compiler, *options, "-o", library, SOURCE, "-ldl"], check=True)
        self.manifest = write_manifest(folder / "fake_icd.json", library)

    def environment(self, *others: Path, **changes: object) -> dict[str, str]:
        """An environment with this driver, so changed, and others. What is called is logged from
        then on."""
        self._log.unlink(missing_ok=True)
        settings = {"FAKE_ICD_REAL": self._real, "FAKE_LOG": self._log}
        return environment(self.manifest, *others, **settings, **changes)

    def calls(self) -> Calls:
        """What was called since."""
        lines = self._log.read_text().splitlines() if self._log.exists() else []
        return Counter((name, result) for name, result in map(str.split, lines))

    def left(self) -> dict[str, int]:
        """How many of what these calls have made is not ended, by the call; of all that is."""
        calls = self.calls()
        made = {name: n for (name, result), n in calls.items() if _makes(name) and result == "0"}
        ends = {name: ENDS.get(name, name.replace("Create", "Destroy")) for name in made}
        left = {name: n - calls[ends[name], "-"] for name, n in made.items()}
        return {name: n for name, n in left.items() if n}


def _makes(call: str) -> bool:
    return call.startswith("vkCreate") or call == "vkAllocateMemory"


def run_scenario(name: str, variables: Mapping[str, str], *arguments: str) -> Any:
    """What a function of `scenarios` gives (`in_a_process`)."""
    return in_a_process(f"{__name__}.scenarios", name, variables, *arguments)
