"""Scenarios: functions of a module, called in a process of their own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
TIMEOUT = 60.0


def in_a_process(module: str, name: str, variables: Mapping[str, str], *arguments: str) -> Any:
    """What a function gives in a process with that environment, which prints it as JSON in its
    last line. Fails the test where the process ends badly."""
    done = subprocess.run(
        [sys.executable, "-X", "faulthandler", "-m", module, name, *arguments],
        env=variables,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
    )
    if done.returncode:
        pytest.fail(f"{name} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])
