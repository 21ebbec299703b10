"""What was asked for on the command line, read and checked."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest

from cts.plugin.command_line import TAKEN
from cts.processes import half_of_the_memory


@dataclass(frozen=True)
class Budget:
    """How many of a driver's cases may be left out: a number, or a part of all in per cent."""

    text: str
    number: float
    is_share: bool

    @classmethod
    def of(cls, text: str | None) -> Budget | None:
        """Reads ``N`` or ``P%``. Raises UsageError for anything else."""
        if text is None:
            return None
        match = re.fullmatch(r"(\d+)|(\d+(?:\.\d+)?)%", text)
        if match is None or (match[2] and float(match[2]) > 100):
            raise pytest.UsageError(f"--budget: {text!r} is no number of cases, nor 0% to 100%")
        return cls(text, float(match[1] or match[2]), is_share=match[2] is not None)

    def of_cases(self, count: int) -> float:
        """How many of so many cases."""
        return self.number * count / 100 if self.is_share else self.number

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Options:
    """What was asked for on the command line."""

    drivers: list[str]
    """Names as given; empty for every driver that is available."""
    device_count: int | None
    device: str | None
    results: Path | None
    expectations: list[Path] | None
    """Files that stand in for the drivers' own; none where those count."""
    budget: Budget | None
    search: bool
    validation: bool
    probe: bool
    probe_timeout: float
    isolate: Literal["auto", "case", "off"]
    timeout: float
    timeout_scale: float
    memory_limit: int
    """Bytes, for each process that runs a driver's code."""
    max_crashes: int
    worker_wrapper: str
    shuffle: int | None
    device_lock: bool
    taken: list[str]
    """Short forms that are somebody else's options in this session."""

    @classmethod
    def of(cls, config: pytest.Config) -> Options:
        """Reads the options of a session. Raises UsageError for a value that cannot be."""
        get = config.getoption
        named = [name.strip() for value in get("hal_driver") for name in value.split(",")]
        if not all(named):
            raise pytest.UsageError("--driver: an empty driver name")
        count = get("hal_device_count")
        if count is not None and count < 1:
            raise pytest.UsageError(
                f"--device-count: {count} is not a number of devices, 1 or more"
            )
        for option in ("probe-timeout", "timeout", "timeout-scale"):
            if not get(f"hal_{option.replace('-', '_')}") > 0:  # which a NaN is not either
                raise pytest.UsageError(f"--hal-{option}: more than 0")
        if get("hal_max_crashes") < 1:
            raise pytest.UsageError("--max-crashes: 1 or more")
        memory = get("hal_memory_limit")
        if memory is not None and memory < 1:
            raise pytest.UsageError("--hal-memory-limit: MiB, 1 or more")
        results = get("hal_results")
        if results == "":
            raise pytest.UsageError("--results: an empty name of a directory")
        return cls(
            drivers=list(dict.fromkeys(named)),
            device_count=count,
            device=get("hal_device"),
            results=Path(config.invocation_params.dir, results) if results else None,
            expectations=_expectations(get("hal_expectations"), config),
            budget=Budget.of(get("hal_budget")),
            search=get("hal_search"),
            validation=get("hal_validation"),
            probe=get("hal_probe") == "on",
            probe_timeout=get("hal_probe_timeout"),
            isolate=get("hal_isolate"),
            timeout=get("hal_timeout"),
            timeout_scale=get("hal_timeout_scale"),
            memory_limit=memory << 20 if memory else half_of_the_memory(),
            max_crashes=get("hal_max_crashes"),
            worker_wrapper=get("hal_worker_wrapper"),
            shuffle=get("hal_shuffle"),
            device_lock=_device_lock(get("hal_device_lock")),
            taken=config.stash.get(TAKEN, []),
        )


def _expectations(given: list[str], config: pytest.Config) -> list[Path] | None:
    if not given:
        return None
    if "" in given:
        raise pytest.UsageError("--expectations: an empty name of a file")
    return [Path(config.invocation_params.dir, name) for name in given if name != "none"]


def _device_lock(wanted: bool) -> bool:
    if wanted and sys.platform == "win32":
        raise pytest.UsageError("--device-lock: not on Windows, which has no such lock of files")
    return wanted
