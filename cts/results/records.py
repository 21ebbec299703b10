"""What is known of a run: of the run itself, of each driver, and of each case on each driver.

A case's `outcome` is what became of it, measured against what its driver's expectations say: a
failure that is expected is an *expected-fail*, and `expected` has the outcome that was named.
"""

from __future__ import annotations

import hashlib
import re
from typing import Annotated, Any, Literal

import msgspec

SCHEMA_VERSION = 2
"""Of the files; a reader refuses a newer one."""

Outcome = Literal[
    "pass",
    "fail",
    "error",
    "crash",
    "timeout",
    "flaky",
    "expected-fail",
    "unexpected-pass",
    "unsupported",
    "blocked",
    "adapter",
    "skip",
]
WORST_FIRST: tuple[Outcome, ...] = (
    "crash",
    "timeout",
    "fail",
    "error",
    "unexpected-pass",
    "flaky",
    "blocked",
    "expected-fail",
    "unsupported",
    "skip",
    "adapter",
    "pass",
)
"""What several outcomes of one case come to: the first of them here. A driver's failure comes
before an error of the suite, since tearing down after it may well go wrong."""

FAILURES: frozenset[Outcome] = frozenset({"fail", "error", "crash", "timeout"})
"""What an expectation may name."""
UNEXPECTED: frozenset[Outcome] = FAILURES | {"unexpected-pass", "flaky", "blocked"}
"""Outcomes that fail a run."""

ObtainedOn = Literal["hardware", "software", "stand-in", "no-device"]


Seconds = Annotated[float, msgspec.Meta(ge=0, le=1e9)]
_NUMBERS = re.compile(r"0x[0-9a-fA-F]+|\d+")
_SIGNATURE = 12


class RunRecord(msgspec.Struct, tag_field="record", tag="run", frozen=True, kw_only=True):
    """How and where the run was made."""

    schema_version: int = SCHEMA_VERSION
    id: str = ""
    """Of this run and no other."""
    suite_version: str
    suite_revision: str = ""
    """A digest of the cases' sources and of what judges in them: runs of the same can be
    compared."""
    started: str
    """ISO 8601, UTC."""
    finished: str = ""
    """The same; empty while it runs, and for a run that was cut off."""
    command: list[str]
    python: str
    platform: str
    seed: int | None = None
    """Of the order of the cases; none for the order in which they are written."""
    search: bool = False
    """Whether random examples were new ones."""
    validation: bool = False
    """Whether what the backends' own checks said of their use failed the cases."""
    expectations: dict[str, str] = {}
    """Of each driver that has a file of them: its digest."""
    expectation_faults: list[str] = []
    """What is wrong with those files, a line each: entries that match nothing, that have expired,
    that cannot be made sense of; and a budget that is exceeded."""
    exit_status: int | None = None
    """Of pytest; none until its end."""
    debug_option: str = ""
    """Goes after the first word of a case's `reproduce` to run it under a debugger."""


class DeviceRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A device, as its driver enumerates it."""

    path: str
    name: str
    obtained_on: ObtainedOn
    """What results on it are worth."""
    implementation: str = ""
    """What carries it out beneath the driver, where a driver reaches several."""


class DriverRecord(msgspec.Struct, tag_field="record", tag="driver", frozen=True, kw_only=True):
    """What is known of a driver: of its probe, and of its part in the run.

    A driver that reaches several implementations has a record for each that is used.
    """

    driver: str
    """The name that its results go by, as `column_name` gives it."""
    status: Literal["available", "unavailable", "broken"]
    reason: str = ""
    """Why it is unavailable, or what is broken before any slot can be tried."""
    stage: str = ""
    """Where that was: import, construct, available, enumerate, create_device, group, ..."""
    version: str = ""
    implementation: str = ""
    """Of its devices; empty where the driver does not tell."""
    devices: list[DeviceRecord] = []
    """Those that it enumerates, of this implementation."""
    properties: dict[str, Any] = {}
    capabilities: list[dict[str, Any]] = []
    """Of each device of the group."""
    topology: dict[str, Any] | None = None
    """The group's topology, as `Topology.to_plain` gives it."""
    slot_faults: dict[str, str] = {}
    """Broken slots, core ones first, and what is wrong with each."""
    optional_slots: list[str] = []
    """Optional slots that the driver implements."""
    exit_fault: str = ""
    """What went wrong when the probe's process ended, after all else was well."""
    groups_built: int = 0
    """How often the session's device group was built."""

    @property
    def registered(self) -> str:
        """The name that the driver is selected and registered by."""
        return registered_name(self.driver, self.implementation)

    @property
    def obtained_on(self) -> str:
        """What its results were obtained on: hardware, software, a stand-in, or no device."""
        return ", ".join(sorted({device.obtained_on for device in self.devices})) or "no-device"


class Death(msgspec.Struct, frozen=True, kw_only=True):
    """How a process ended that ran a driver's code."""

    outcome: Literal["crash", "timeout"]
    how: str
    """The signal, the exit status, or the limit that it was ended for."""
    exit_status: int
    """Or, where that is negative, the signal's number."""
    place: str
    """Phase, step of the driver in it, and the slot that was entered last."""
    stack: str
    """Python's stack of each thread, where it could be had."""
    output: dict[str, str]
    """The end of what it printed: ``stdout``, ``stderr`` and, of the process itself, ``log``."""
    after: str
    """The case that ran before in the same process, if any."""


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One of the times that a case was run."""

    outcome: Outcome
    message: str = ""
    code: str = ""
    death: Death | None = None


class CaseRecord(msgspec.Struct, tag_field="record", tag="case", frozen=True, kw_only=True):
    """The verdict for one case on one driver."""

    driver: str
    """As in its record."""
    case: str
    """``area/file::test[params]``, the same wherever the suites are installed."""
    requirements: list[str]
    outcome: Outcome
    duration: Seconds
    """Seconds, of the phases that the record knows of."""
    message: str = ""
    code: str = ""
    """The status code of the error that ended it, where it was one."""
    blocked_by: str = ""
    """The broken slot (or stage) that kept the case from running."""
    attempts: list[Attempt] = []
    """What became of it each time, where it was run more than once or its process died."""
    expected: str = ""
    """Where an expectation applies: the outcome that it names, or `flaky`, `skip`."""
    expectation: str = ""
    """Its reason; or, of an unexpected outcome, what is wrong with the expectation."""
    signature: str = ""
    """As the function `signature` gives it."""
    example: str = ""
    """The failing example that hypothesis found, as it takes it back."""
    reproduce: str = ""
    """The line that runs the case alone."""

    @property
    def is_unexpected(self) -> bool:
        """Whether it fails the run."""
        return is_unexpected(self.outcome, self.expected)


class BenchmarkRecord(
    msgspec.Struct, tag_field="record", tag="benchmark", frozen=True, kw_only=True
):
    """What a benchmark measured on one driver."""

    driver: str
    """As in its record."""
    name: str
    median: Seconds
    iqr: Seconds
    """Between the quartiles."""
    rounds: int
    bytes: int | None = None
    """That each round moves, where it moves any."""


Record = RunRecord | DriverRecord | CaseRecord | BenchmarkRecord


def column_name(driver: str, implementation: str) -> str:
    """What the results of a driver go by: its name, with its implementation where it tells one,
    as ``vulkan[lavapipe 22.3.6]``."""
    return f"{driver}[{implementation}]" if implementation else driver


def registered_name(column: str, implementation: str) -> str:
    """The driver of a name that `column_name` gave for this implementation."""
    return column.removesuffix(column_name("", implementation))


def parts_of(column: str) -> tuple[str, str]:
    """The driver and the implementation of a name that `column_name` gave."""
    driver, _, rest = column.partition("[")
    return driver, rest.removesuffix("]")


def is_unexpected(outcome: str, expected: str) -> bool:
    """Whether an outcome fails the run, given what an expectation names."""
    return outcome in UNEXPECTED and not (outcome == expected == "flaky")


def signature(outcome: Outcome, code: str, message: str) -> str:
    """The same for what fails in the same way: a digest of outcome, code, and the message without
    its numbers and addresses. Empty for what did not fail."""
    if outcome not in UNEXPECTED | {"expected-fail"}:
        return ""
    text = "\0".join((outcome, code, _NUMBERS.sub("#", message)))
    return hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()[:_SIGNATURE]
