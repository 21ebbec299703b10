"""Ends of processes, and forks, that go wrong."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

from .registry import mutant


def break_scenarios(code: str) -> None:
    """Runs a statement before whatever scenario runs in a process of its own."""
    run = subprocess.run
    broken = (
        f"import sys, runpy; from cts.hal import Resource; {code};"
        " sys.argv = sys.argv[1:];"
        " runpy.run_module('cts.plugin.exit_scenarios', run_name='__main__')"
    )

    def run_broken(command: Any, **kwargs: Any) -> Any:
        if "cts.plugin.exit_scenarios" in command:
            command = [sys.executable, "-c", broken, "scenario", *command[3:]]
        return run(command, **kwargs)

    subprocess.run = run_broken  # type: ignore[assignment]


@mutant("LIF-10")
def forked_child_uses_the_parents_devices() -> None:
    """A forked child may use the parent's devices."""
    break_scenarios("Resource._seal = lambda self, reason: None")


@mutant("LIF-10", driver="local-task")
def pending_work_complains_at_exit() -> None:
    """Work that is pending as the interpreter exits ends with an error."""
    break_scenarios(
        "end = Resource._end_unreleased;"
        " Resource._end_unreleased = lambda self, reason: end(self, reason)"
        " if type(self).__name__ != 'Submission' else 1 / 0"
    )
