"""Processes in which the tests of AMD's stand-in ask it things, after `START` (`hsa_process`)."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from . import StandIn

ROOT = Path(__file__).parents[2]
START = """
import json
from tests.standin.hsa_process import *
m = Machine()
g, h = m.gpus[:2] if len(m.gpus) > 1 else m.gpus * 2
c = m.cpus[0]
"""


def ended(
    stand_in: StandIn, code: str, *, start: str = START, **settings: str
) -> subprocess.CompletedProcess[str]:
    """A process that runs code after `START`."""
    return subprocess.run(
        [sys.executable, "-c", start + code],
        env=stand_in.environment(**settings),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )


def run(stand_in: StandIn, code: str, *, start: str = START, **settings: str) -> Any:
    """What such code gives: its last line is an expression."""
    *before, last = code.strip().splitlines()
    lines = "\n".join([*before, f"print(json.dumps({last}))"])
    done = ended(stand_in, lines, start=start, **settings)
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


def answers(stand_in: StandIn, before: str, questions: Iterable[str]) -> dict[str, Any]:
    """What each expression gives after that code, all of them in one process."""
    code = f"""
def answer(question):
    space = dict(globals())
    exec({before!r}, space)
    return eval(question, space)
{{question: answer(question) for question in {list(questions)!r}}}
"""
    given: dict[str, Any] = run(stand_in, code)
    return given
