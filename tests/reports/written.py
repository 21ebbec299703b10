"""Runs of a few records, written where a test wants them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cts.results import (
    CaseRecord,
    DriverRecord,
    ObtainedOn,
    Outcome,
    Record,
    ResultsWriter,
    RunRecord,
    signature,
    write_document,
)


def run(id: str = "run", day: int = 1, **fields: Any) -> RunRecord:
    """A run that came to its end."""
    started = f"2026-01-{day:02}T08:00:00Z"
    known: dict[str, Any] = {
        "id": id,
        "suite_version": "0.1.0",
        "suite_revision": "a1",
        "started": started,
        "finished": started,
        "command": [],
        "python": "3.11.7",
        "platform": "Linux",
    }
    return RunRecord(**known | fields)


def driver(
    name: str = "acme", on: ObtainedOn = "hardware", device: str = "GPU", **fields: Any
) -> DriverRecord:
    """A driver that is available, on one device."""
    known: dict[str, Any] = {
        "driver": name,
        "status": "available",
        "devices": [{"path": "0", "name": device, "obtained_on": on}],
    }
    return DriverRecord(**known | fields)


def case(
    outcome: Outcome = "pass",
    id: str = "queue/test_copy::test_overlap",
    driver: str = "acme",
    ids: tuple[str, ...] = ("QUE-1",),
    **fields: Any,
) -> CaseRecord:
    """A verdict, with a line that reproduces it."""
    known: dict[str, Any] = {
        "driver": driver,
        "case": id,
        "requirements": list(ids),
        "outcome": outcome,
        "duration": 0.5,
        "signature": signature(outcome, fields.get("code", ""), fields.get("message", "")),
        "reproduce": f"pytest --driver={driver} '{id}'",
    }
    return CaseRecord(**known | fields)


def document(folder: Path, *records: Record) -> Path:
    """Writes `results.json` of these records into a folder; its path."""
    folder.mkdir(parents=True, exist_ok=True)
    return write_document(folder, records)


def lines(folder: Path, *records: Record) -> Path:
    """Writes `results.jsonl` of these records into a folder; its path."""
    writer = ResultsWriter(folder)
    for record in records:
        writer.write(record)
    writer.close()
    return writer.path
