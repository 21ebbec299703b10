"""What a run leaves behind: one JSON line for each thing known, written as soon as it is known.

`results.jsonl` starts with a `RunRecord`, then has a `DriverRecord` for each driver and a
`CaseRecord` for each case and driver. A record replaces an earlier one of the same driver, or of
the same case and driver: a case is written down before its tear-down, which may yet go wrong. A
file that ends early is readable up to its last whole line.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import msgspec

SCHEMA_VERSION = 1
FILE_NAME = "results.jsonl"

Outcome = Literal[
    "pass",
    "fail",
    "error",
    "crash",
    "timeout",
    "flaky",
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
    "flaky",
    "blocked",
    "unsupported",
    "skip",
    "adapter",
    "pass",
)
"""What several outcomes of one case come to: the first of them here. A driver's failure comes
before an error of the suite, since tearing down after it may well go wrong."""

UNEXPECTED: frozenset[Outcome] = frozenset(
    {"fail", "error", "crash", "timeout", "flaky", "blocked"}
)
"""Outcomes that fail a run."""


class RunRecord(msgspec.Struct, tag_field="record", tag="run", frozen=True, kw_only=True):
    """How and where the run was made."""

    schema_version: int = SCHEMA_VERSION
    suite_version: str
    started: str
    """ISO 8601, UTC."""
    command: list[str]
    python: str
    platform: str


class DriverRecord(msgspec.Struct, tag_field="record", tag="driver", frozen=True, kw_only=True):
    """What is known of a driver: of its probe, and of its part in the run."""

    driver: str
    status: Literal["available", "unavailable", "broken"]
    reason: str = ""
    """Why it is unavailable, or what is broken before any slot can be tried."""
    stage: str = ""
    """Where that was: import, construct, available, enumerate, create_device, group, ..."""
    version: str = ""
    devices: list[dict[str, Any]] = []
    """Each enumerated device: path, name, obtained_on."""
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
    case: str
    """``area/file::test[params]``, the same wherever the suites are installed."""
    requirements: list[str]
    outcome: Outcome
    duration: float
    """Seconds, of the phases that the record knows of."""
    message: str = ""
    code: str = ""
    """The status code of the error that ended it, where it was one."""
    blocked_by: str = ""
    """The broken slot (or stage) that kept the case from running."""
    attempts: list[Attempt] = []
    """What became of it each time, where it was run more than once or its process died."""


Record = RunRecord | DriverRecord | CaseRecord

_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[Record] = msgspec.json.Decoder(Record)


class ResultsWriter:
    """Appends records to a new results file."""

    def __init__(self, directory: Path) -> None:
        """Creates the directory. Raises OSError when that, or the file, cannot be written."""
        directory.mkdir(parents=True, exist_ok=True)
        self.path = directory / FILE_NAME
        self._file = self.path.open("wb", buffering=0)

    def write(self, record: Record) -> None:
        """Writes one line, at once."""
        self._file.write(_encoder.encode(record) + b"\n")

    def close(self) -> None:
        """Ends the file."""
        self._file.close()


def read(path: Path) -> Iterator[Record]:
    """The records of a results file, without a last line that was cut off."""
    for line in path.read_bytes().splitlines(keepends=True):
        if line.endswith(b"\n"):
            yield _decoder.decode(line)


def read_cases(path: Path) -> list[CaseRecord]:
    """The last record of each case and driver, in the order of the first ones."""
    records = (record for record in read(path) if isinstance(record, CaseRecord))
    return list({(record.driver, record.case): record for record in records}.values())
