"""Where the stand-in for PyObjC's binding of Metal is, and how a test has it in its own process."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[1] / "standin" / "metal"


@contextmanager
def imported() -> Iterator[Any]:
    """The module, of which nothing is left afterwards."""
    sys.path.insert(0, str(FOLDER))
    try:
        yield importlib.import_module("Metal")
    finally:
        sys.path.remove(str(FOLDER))
        for name in [name for name in sys.modules if name.partition(".")[0] == "Metal"]:
            del sys.modules[name]
