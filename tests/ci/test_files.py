"""Actions, workflows and pipelines have the form that is published for them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from .conftest import EXAMPLE, ROOT

GITHUB = ROOT / ".github"
SCHEMAS = {
    GITHUB / "actions/hal-cts/action.yml": "github-actions",
    GITHUB / "workflows/ci.yml": "github-workflows",
    GITHUB / "workflows/metal.yml": "github-workflows",
    GITHUB / "workflows/conformance.yml": "github-workflows",
    EXAMPLE / ".github/workflows/conformance.yml": "github-workflows",
    EXAMPLE / ".gitlab-ci.yml": "gitlab-ci",
}


def test_every_file_has_a_schema() -> None:
    found = {path for folder in (GITHUB, EXAMPLE) for path in folder.rglob("*.yml")}
    assert found == SCHEMAS.keys()


@pytest.mark.parametrize("path", SCHEMAS, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_has_the_published_form(path: Path) -> None:
    schema = f"vendor.{SCHEMAS[path]}"
    check = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, str(path)]
    done = subprocess.run(check, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_callers_of_the_workflow_give_what_it_takes() -> None:
    called = yaml.safe_load((GITHUB / "workflows/conformance.yml").read_text())
    taken = called[True]["workflow_call"]["inputs"]  # "on" is a boolean of YAML's
    for path in (GITHUB / "workflows/ci.yml", EXAMPLE / ".github/workflows/conformance.yml"):
        for job in yaml.safe_load(path.read_text())["jobs"].values():
            if "uses" in job:
                assert job["with"].keys() <= taken.keys()
                needed = {name for name, known in taken.items() if known.get("required")}
                assert needed <= job["with"].keys()
    steps = called["jobs"]["judge"]["steps"]
    (uses,) = (step for step in steps if step["uses"].startswith("./"))
    action = yaml.safe_load((GITHUB / "actions/hal-cts/action.yml").read_text())
    assert uses["with"].keys() <= action["inputs"].keys()


@pytest.mark.parametrize("path", [GITHUB / "workflows/conformance.yml", EXAMPLE / ".gitlab-ci.yml"])
def test_shell_in_them_can_be_read(path: Path) -> None:
    jobs = yaml.safe_load(path.read_text())
    scripts = []
    for job in jobs.get("jobs", jobs).values():
        if isinstance(job, dict):
            scripts += job.get("script", [])
            scripts += [step["run"] for step in job.get("steps", []) if "run" in step]
    assert scripts
    for script in scripts:
        assert "${{" not in script
        done = subprocess.run(["bash", "-n", "-c", script], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
