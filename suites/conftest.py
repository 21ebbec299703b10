"""Benchmarks are collected only when they are named."""

from __future__ import annotations

from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parent / "benchmarks"


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Passes the benchmarks over, unless an argument of the command line leads into them."""
    if collection_path != BENCHMARKS:
        return None
    return not any("benchmarks" in argument for argument in config.args) or None
