"""Command-line options. Each is `--hal-NAME`; a short form stands in for it where nobody else has
an option of that name: another plugin (pytest-selenium's `--driver`, pytest-playwright's
`--device`) or the conftest of whoever runs pytest here. So the short forms come last of all."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pytest

from cts.limits import CASE_TIMEOUT, MAX_CRASHES, PROBE_STEP_TIMEOUT

PROBE_MODES = ("on", "off")
ISOLATION_MODES = ("auto", "case", "off")

_DEFAULTS: dict[str, object] = {
    "hal_driver": [],
    "hal_device_count": None,
    "hal_device": None,
    "hal_results": None,
    "hal_search": False,
    "hal_probe": "on",
    "hal_probe_timeout": PROBE_STEP_TIMEOUT,
    "hal_isolate": "auto",
    "hal_timeout": CASE_TIMEOUT,
    "hal_timeout_scale": 1.0,
    "hal_memory_limit": None,
    "hal_max_crashes": MAX_CRASHES,
    "hal_worker_wrapper": "",
    "hal_shuffle": None,
    "hal_device_lock": False,
}


@dataclass(frozen=True)
class Options:
    """What was asked for on the command line."""

    drivers: list[str]
    """Names as given; empty for every driver that is available."""
    device_count: int | None
    device: str | None
    results: Path | None
    search: bool
    probe: bool
    probe_timeout: float
    isolate: Literal["auto", "case", "off"]
    timeout: float
    timeout_scale: float
    memory_limit: int | None
    """Bytes."""
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
            search=get("hal_search"),
            probe=get("hal_probe") == "on",
            probe_timeout=get("hal_probe_timeout"),
            isolate=get("hal_isolate"),
            timeout=get("hal_timeout"),
            timeout_scale=get("hal_timeout_scale"),
            memory_limit=memory and memory << 20,
            max_crashes=get("hal_max_crashes"),
            worker_wrapper=get("hal_worker_wrapper"),
            shuffle=get("hal_shuffle"),
            device_lock=_device_lock(get("hal_device_lock")),
            taken=config.stash.get(_TAKEN, []),
        )


def _device_lock(wanted: bool) -> bool:
    if wanted and sys.platform == "win32":
        raise pytest.UsageError("--device-lock: not on Windows, which has no such lock of files")
    return wanted


def any_given(config: pytest.Config) -> bool:
    """Whether the command line has anything of ours."""
    return any(config.getoption(name) != default for name, default in _DEFAULTS.items())


_SHORT_FORMS: dict[str, dict[str, Any]] = {
    "--driver": {"action": "append", "default": []},
    "--device-count": {"type": int},
    "--device": {},
    "--results": {},
    "--search": {"action": "store_true"},
    "--isolate": {"choices": ISOLATION_MODES, "default": "auto"},
    "--timeout-scale": {"type": float, "default": 1.0},
    "--max-crashes": {"type": int, "default": MAX_CRASHES},
    "--worker-wrapper": {"default": ""},
    "--shuffle": {"type": int},
    "--device-lock": {"action": "store_true"},
}
_TAKEN: pytest.StashKey[list[str]] = pytest.StashKey()


def add_short_forms(config: pytest.Config, parser: pytest.Parser) -> None:
    """Adds the short forms that are free, once everybody else has added their options."""
    config.stash[_TAKEN] = taken = []
    group = parser.getgroup("hal-cts")
    for short, attributes in _SHORT_FORMS.items():
        if _is_free(parser, short):
            long = long_form(short)
            dest = long.strip("-").replace("-", "_")
            group.addoption(short, **attributes, dest=dest, help=f"the same as {long}")
        else:
            taken.append(short)


def long_form(short: str) -> str:
    """``--hal-NAME`` of ``--NAME``."""
    return short.replace("--", "--hal-")


def _is_free(parser: pytest.Parser, option: str) -> bool:
    try:
        _, unknown = parser.parse_known_and_unknown_args([f"{option}=0"])
    except pytest.UsageError:  # somebody's option, which takes no such value
        return False
    return bool(unknown)


def add(parser: pytest.Parser) -> None:
    """Adds the options to pytest's, in their long forms."""
    group = parser.getgroup("hal-cts", "conformance of HAL drivers")
    group.addoption(
        "--hal-driver",
        action="append",
        default=[],
        metavar="NAME[,NAME...]",
        dest="hal_driver",
        help="run the cases on these drivers; every available one by default"
        " (`hal-cts drivers` lists them)",
    )
    group.addoption(
        "--hal-device-count",
        type=int,
        metavar="N",
        dest="hal_device_count",
        help="devices in each driver's group; 2 by default, 1 where it can make only one",
    )
    group.addoption(
        "--hal-device",
        metavar="PATTERN",
        dest="hal_device",
        help="use only devices whose path or name matches the shell pattern",
    )
    group.addoption(
        "--hal-results",
        metavar="DIR",
        dest="hal_results",
        help="write the results there; reports/out/<time> by default",
    )
    group.addoption(
        "--hal-search",
        action="store_true",
        dest="hal_search",
        help="search for new failing examples at random, instead of the same ones every time",
    )
    group.addoption(
        "--hal-probe",
        choices=PROBE_MODES,
        default="on",
        dest="hal_probe",
        help="try each driver in a child process first (default: on)",
    )
    group.addoption(
        "--hal-probe-timeout",
        type=float,
        default=PROBE_STEP_TIMEOUT,
        metavar="SECONDS",
        dest="hal_probe_timeout",
        help=f"what one step of a driver may take in its probe (default: {PROBE_STEP_TIMEOUT:g})",
    )
    _add_isolation(group)


def _add_isolation(group: pytest.OptionGroup) -> None:
    group.addoption(
        "--hal-isolate",
        choices=ISOLATION_MODES,
        default="auto",
        dest="hal_isolate",
        help="auto (default): each driver's cases in a child process, a fresh one after a failure;"
        " case: a child for each case; off: in this process, as --pdb does",
    )
    group.addoption(
        "--hal-timeout",
        type=float,
        default=CASE_TIMEOUT,
        metavar="SECONDS",
        dest="hal_timeout",
        help="what each phase of a case, and each step of a driver, may take"
        f" (default: {CASE_TIMEOUT:g}; a case's mark timeout(...) goes before)",
    )
    group.addoption(
        "--hal-timeout-scale",
        type=float,
        default=1.0,
        metavar="FACTOR",
        dest="hal_timeout_scale",
        help="multiplies every time limit of cases and children",
    )
    group.addoption(
        "--hal-memory-limit",
        type=int,
        metavar="MIB",
        dest="hal_memory_limit",
        help="memory that a child may take; half of the machine's by default",
    )
    group.addoption(
        "--hal-max-crashes",
        type=int,
        default=MAX_CRASHES,
        metavar="N",
        dest="hal_max_crashes",
        help=f"crashes and time-outs after which a driver is given up (default: {MAX_CRASHES})",
    )
    group.addoption(
        "--hal-worker-wrapper",
        default="",
        metavar="COMMAND",
        dest="hal_worker_wrapper",
        help="start children under a command, such as 'gdb --args'; there are no time limits then",
    )
    group.addoption(
        "--hal-shuffle",
        type=int,
        metavar="SEED",
        dest="hal_shuffle",
        help="run the cases of each driver in another order, the same for the same seed",
    )
    group.addoption(
        "--hal-device-lock",
        action="store_true",
        dest="hal_device_lock",
        help="wait until no other run that locks uses one of the devices",
    )
