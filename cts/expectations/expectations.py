"""What one driver's cases are held against in a run: the entries that apply here and today.

1. `Expectations.of_driver` picks, of a file's entries, those for the driver, its implementation and
   version, its devices and this platform; what is wrong with the others of its own is a fault at
   once.
2. `entry_of` is the entry of a case; of core cases nothing else than a pass can be expected.
3. `met_by` says what an outcome comes to: expected, or not as expected, and why.
4. `stale` are the entries that matched no case, or whose cases did not apply.
"""

from __future__ import annotations

import datetime
import re
import sys
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field

from packaging.specifiers import SpecifierSet
from packaging.version import InvalidVersion, Version

from cts.expectations.entries import Entry, ExpectationsFile
from cts.expectations.queries import file_of, names, names_case
from cts.results import FAILURES, DriverRecord, Outcome, registered_name

_KEPT: dict[str, Outcome] = {
    "expected-fail": "expected-fail",
    "unsupported": "unsupported",
    "flaky": "flaky",
}
"""What a failure comes to that is as an entry of that kind says."""
NAMES_NO_CASE = "it names no case"
_PASSES = frozenset({"pass", "adapter"})


@dataclass(frozen=True)
class Met:
    """What an outcome comes to, given an entry.

    Attributes
    ----------
    outcome : as it goes into the results.
    expected : what the entry names.
    why : the entry's reason and reproducer; or, where it is not met, what it asks for.
    """

    outcome: Outcome
    expected: str
    why: str


@dataclass
class Expectations:
    """The entries for one driver.

    Attributes
    ----------
    driver : the name that its results go by.
    entries : those whose conditions hold.
    undecided : those with versions of the driver, where the driver tells none.
    today : the day that is asked about.
    implementation : of the driver's devices, where it tells one.
    """

    driver: str
    entries: Sequence[Entry] = ()
    undecided: Sequence[Entry] = ()
    today: datetime.date = field(default_factory=lambda: datetime.datetime.now().date())
    implementation: str = ""

    @property
    def registered(self) -> str:
        """The name of the driver itself."""
        return registered_name(self.driver, self.implementation)

    @classmethod
    def of_driver(cls, record: DriverRecord, files: Iterable[ExpectationsFile]) -> Expectations:
        """Those of a driver's files that apply to it as it is here."""
        version = _version_in(record.version)
        named = (record.registered, record.implementation)
        own = [entry for file in files for entry in file.entries if entry.is_for(*named)]
        entries = [entry for entry in own if _holds(entry, record, version)]
        undecided = [entry for entry in own if entry.driver_version and version is None]
        return cls(record.driver, entries, undecided, implementation=record.implementation)

    def entry_of(self, case: str, *, core: bool = False) -> Entry | None:
        """The entry that a case is held against; the first that names it."""
        if core:
            return None
        return next((entry for entry in self.entries if names_case(entry.case, case)), None)

    def faults(self) -> list[str]:
        """Entries that do not hold any more, or not yet."""
        found = [
            f"{self.driver}: {entry}: the driver tells no version to hold {entry.driver_version!r}"
            " against"
            for entry in self.undecided
        ]
        for entry in self.entries:
            if entry.expires and entry.expires < self.today:
                found.append(f"{self.driver}: {entry}: it expired on {entry.expires}")
            if entry.since and entry.since > self.today:
                found.append(f"{self.driver}: {entry}: it starts on {entry.since}")
        return found

    def unmatched(
        self, cases: Sequence[tuple[str, bool]], *, files: Collection[str], whole: bool
    ) -> list[str]:
        """Entries that name no case, or core ones, or a case that an earlier entry names.

        Parameters
        ----------
        cases : ids of those that were collected, and whether they are core.
        files : those of which all cases were, as ``area/file``.
        whole : all cases of all files were; else only entries of `files` are judged.
        """
        found = []
        for at, entry in enumerate(self.entries):
            named = [(case, core) for case, core in cases if names_case(entry.case, case)]
            if not named and (whole or file_of(entry.case) in files):
                found.append(f"{self.driver}: {entry}: {NAMES_NO_CASE}")
            core_ones = [case for case, core in named if core]
            if core_ones:
                what = "no failure of a core case can be expected"
                found.append(f"{self.driver}: {entry}: {what}: {core_ones[0]}")
            for earlier in self.entries[:at]:
                both = [case for case, _ in named if names_case(earlier.case, case)]
                if both:
                    found.append(f"{self.driver}: {entry}: so does {earlier}: {both[0]}")
        return found


def met_by(entry: Entry, outcome: Outcome, code: str, message: str) -> Met | None:
    """What an outcome comes to under an entry; none where the entry says nothing of it."""
    named = "flaky" if entry.kind == "flaky" else " or ".join(entry.outcomes)
    if outcome in _PASSES and entry.kind == "flaky":
        return None
    if outcome in _PASSES:
        asked = _asked(entry)
        return Met("unexpected-pass", named, f"it passed; expected was {asked}")
    if outcome not in FAILURES and not (entry.kind == outcome == "flaky"):
        return None
    if _is_that_failure(entry, outcome, code, message):
        return Met(_KEPT[entry.kind], named, entry.why)
    return Met(outcome, named, f"another failure than the one expected: {_asked(entry)}")


def _is_that_failure(entry: Entry, outcome: Outcome, code: str, message: str) -> bool:
    return (
        outcome in (*entry.outcomes, "flaky")
        and entry.code in ("", code)
        and re.search(entry.pattern, message) is not None
    )


def _asked(entry: Entry) -> str:
    parts = [" or ".join(entry.outcomes)]
    if entry.code:
        parts.append(f"with {entry.code}")
    if entry.pattern:
        parts.append(f"saying {entry.pattern!r}")
    return " ".join(parts)


def _version_in(text: str) -> Version | None:
    """The first version in what a driver says of its own, such as ``runtime 3.13.0rc2``."""
    for word in text.split():
        try:
            return Version(word)
        except InvalidVersion:
            continue
    return None


def _holds(entry: Entry, record: DriverRecord, version: Version | None) -> bool:
    """Whether an entry's conditions hold for a driver as it is here."""
    if entry.platform and not names(entry.platform, sys.platform):
        return False
    if entry.device and not any(
        names(entry.device, text)
        for device in record.devices
        for text in (device.path, device.name)
    ):
        return False
    if not entry.driver_version:
        return True
    wanted = SpecifierSet(entry.driver_version)
    return version is not None and wanted.contains(version, prereleases=True)
