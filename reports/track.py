"""A column of a `History` while it grows, the newest run first, so that what was seen first stays.

Runs are numbered 0, −1, −2, … while they come, and from 0, the oldest, once they are all there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from cts.results import BenchmarkRecord, DriverRecord

from .case_line import CaseLine, shorten
from .history import NOT_RUN, Bytes, Evidence
from .matrix import PRECEDENCE

CODES: dict[str, int] = {outcome: code for code, outcome in enumerate(PRECEDENCE)}
_NUMBERS = re.compile(r"0x[0-9a-fA-F]+|\d+")


@dataclass
class Track:
    """What is known of a driver on its devices.

    Attributes
    ----------
    index : the place of each case, by the order in which they came; shared by all tracks.
    ids, places : the cases of the run that came last, and their places.
    verdicts : of each run, uint8[cases known then].
    newest : by place.
    evidence : by place, and by the way in which the case did not pass.
    """

    record: DriverRecord
    index: dict[str, int]
    ids: list[str] = field(default_factory=list)
    places: list[int] = field(default_factory=list)
    runs: list[int] = field(default_factory=list)
    versions: list[str] = field(default_factory=list)
    verdicts: list[Bytes] = field(default_factory=list)
    newest: dict[int, CaseLine] = field(default_factory=dict)
    evidence: dict[int, dict[tuple[str, ...], Evidence]] = field(default_factory=dict)
    benchmarks: dict[str, BenchmarkRecord] = field(default_factory=dict)

    def add(self, run: int, version: str, lines: list[CaseLine]) -> None:
        """Takes in a run that is older than those before. Of one case, its last line counts."""
        self._place(lines)
        verdicts = np.full(len(self.index), NOT_RUN, np.uint8)
        outcomes = [line.outcome for line in lines]
        codes = bytes(map(CODES.__getitem__, outcomes))
        verdicts[self.places] = np.frombuffer(codes, np.uint8)
        self.runs.append(run)
        self.versions.append(version)
        self.verdicts.append(verdicts)
        failed = {
            place: line
            for place, line, outcome in zip(self.places, lines, outcomes, strict=True)
            if outcome != "pass"
        }
        for place, line in failed.items():
            if CODES[line.outcome] == verdicts[place]:
                self._note(place, line, run)

    def _place(self, lines: list[CaseLine]) -> None:
        """Finds the places of these cases, which most often are those of the last run."""
        ids = [line.case for line in lines]
        if ids == self.ids:
            return
        self.ids = ids
        self.places = [self.index.setdefault(id, len(self.index)) for id in ids]
        for place, line in dict(zip(self.places, lines, strict=True)).items():
            if place not in self.newest:
                shorten(line)
                self.newest[place] = line

    def _note(self, place: int, line: CaseLine, run: int) -> None:
        """Keeps what was no pass, once for each way."""
        way = line.signature or _NUMBERS.sub("#", line.message)
        key = (line.outcome, way, line.code, line.blocked_by)
        ways = self.evidence.setdefault(place, {})
        known = ways.get(key)
        if known is None:
            if line is not self.newest.get(place):  # which is short already
                shorten(line)
            ways[key] = Evidence(line, run, run)
        else:
            known.first = run
            known.count += 1

    def absorb(self, other: Track) -> None:
        """Takes in the runs of another."""
        is_newer = other.runs[0] > self.runs[0]
        newer, older = (other, self) if is_newer else (self, other)
        self.record = newer.record
        self.newest = older.newest | newer.newest
        runs = sorted([*_rows(self), *_rows(other)], key=lambda row: row[0], reverse=True)
        self.runs = [run for run, _, _ in runs]
        self.versions = [version for _, version, _ in runs]
        self.verdicts = [verdicts for _, _, verdicts in runs]
        for place, ways in other.evidence.items():
            mine = self.evidence.setdefault(place, {})
            for key, found in ways.items():
                known = mine.setdefault(key, found)
                if known is not found:
                    known.record = max(known, found, key=lambda evidence: evidence.last).record
                    known.first = min(known.first, found.first)
                    known.last = max(known.last, found.last)
                    known.count += found.count

    def number_from(self, oldest: int) -> None:
        """Puts the oldest run first; `oldest` is the number that it has had among all."""
        self.runs = [run - oldest for run in reversed(self.runs)]
        self.versions.reverse()
        self.verdicts.reverse()
        for ways in self.evidence.values():
            for evidence in ways.values():
                evidence.first -= oldest
                evidence.last -= oldest

    def table(self, order: list[int]) -> Bytes:
        """The verdicts, uint8[cases, runs], the cases in this order of their places."""
        table = np.full((len(order), len(self.runs)), NOT_RUN, np.uint8)
        for run, verdicts in enumerate(self.verdicts):
            table[: len(verdicts), run] = verdicts
        return table[order]


def _rows(track: Track) -> Iterable[tuple[int, str, Bytes]]:
    return zip(track.runs, track.versions, track.verdicts, strict=True)
