"""The last job of the workflow: what it makes of runs that are whole, damaged, or not there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from tests.reports.written import case, document, driver, lines, run

from .conftest import ROOT

WORKFLOW = yaml.safe_load((ROOT / ".github/workflows/conformance.yml").read_text())
ALL = {"badge.svg", "matrix.html", "matrix.json"}


def whole(folder: Path) -> None:
    """The results of a driver."""
    name = folder.name.removeprefix("hal-cts-")
    document(folder / "head", run(name), driver(name), case(driver=name))


def cut(folder: Path) -> None:
    """What is left of them where the job was ended."""
    path = lines(folder / "head", run("cut", finished=""), driver("cut"), case(driver="cut"))
    path.write_bytes(path.read_bytes()[:-9])


def nothing(folder: Path) -> None:
    """A driver that does not install."""
    folder.mkdir(parents=True)


@pytest.mark.parametrize(
    ("second", "status", "made"),
    [(whole, 0, ALL), (cut, 1, ALL - {"badge.svg"}), (nothing, 1, ALL - {"badge.svg"})],
)
def test_one_bad_run_keeps_nobody_from_the_others(
    tmp_path: Path, second: Callable[[Path], None], status: int, made: set[str]
) -> None:
    whole(tmp_path / "runs" / "hal-cts-first")
    second(tmp_path / "runs" / "hal-cts-second")
    programs, merger = tmp_path / "bin", tmp_path / "temp" / "hal-cts" / "bin"
    for folder, name, text in (
        (programs, "python", ""),  # the virtual environment is there already
        (merger, "pip", ""),
        (merger, "hal-cts", f'exec {sys.executable} -m cts.cli "$@"'),
    ):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"#!/bin/sh\n{text}\n")
        (folder / name).chmod(0o755)
    *_, step, upload = WORKFLOW["jobs"]["merge"]["steps"]
    assert step["env"] == {"DRIVERS": "${{ inputs.drivers }}"}
    assert upload["if"] == "always()"
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
        cwd=tmp_path,
        env=os.environ
        | {
            "DRIVERS": json.dumps(["first", "second"]),
            "GITHUB_STEP_SUMMARY": str(tmp_path / "summary"),
            "PATH": f"{programs}:{os.environ['PATH']}",
            "RUNNER_TEMP": str(tmp_path / "temp"),
        },
        capture_output=True,
        text=True,
    )
    assert done.returncode == status, done.stderr
    assert {path.name for path in (tmp_path / "merged").iterdir()} == made
    assert "| first<br>" in (tmp_path / "summary").read_text()
