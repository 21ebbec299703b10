"""A pytest plugin that applies one break and runs only the cases naming its requirement.

pytest -p tests.breaks.plugin --break GRP-7 --driver=local-sync --hal-probe=off
"""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

from tests.breaks.registry import BREAKS

_FOLDER = Path(__file__).parent
_NO_BREAKS = {"__init__", "driver_classes", "plugin", "registry"}


def load_all() -> None:
    """Imports every module of breaks, which fills the registry."""
    for path in sorted(_FOLDER.glob("*.py")):
        if path.stem not in _NO_BREAKS:
            importlib.import_module(f"tests.breaks.{path.stem}")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds ``--break``."""
    parser.addoption("--break", dest="broken", metavar="ID", help="break this requirement")


def pytest_sessionstart(session: pytest.Session) -> None:
    """Applies the break."""
    load_all()
    wanted = session.config.getoption("broken")
    if wanted:
        BREAKS[wanted].apply()


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Passes over files in which no case names the broken requirement, which saves time."""
    wanted = config.getoption("broken")
    if not wanted or not collection_path.match("test_*.py"):
        return None
    return f'"{wanted}"' not in collection_path.read_text(encoding="utf-8") or None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keeps the cases that name the broken requirement."""
    wanted = config.getoption("broken")
    items[:] = [
        item for item in items if any(wanted in mark.args for mark in item.iter_markers("spec"))
    ]
