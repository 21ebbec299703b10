"""Command-line options. Each is `--hal-NAME`; a short form stands in for it where nobody else has
an option of that name: another plugin (pytest-selenium's `--driver`, pytest-playwright's
`--device`) or the conftest of whoever runs pytest here. So the short forms come last of all."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from cts.limits import PROBE_STEP_TIMEOUT

PROBE_MODES = ("on", "off")

_DEFAULTS: dict[str, object] = {
    "hal_driver": [],
    "hal_device_count": None,
    "hal_device": None,
    "hal_results": None,
    "hal_search": False,
    "hal_probe": "on",
    "hal_probe_timeout": PROBE_STEP_TIMEOUT,
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
        if not get("hal_probe_timeout") > 0:  # which a NaN is not either
            raise pytest.UsageError("--hal-probe-timeout: seconds, more than 0")
        results = get("hal_results")
        return cls(
            drivers=list(dict.fromkeys(named)),
            device_count=count,
            device=get("hal_device"),
            results=Path(config.invocation_params.dir, results) if results else None,
            search=get("hal_search"),
            probe=get("hal_probe") == "on",
            probe_timeout=get("hal_probe_timeout"),
            taken=config.stash.get(_TAKEN, []),
        )


def any_given(config: pytest.Config) -> bool:
    """Whether the command line has anything of ours."""
    return any(config.getoption(name) != default for name, default in _DEFAULTS.items())


_SHORT_FORMS: dict[str, dict[str, Any]] = {
    "--driver": {"action": "append", "default": []},
    "--device-count": {"type": int},
    "--device": {},
    "--results": {},
    "--search": {"action": "store_true"},
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
