"""Reads many runs into one `History`.

1. The files are found and sorted by the start of their runs; a run that is there twice counts once.
2. They are read one at a time, the newest first. Of each only a byte a verdict stays, the newest
   record of a case, and of what was no pass one record for each way that it went.
3. Columns and cases are sorted, and what each column has now is looked up.
"""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import groupby
from operator import attrgetter
from pathlib import Path

import numpy as np

from cts.results import DOCUMENT_NAME, BenchmarkRecord, DriverRecord, RunRecord

from .case_line import TEXT_LIMIT, CaseLine
from .history import NOT_RUN, Bytes, Column, History, Integers, MergedRun
from .runs import (
    Document,
    Format,
    Problem,
    RunError,
    find,
    peek,
    read_records,
    reason_of,
    run_record,
    unfinished,
)
from .text import natural
from .track import Track

_NO_TIME = datetime.min.replace(tzinfo=UTC)

Watch = Callable[[Sequence[Path]], Iterable[Path]]
Line = RunRecord | DriverRecord | CaseLine | BenchmarkRecord
_FORMAT: Format[Line] = Format(Line, Document[Line])  # type: ignore[arg-type]


def merge(paths: Iterable[Path], *, by_version: bool = False, watch: Watch = iter) -> History:
    """Reads all runs at these paths; `watch` goes along with the files while they are read.

    `by_version` gives each version of a driver a column of its own.
    """
    history = History()
    merger = Merger(history, by_version)
    with _collector_off():
        for path in watch(_in_order(paths, history)):
            merger.read(path)
        merger.finish()
    return history


@contextmanager
def _collector_off() -> Iterator[None]:
    """Without Python's collector: millions of records come and go, none of them in a cycle."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _in_order(paths: Iterable[Path], history: History) -> list[Path]:
    """The files, newest run first, each run once."""
    starts: dict[Path, tuple[datetime, str]] = {}
    files: dict[str, list[Path]] = {}
    for path in find(paths):
        if isinstance(path, Problem):
            history.problems.append(path)
            continue
        try:
            record = peek(path)
        except (RunError, OSError) as error:
            history.problems.append(Problem(path, reason_of(error)))
            continue
        starts[path] = _time(record.started), record.id
        files.setdefault(record.id or f"\0{path}", []).append(path)
    for same in files.values():
        best, *others = sorted(same, key=_wholeness, reverse=True) if len(same) > 1 else same
        for path in others:
            del starts[path]
            history.duplicates.append(Problem(path, f"the same run as {best}: counted once"))
    return sorted(starts, key=starts.__getitem__, reverse=True)


def _wholeness(path: Path) -> tuple[bool, int]:
    """Of files of one run, the one that has most of it is the greatest."""
    return path.name == DOCUMENT_NAME, path.stat().st_size if path.exists() else 0


def _time(text: str) -> datetime:
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return _NO_TIME
    return time if time.tzinfo else time.replace(tzinfo=UTC)


Key = tuple[str, str, str, str]
"""Driver, on what its results were obtained, devices, version."""


class Merger:
    """Takes in one file after the other, the newest first."""

    def __init__(self, history: History, by_version: bool) -> None:
        self._history = history
        self._by_version = by_version
        self._index: dict[str, int] = {}
        self._tracks: dict[Key, Track] = {}

    def read(self, path: Path) -> None:
        """Takes in a run, or notes that it cannot be read."""
        try:
            lines, damage = read_records(path, _FORMAT)
            others = [line for line in lines if type(line) is not CaseLine]
            record = run_record([*lines[:1], *others], damage)
        except (RunError, OSError) as error:
            self._history.problems.append(Problem(path, reason_of(error)))
            return
        run = -len(self._history.runs)
        incomplete = damage or unfinished(record)
        self._history.runs.append(MergedRun(path, record, incomplete, bool(damage)))
        drivers = {line.driver: line for line in others if isinstance(line, DriverRecord)}
        benchmarks = [line for line in others if isinstance(line, BenchmarkRecord)]
        cases: dict[str, list[CaseLine]] = {name: [] for name in drivers}
        of_cases = [line for line in lines if type(line) is CaseLine]
        for name, some in groupby(of_cases, key=attrgetter("driver")):
            cases.setdefault(name, []).extend(some)
        for name, of_driver in cases.items():
            driver = drivers.get(name) or _unknown(name)
            track = self._track(driver)
            measured = {line.name: line for line in benchmarks if line.driver == name}
            track.benchmarks = measured | track.benchmarks
            track.add(run, driver.version, of_driver)

    def _track(self, driver: DriverRecord) -> Track:
        version = driver.version if self._by_version else ""
        key = (driver.driver, driver.obtained_on, _names(driver), version)
        return self._tracks.setdefault(key, Track(driver, self._index))

    def finish(self) -> None:
        """Fills in the columns and the cases."""
        self._join_broken()
        self._history.runs.reverse()
        for track in self._tracks.values():
            track.number_from(1 - len(self._history.runs))
        ids = list(self._index)
        order = sorted(range(len(ids)), key=lambda i: natural(ids[i]))
        tables = [(key, track, track.table(order)) for key, track in self._in_order()]
        nows = [self._now(track, table) for _, track, table in tables]
        kept = np.zeros(len(ids), bool)
        for now, _ in nows:
            kept |= now != NOT_RUN
        gone = len(ids) - int(kept.sum())
        if gone:
            self._history.notes.append(f"{gone} cases that no newest run has, and their history")
        old = [i for position, i in enumerate(order) if kept[position]]
        self._history.cases = [ids[i] for i in old]
        self._history.requirements = self._newest_requirements(old)
        labels = _labels([key for key, _, _ in tables])
        for label, (_, track, table), (now, last) in zip(labels, tables, nows, strict=True):
            column = _column(label, track, table[kept], now[kept], last[kept], old)
            self._history.columns.append(column)

    def _in_order(self) -> list[tuple[Key, Track]]:
        return sorted(self._tracks.items(), key=lambda item: item[0])

    def _join_broken(self) -> None:
        """A driver that broke before its devices were known is the one that worked elsewhen; one
        that was not there says nothing."""
        for key, track in list(self._tracks.items()):
            others = [k for k in self._tracks if k[0] == key[0] and k != key and k[2]]
            if key[2] or not others:
                continue
            if track.record.status == "unavailable" and not track.newest:
                self._history.notes.append(
                    f"driver {key[0]} in {len(track.runs)} runs: unavailable, {track.record.reason}"
                )
                del self._tracks[key]
            elif len(others) == 1:
                self._tracks[others[0]].absorb(self._tracks.pop(key))

    def _now(self, track: Track, table: Bytes) -> tuple[Bytes, Integers]:
        """What the column has now of each case, and of which of its runs that is."""
        revisions = [self._history.runs[run].record.suite_revision for run in track.runs]
        newest = next(filter(None, reversed(revisions)), None)
        is_same = np.array([revision == newest for revision in revisions])
        is_same[-1] = True
        last = table.shape[1] - 1 - np.argmax(table[:, ::-1] != NOT_RUN, axis=1)
        now = np.where(is_same[last], table[np.arange(len(table)), last], NOT_RUN)
        return now.astype(np.uint8), last

    def _newest_requirements(self, cases: list[int]) -> list[tuple[str, ...]]:
        newest: dict[int, tuple[str, ...]] = {}
        for track in sorted(self._tracks.values(), key=lambda track: track.runs[-1]):
            for case, line in track.newest.items():
                newest[case] = line.requirements
        return [tuple(dict.fromkeys(newest[case])) for case in cases]


def _unknown(name: str) -> DriverRecord:
    return DriverRecord(driver=name, status="broken", reason="the run has no record of it")


def _names(driver: DriverRecord) -> str:
    """The names of a driver's devices, each once."""
    counted = Counter(device.name for device in driver.devices)
    names = [name if n == 1 else f"{n} × {name}" for name, n in sorted(counted.items())]
    return ", ".join(names)[:TEXT_LIMIT]


def _labels(keys: list[Key]) -> list[str]:
    """A name for each column: the driver, and in what its columns differ. No two are the same."""
    labels: list[str] = []
    for key in keys:
        same = [other for other in keys if other[0] == key[0]]
        differing = [i for i in (2, 3, 1) if len({other[i] for other in same}) > 1]
        label = " · ".join([key[0], *(key[i] or "?" for i in differing)])
        while label in labels:
            label += "′"
        labels.append(label)
    return labels


def _column(
    label: str,
    track: Track,
    verdicts: Bytes,
    now: Bytes,
    last: Integers,
    old: list[int],
) -> Column:
    evidence = {
        case: sorted(track.evidence[i].values(), key=lambda e: (-e.last, e.record.outcome))
        for case, i in enumerate(old)
        if i in track.evidence
    }
    newest = {case: track.newest[i] for case, i in enumerate(old) if i in track.newest}
    return Column(
        label=label,
        driver=track.record,
        devices=_names(track.record),
        versions=track.versions,
        runs=track.runs,
        verdicts=verdicts,
        now=now,
        last=last,
        newest=newest,
        evidence=evidence,
        benchmarks=dict(sorted(track.benchmarks.items())),
    )
