"""The command line: which options there are, and how they get onto it.

Each is ``--hal-NAME``; a short form stands in for it where nobody else has an option of that name:
another plugin (pytest-selenium's `--driver`, pytest-playwright's `--device`) or the conftest of
whoever runs pytest here. So the short forms come last of all.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from cts.limits import CASE_TIMEOUT, MAX_CRASHES, PROBE_STEP_TIMEOUT

PROBE_MODES = ("on", "off")
ISOLATION_MODES = ("auto", "case", "off")

OPTIONS: dict[str, dict[str, Any]] = {
    "driver": {
        "action": "append",
        "default": [],
        "metavar": "NAME[,NAME...]",
        "help": "run the cases on these drivers; every available one by default"
        " (`hal-cts drivers` lists them)",
    },
    "device-count": {
        "type": int,
        "metavar": "N",
        "help": "devices in each driver's group; 2 by default, 1 where it can make only one",
    },
    "device": {
        "metavar": "PATTERN",
        "help": "use only devices whose path, name or implementation matches the shell pattern;"
        " those of each implementation in turn ('*': all of them), by default those of the first",
    },
    "results": {
        "metavar": "DIR",
        "help": "write the results there; reports/out/<time> by default",
    },
    "expectations": {
        "action": "append",
        "default": [],
        "metavar": "FILE",
        "help": "what the drivers are known to get wrong, instead of the files that come with them;"
        " more than once for more files, and 'none' for none",
    },
    "budget": {
        "metavar": "N|P%",
        "help": "cases of each driver that may be unsupported or skipped",
    },
    "search": {
        "action": "store_true",
        "help": "search for new failing examples at random, instead of the same ones every time",
    },
    "validation": {
        "action": "store_true",
        "help": "have the backends check how they are used; what they say fails the case",
    },
    "shuffle": {
        "type": int,
        "metavar": "SEED",
        "help": "run the cases of each driver in another order, the same for the same seed",
    },
    "isolate": {
        "choices": ISOLATION_MODES,
        "default": "auto",
        "help": "auto (default): each driver's cases in a child process, a fresh one after a"
        " failure; case: a child for each case; off: in this process, as --pdb does",
    },
    "timeout": {
        "type": float,
        "default": CASE_TIMEOUT,
        "metavar": "SECONDS",
        "help": "what each phase of a case, and each step of a driver, may take"
        f" (default: {CASE_TIMEOUT:g}; a case's mark timeout(...) goes before)",
    },
    "timeout-scale": {
        "type": float,
        "default": 1.0,
        "metavar": "FACTOR",
        "help": "multiplies every time limit of cases and children",
    },
    "memory-limit": {
        "type": int,
        "metavar": "MIB",
        "help": "memory that a process with a driver may take; half of the machine's by default",
    },
    "max-crashes": {
        "type": int,
        "default": MAX_CRASHES,
        "metavar": "N",
        "help": f"crashes and time-outs after which a driver is given up (default: {MAX_CRASHES})",
    },
    "worker-wrapper": {
        "default": "",
        "metavar": "COMMAND",
        "help": "start children under a command, such as 'gdb --args'; no time limits then",
    },
    "device-lock": {
        "action": "store_true",
        "help": "wait until no other run that locks uses one of the devices",
    },
    "probe": {
        "choices": PROBE_MODES,
        "default": "on",
        "help": "try each driver in a child process first (default: on)",
    },
    "probe-timeout": {
        "type": float,
        "default": PROBE_STEP_TIMEOUT,
        "metavar": "SECONDS",
        "help": "what one step of a driver may take in its probe"
        f" (default: {PROBE_STEP_TIMEOUT:g})",
    },
}
"""By name, with what argparse is told of each."""

LONG_ONLY = frozenset({"timeout", "memory-limit", "probe", "probe-timeout"})
"""Options without a short form: pytest-timeout's ``--timeout`` is too well known, and the others
are seldom wanted."""

TAKEN: pytest.StashKey[list[str]] = pytest.StashKey()
"""Short forms that are somebody else's options in this session."""


def add(parser: pytest.Parser) -> None:
    """Adds the options to pytest's, in their long forms."""
    group = parser.getgroup("hal-cts", "conformance of HAL drivers")
    for name, attributes in OPTIONS.items():
        group.addoption(f"--hal-{name}", dest=_dest(name), **attributes)


def add_short_forms(config: pytest.Config, parser: pytest.Parser) -> None:
    """Adds the short forms that are free, once everybody else has added their options."""
    config.stash[TAKEN] = taken = []
    group = parser.getgroup("hal-cts")
    for name in OPTIONS:
        if name in LONG_ONLY:
            continue
        if _is_free(parser, f"--{name}"):
            attributes = OPTIONS[name] | {"help": f"the same as --hal-{name}"}
            group.addoption(f"--{name}", dest=_dest(name), **attributes)
        else:
            taken.append(f"--{name}")


def any_given(config: pytest.Config) -> bool:
    """Whether the command line has anything of ours."""
    return any(
        config.getoption(_dest(name)) != attributes.get("default", _UNSET[attributes.get("action")])
        for name, attributes in OPTIONS.items()
    )


_UNSET: dict[str | None, object] = {None: None, "store_true": False, "append": []}
"""What argparse gives for an option that is not given and has no default, by its action."""


def joined(arguments: Sequence[str]) -> list[str]:
    """A command line with ``--option=value`` for ``--option value``, where the option is ours.

    Before it knows a plugin's options, pytest takes their values for files, if there are such, and
    looks for its configuration beside them.
    """
    with_value = {
        f"--{prefix}{name}"
        for name, attributes in OPTIONS.items()
        if attributes.get("action") != "store_true"
        for prefix in ("", "hal-")
    }
    rest, line = list(arguments), []
    while rest:
        argument = rest.pop(0)
        line.append(f"{argument}={rest.pop(0)}" if argument in with_value and rest else argument)
    return line


def long_form(short: str) -> str:
    """``--hal-NAME`` of ``--NAME``."""
    return short.replace("--", "--hal-")


def _dest(name: str) -> str:
    return f"hal_{name.replace('-', '_')}"


def _is_free(parser: pytest.Parser, option: str) -> bool:
    try:
        _, unknown = parser.parse_known_and_unknown_args([f"{option}=0"])
    except pytest.UsageError:  # somebody's option, which takes no such value
        return False
    return bool(unknown)
