"""A pull request to a driver in a repository of its own, played through: the change that breaks a
case is stopped, and the one that mends it goes in.

The driver is local-task under another name. Base and head are each checked out and run, and the
gate holds one against the other, as CI does it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from .outside_drivers import install_package

DRIVERS = Path(__file__).resolve().parent.parent / "drivers"
SOUND = """\
        ranges = (source, source_offset, target, target_offset, length)
        work = self._maker.copy(operation, *ranges)
"""
NOWHERE = "(source, source_offset) == (target, target_offset)"
TOO_CLEVER = SOUND.replace("length)", f"0 if {NOWHERE} else length)")
"""A copy of a range onto itself is accepted, since it is there already."""
BROKEN_CASE = "queue/test_copy::test_overlap_is_refused[queue]"


class Repository:
    """The driver's repository, its commits by name, and a run of each."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "repository"
        self._runs = folder / "runs"
        self._site = folder / "site"
        self._site.mkdir()
        points = "[cts.drivers]\nacme = acme_hal.local_task:LocalTaskDriver\n"
        install_package(self._site, "acme", "", points)
        for part in ("_common", "_host", "local_task"):
            shutil.copytree(DRIVERS / part, self.folder / "acme_hal" / part)
        for path in self.folder.rglob("*.py"):
            path.write_text(
                path.read_text().replace('"local-task', '"acme').replace('f"local-task', 'f"acme')
            )
        self._git("init", "--quiet", "--initial-branch=main")

    def _git(self, *args: str) -> None:
        config = ("-c", "user.name=A", "-c", "user.email=a@example.org")
        subprocess.run(["git", *config, *args], cwd=self.folder, check=True)

    def edit(self, old: str, new: str) -> None:
        """Changes the one place in the driver's queues where there is such a text."""
        path = self.folder / "acme_hal" / "_common" / "device.py"
        text = path.read_text()
        assert text.count(old) == 1
        path.write_text(text.replace(old, new))

    def commit(self, name: str) -> None:
        """Commits what there is, as a tag."""
        self._git("add", "--all")
        self._git("commit", "--quiet", f"--message={name}")
        self._git("tag", name)

    def run(self, name: str) -> int:
        """Checks out a commit and runs the suite on it; pytest's exit status."""
        self._git("checkout", "--quiet", name)
        command = ["-m", "pytest", "--pyargs", "cts.suites.queue", "cts.suites.stubs"]
        options = [
            "-q",
            "-k",
            "test_copy or stubs",
            "--driver=acme",
            f"--results={self._runs / name}",
        ]
        path = os.pathsep.join(map(str, (self.folder, self._site)))
        done = subprocess.run(
            [sys.executable, *command, *options, "-p", "no:cacheprovider"],
            cwd=self._runs.parent,
            env=os.environ | {"PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
        )
        assert "acme: " in done.stdout, done.stdout + done.stderr
        return done.returncode

    def gate(self, base: str, head: str) -> subprocess.CompletedProcess[str]:
        """Holds one run against another."""
        command = ["-m", "cts.cli", "gate", str(self._runs / base), str(self._runs / head)]
        return subprocess.run([sys.executable, *command], capture_output=True, text=True)


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """With a base, a change that breaks a case, and one that mends it; each was run."""
    made = Repository(tmp_path_factory.mktemp("pull_request"))
    made.commit("base")
    made.edit(SOUND, TOO_CLEVER)
    made.commit("broken")
    made.edit(TOO_CLEVER, SOUND)
    made.commit("mended")
    assert [made.run(name) for name in ("base", "broken", "mended")] == [0, 1, 0]
    return made


def test_the_change_that_breaks_a_case_is_stopped(repository: Repository) -> None:
    done = repository.gate("base", "broken")
    assert done.returncode == 1
    compared = done.stdout.partition("cases compared")[0].split()[-1]
    assert done.stdout.splitlines()[:3] == [
        f"gate closed: {compared} cases compared",
        f"broken: 1: {BROKEN_CASE} on acme",
        "else: 0 lost, 0 newly unsupported (budget 0), 0 fixed,"
        " 0 faults of runs, drivers and expectations",
    ]


def test_the_change_that_mends_it_goes_in(repository: Repository) -> None:
    done = repository.gate("base", "mended")
    assert done.returncode == 0, done.stdout
    assert done.stdout.startswith("gate open: ")
    done = repository.gate("broken", "mended")
    assert done.returncode == 0
    assert ", 1 fixed, " in done.stdout.splitlines()[2]
