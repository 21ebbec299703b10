"""The files of a run, in a folder of its own.

`results.jsonl` grows while it runs, a line a record, as soon as something is known: a `RunRecord`,
a `DriverRecord` for each driver, a `CaseRecord` for each case and driver. A record replaces an
earlier one of the same run, driver, or case and driver: a case is written down before its
tear-down, which may yet go wrong. A file that ends early is readable up to its last whole line.

`results.json` is written at the end, with the last record of each:

    {"schema_version":2,"records":[
    {"record":"run",...},
    {"record":"driver",...},
    {"record":"case",...}
    ]}

It is one JSON document, and has one record a line, so that what is left of a cut file can be read.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from .encoding import encoded
from .records import SCHEMA_VERSION, CaseRecord, Record

FILE_NAME = "results.jsonl"
DOCUMENT_NAME = "results.json"
REPORT_NAMES = ("junit.xml", "matrix.html", "summary.md")
"""Of what is made of them, beside them."""
HEAD = b'{"schema_version":%d,"records":['
TAIL = b"]}"

_decoder: msgspec.json.Decoder[Record] = msgspec.json.Decoder(Record)


class ResultsWriter:
    """Appends records to a new results file."""

    def __init__(self, directory: Path) -> None:
        """Creates the directory, or removes from it what an earlier run has left. Raises OSError
        when that, or the file, cannot be written."""
        directory.mkdir(parents=True, exist_ok=True)
        for name in (DOCUMENT_NAME, *REPORT_NAMES):  # else they pass for those of this run
            (directory / name).unlink(missing_ok=True)
        self.path = directory / FILE_NAME
        self._file = self.path.open("wb", buffering=0)

    def write(self, record: Record) -> None:
        """Writes one line, at once."""
        self._file.write(encoded(record) + b"\n")

    def close(self) -> None:
        """Ends the file."""
        self._file.close()


def write_document(directory: Path, records: Iterable[Record]) -> Path:
    """Writes `results.json`, whole or not at all; its path. Raises OSError."""
    path = directory / DOCUMENT_NAME
    lines = b",\n".join(map(encoded, records))
    beside = path.with_suffix(".json.part")
    beside.write_bytes(b"\n".join((HEAD % SCHEMA_VERSION, lines, TAIL, b"")))
    os.replace(beside, path)
    return path


def read(path: Path) -> Iterator[Record]:
    """The records of a `results.jsonl`, without a last line that was cut off."""
    for line in path.read_bytes().splitlines(keepends=True):
        if line.endswith(b"\n"):
            yield _decoder.decode(line)


def read_cases(path: Path) -> list[CaseRecord]:
    """The last record of each case and driver, in the order of the first ones."""
    records = (record for record in read(path) if isinstance(record, CaseRecord))
    return list({(record.driver, record.case): record for record in records}.values())
