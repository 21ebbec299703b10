"""What tests of CI share: the suite as a wheel, and a repository of a driver to be judged."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
EXAMPLE = ROOT / "examples" / "driver-repository"
OWN = ("hal_cts", "__editable__")
"""How what the suite itself has in a folder of packages begins."""


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Of a job: with what the suite depends on at hand, so that pip has nothing to fetch for it."""
    packages = tmp_path_factory.mktemp("packages")
    for path in Path(sysconfig.get_path("purelib")).iterdir():
        if not path.name.startswith(OWN):
            (packages / path.name).symlink_to(path)
    foreign = ("GITHUB", "HAL_CTS", "PYTEST")
    return {name: value for name, value in os.environ.items() if not name.startswith(foreign)} | {
        "PYTHONPATH": str(packages),
        "PIP_NO_DEPS": "1",
        "PIP_NO_BUILD_ISOLATION": "0",  # which is how pip wants to be told
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "HAL_CTS_PYTHON": sys.executable,
    }


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The suite."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    names = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.split("\0")  # fmt: skip
    for name in filter(None, names):
        if (ROOT / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, source / name)
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*pip, f"--wheel-dir={folder}", str(source)], check=True)
    (made,) = folder.glob("*.whl")
    return made


class Repository:
    """A driver's repository: that of the example, with commits as a test wants them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        shutil.copytree(EXAMPLE, folder)
        self.git("init", "--quiet", "--initial-branch=main")
        self.base = self.commit()

    def git(self, *args: str) -> str:
        """What git prints."""
        config = ("-c", "user.name=A", "-c", "user.email=a@example.org")
        return subprocess.run(
            ["git", *config, *args], cwd=self.folder, capture_output=True, text=True, check=True
        ).stdout.strip()

    def commit(self, old: str = "", new: str = "") -> str:
        """Commits a change of the driver's source; the commit."""
        path = self.folder / "acme_hal" / "__init__.py"
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new) if old else text)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message=change")
        return self.git("rev-parse", "HEAD")


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """One commit of the example."""
    return Repository(tmp_path / "repository")
