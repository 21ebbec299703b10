"""Reading runs: folders of results, from anywhere, of which none is to be believed.

A run is one results file: `results.json`, or the `results.jsonl` of a run that was cut off. What
can be read of a damaged one is read, and the run is marked incomplete. What cannot be read at all
is a `Problem`, and the others are read all the same.

    for found in read_all([Path("reports/out")]):     # each a Run, or a Problem
    for path in find([Path("reports/out")]):          # without reading them,
        record = peek(path)                           # or of each only when it began
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, TypeVar

import msgspec

from cts.results import (
    DOCUMENT_NAME,
    FILE_NAME,
    HEAD,
    SCHEMA_VERSION,
    TAIL,
    BenchmarkRecord,
    CaseRecord,
    DriverRecord,
    Record,
    RunRecord,
)

MAX_BYTES = 256 << 20
"""Of one results file."""
_START_BYTES = 1 << 20
"""In which the record of the run has to be."""
_DETAIL = 300
"""Characters of a decoder's complaint, which may quote the file."""
_BOM = b"\xef\xbb\xbf"
_UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)

T = TypeVar("T")


class _Head(msgspec.Struct):
    schema_version: int


_head = msgspec.json.Decoder(_Head)


class RunError(Exception):
    """A path that is no run, and why."""


class Format(Generic[T]):
    """How the records of a file are decoded: into `record`, one at a time, or all in a `document`
    with the field `records`, which is faster."""

    def __init__(self, record: type[T], document: type[Document[T]]) -> None:
        self.record = msgspec.json.Decoder(record)
        self.document = msgspec.json.Decoder(document)


class Document(msgspec.Struct, Generic[T]):
    """A results file that is one JSON document."""

    records: list[T]


_FULL: Format[Record] = Format(Record, Document[Record])  # type: ignore[arg-type]


@dataclass
class Run:
    """What one results file says.

    Attributes
    ----------
    path : the file.
    record : how and where it was made.
    drivers : by name.
    cases : by driver and case; the last verdict of each.
    benchmarks : in the order of the file.
    incomplete : why it cannot be taken for a whole run; empty where it can.
    """

    path: Path
    record: RunRecord
    drivers: dict[str, DriverRecord] = field(default_factory=dict)
    cases: dict[tuple[str, str], CaseRecord] = field(default_factory=dict)
    benchmarks: list[BenchmarkRecord] = field(default_factory=list)
    incomplete: str = ""


@dataclass(frozen=True)
class Problem:
    """A path that could not be read as a run, and why."""

    path: Path
    why: str


def find(paths: Iterable[Path]) -> Iterator[Path | Problem]:
    """The results files of runs: paths of files, of runs' folders, and of folders of these, at any
    depth; of one folder `results.json` rather than `results.jsonl`. Each once, sorted within its
    path. Links to folders are followed where they are named, not where they are found."""
    seen: set[Path] = set()
    for path in paths:
        is_empty = True
        for found in _below(path) if path.is_dir() else (path,):
            is_empty = False
            if isinstance(found, Problem):
                yield found
            elif found not in seen:
                seen.add(found)
                yield found
        if is_empty:
            yield Problem(path, f"no {DOCUMENT_NAME} or {FILE_NAME} is in it")


def _below(folder: Path) -> Iterator[Path | Problem]:
    """The results files in a folder and below it, however deep."""
    waiting = [folder]
    while waiting:
        here = waiting.pop()
        try:
            with os.scandir(here) as entries:
                below, names = [], set()
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        below.append(here / entry.name)
                    else:
                        names.add(entry.name)
        except OSError as error:
            yield Problem(here, reason_of(error))
            continue
        name = next((name for name in (DOCUMENT_NAME, FILE_NAME) if name in names), None)
        if name is not None:
            yield here / name
        waiting += sorted(below, reverse=True)


def read_all(paths: Iterable[Path]) -> Iterator[Run | Problem]:
    """Reads the runs found at these paths, one at a time."""
    for path in find(paths):
        if isinstance(path, Problem):
            yield path
            continue
        try:
            yield read(path)
        except (RunError, OSError) as error:
            yield Problem(path, reason_of(error))


def read(path: Path) -> Run:
    """Reads a results file, or a run's folder. Raises RunError, OSError."""
    if path.is_dir():
        path = _only_run_in(path)
    records, damage = read_records(path, _FULL)
    run = Run(path, run_record(records, damage))
    for record in records:
        if isinstance(record, DriverRecord):
            run.drivers[record.driver] = record
        elif isinstance(record, CaseRecord):
            run.cases[record.driver, record.case] = record
        elif isinstance(record, BenchmarkRecord):
            run.benchmarks.append(record)
    run.incomplete = damage or unfinished(run.record)
    return run


def peek(path: Path) -> RunRecord:
    """The record that a results file begins with, without reading the rest: its `id` and `started`
    hold, what is known only at the end of a run may not. Raises RunError, OSError."""
    data = _bytes_of(path, _START_BYTES)
    start, is_document = _after_head(data)
    return run_record([_first(data, start, is_document, _FULL)], "")


def unfinished(record: RunRecord) -> str:
    """Why a run that was read in full is not a whole one; empty where it is."""
    return "" if record.finished else "the run did not come to its end"


def reason_of(error: OSError | RunError) -> str:
    """Why a path could not be read, without the path."""
    return getattr(error, "strerror", None) or str(error)


def read_records(path: Path, format: Format[T]) -> tuple[list[T], str]:
    """The records of a results file, and what is wrong with it as a whole: nothing, or why there
    are no more. Raises RunError, OSError."""
    data = _bytes_of(path, MAX_BYTES, is_whole=True)
    start, is_document = _after_head(data)
    _first(data, start, is_document, format)
    damage = ""
    records: list[T] | None = None
    if is_document:
        try:
            records = format.document.decode(data).records
        except _UNREADABLE as error:
            damage = f"the file is damaged: {_brief(error)}"
    if records is None:
        records, stop = _line_by_line(data, start, is_document, format)
        damage = damage or stop
    return records, damage


def run_record(records: Iterable[object], damage: str) -> RunRecord:
    """The last record of the run itself; a results file begins with one. Raises RunError."""
    last: RunRecord | None = None
    for record in records:
        if isinstance(record, RunRecord):
            last = record
        elif last is None:
            raise RunError("its first record is not that of a run")
    if last is None:
        raise RunError(damage or "it is empty")
    if last.schema_version > SCHEMA_VERSION:
        raise RunError(_newer(last.schema_version))
    return last


def _only_run_in(folder: Path) -> Path:
    """The results file in a folder, or the only one below it."""
    for name in (DOCUMENT_NAME, FILE_NAME):
        if (folder / name).is_file():
            return folder / name
    found = list(find([folder]))
    if len(found) > 1:
        raise RunError(f"it has {len(found)} runs in it: name one of them")
    if isinstance(found[0], Problem):
        raise RunError(found[0].why)
    return found[0]


def _bytes_of(path: Path, limit: int, *, is_whole: bool = False) -> bytes:
    """The first bytes of a regular file; of a whole one, no more than the limit."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | getattr(os, "O_NONBLOCK", 0))
    except ValueError as error:
        raise RunError(str(error)) from error
    with open(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise RunError("it is not a file")
        data = file.read(limit + is_whole)
    if is_whole and len(data) > limit:
        raise RunError(f"it is larger than {MAX_BYTES >> 20} MiB")
    return data.removeprefix(_BOM)


def _after_head(data: bytes) -> tuple[int, bool]:
    """Where the first record begins, and whether the file is one document."""
    if not data.startswith(HEAD.partition(b"%d")[0]):
        return 0, False
    end = data.find(b"\n")
    if not 0 <= end < len(HEAD) * 4:
        raise RunError("its first line is damaged")
    try:
        version = _head.decode(data[:end] + TAIL).schema_version
    except _UNREADABLE as error:
        raise RunError(f"its first line is damaged: {_brief(error)}") from error
    if version > SCHEMA_VERSION:
        raise RunError(_newer(version))
    return end + 1, True


def _record_in(line: bytes, is_document: bool) -> bytes:
    line = line.strip()
    return line.removesuffix(b",") if is_document else line


def _first(data: bytes, start: int, is_document: bool, format: Format[T]) -> T:
    """The record that a file begins with, if it is a file of results at all."""
    end = data.find(b"\n", start)
    line = data[start : end if end >= 0 else len(data)]
    if end < 0 and not line.strip():
        raise RunError("it is empty")
    try:
        return format.record.decode(_record_in(line, is_document))
    except _UNREADABLE as error:
        raise RunError(f"it is no file of results: {_brief(error)}") from error


def _line_by_line(
    data: bytes, start: int, is_document: bool, format: Format[T]
) -> tuple[list[T], str]:
    """The records of whole lines, up to the first that is none, and why there are no more."""
    records: list[T] = []
    while start < len(data):
        end = data.find(b"\n", start)
        if end < 0:
            break
        text = _record_in(data[start:end], is_document)
        start = end + 1
        if is_document and text == TAIL:
            return records, ""
        try:
            records.append(format.record.decode(text))
        except _UNREADABLE as error:
            return records, f"record {len(records) + 1} is damaged: {_brief(error)}"
    return records, "the file is cut off" if is_document or start < len(data) else ""


def _brief(error: Exception) -> str:
    text = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
    return text if len(text) <= _DETAIL else text[:_DETAIL] + "…"


def _newer(version: int) -> str:
    return f"its schema is {version}, and this version reads up to {SCHEMA_VERSION}"
