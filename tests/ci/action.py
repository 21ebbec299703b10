"""The composite action's steps, run as a script: what GitHub's runner does of it, and no more.

An expression that is not known here is an error, as is a step that uses an action not known here.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

FILE = Path(__file__).resolve().parent.parent.parent / ".github/actions/hal-cts/action.yml"
_EXPRESSION = re.compile(r"\$\{\{ *(.*?) *\}\}")


@dataclass
class Job:
    """What became of the steps."""

    failed: bool = False
    summary: str = ""
    printed: str = ""
    kept: list[dict[str, str]] = field(default_factory=list)
    """What was handed to the action that keeps artifacts."""


class Runner:
    """Runs the steps in a workspace.

    Parameters
    ----------
    base : the base commit of the pull request; empty outside of one.
    """

    def __init__(self, workspace: Path, environment: Mapping[str, str], base: str = "") -> None:
        self._workspace = workspace
        self._environment = environment
        self._base = base
        self._action: dict[str, Any] = yaml.safe_load(FILE.read_text(encoding="utf-8"))

    def run(self, **inputs: str) -> Job:
        """All steps."""
        declared = self._action["inputs"]
        assert inputs.keys() <= declared.keys()
        values = {
            name: inputs.get(name, self._filled(str(known.get("default", "")), {}))
            for name, known in declared.items()
        }
        job = Job()
        for step in self._action["runs"]["steps"]:
            if self._applies(step.get("if", ""), job, values):
                self._step(step, job, values)
        return job

    def _applies(self, condition: str, job: Job, values: Mapping[str, str]) -> bool:
        known = {
            "": not job.failed,
            "always()": True,
            "always() && inputs.artifact != ''": values["artifact"] != "",
        }
        return known[condition]

    def _step(self, step: dict[str, Any], job: Job, values: Mapping[str, str]) -> None:
        if "uses" in step:
            assert step["uses"] == "actions/upload-artifact@v4"
            job.kept.append({k: self._filled(v, values) for k, v in step["with"].items()})
            return
        assert "${{" not in step["run"]  # which would be read by the shell
        summary = self._workspace.parent / "summary"
        given = {name: self._filled(text, values) for name, text in step["env"].items()}
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
            cwd=self._workspace,
            env={
                **self._environment,
                **given,
                "GITHUB_ACTIONS": "true",
                "GITHUB_STEP_SUMMARY": str(summary),
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        job.printed += done.stdout
        job.failed = job.failed or done.returncode != 0
        job.summary = summary.read_text() if summary.exists() else ""

    def _filled(self, text: str, values: Mapping[str, str]) -> str:
        action = str(FILE.parent)
        known = {f"inputs.{name}": value for name, value in values.items()} | {
            "github.event.pull_request.base.sha": self._base,
            "github.action_path": action,
            "inputs.suite || format('{0}/../../..', github.action_path)": values.get("suite")
            or f"{action}/../../..",
        }
        return _EXPRESSION.sub(lambda match: known[match[1]], text)
