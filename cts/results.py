"""What a run leaves behind: one JSON line for each thing known, written as soon as it is known.

`results.jsonl` starts with a `RunRecord`, then has a `DriverRecord` for each driver and a
`CaseRecord` for each case and driver; a `DriverRecord` may come again at the end, and replaces the
earlier one. A file that ends early is readable up to its last whole line.
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
    "unsupported",
    "blocked",
    "adapter",
    "skip",
]
UNEXPECTED: frozenset[Outcome] = frozenset({"fail", "error", "crash", "timeout", "blocked"})
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


class CaseRecord(msgspec.Struct, tag_field="record", tag="case", frozen=True, kw_only=True):
    """The verdict for one case on one driver."""

    driver: str
    case: str
    """``area/file::test[params]``, the same wherever the suites are installed."""
    requirements: list[str]
    outcome: Outcome
    duration: float
    """Seconds, set-up and tear-down included."""
    message: str = ""
    code: str = ""
    """The status code of the error that ended it, where it was one."""
    blocked_by: str = ""
    """The broken slot (or stage) that kept the case from running."""


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
