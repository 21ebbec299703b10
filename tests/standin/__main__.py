"""Compiles the stand-ins into a folder, and prints what leads a shell's commands to them.

eval "$(python -m tests.standin FOLDER)"
"""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

from . import build

if len(sys.argv) != 2:
    sys.exit("usage: python -m tests.standin FOLDER")
folder = Path(sys.argv[1]).absolute()
folder.mkdir(parents=True, exist_ok=True)
for name, value in build(folder).variables().items():
    print(f"export {name}={shlex.quote(value)}")
