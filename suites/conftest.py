"""What all cases of this package share; benchmarks are collected only when they are named."""

from __future__ import annotations

from pathlib import Path

import pytest

from cts.hal import Device, DeviceGroup

BENCHMARKS = Path(__file__).parent / "benchmarks"


@pytest.fixture
def device(device_group: DeviceGroup) -> Device:
    """The first device of the session's group."""
    return device_group.device_at(0)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Passes the benchmarks over, unless an argument of the command line leads into them."""
    if collection_path != BENCHMARKS:
        return None
    return not any("benchmarks" in argument for argument in config.args) or None
