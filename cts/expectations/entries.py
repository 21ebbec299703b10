"""The file `expectations.toml`: what a driver is known to get wrong, an entry for each.

    [[expectation]]
    case = "queue/test_copy::test_overlap_is_refused*"
    kind = "expected-fail"
    outcome = "fail"
    code = "INTERNAL"
    reason = "an overlap is found by the kernel, which has no code for it"
    link = "https://example.org/bugs/17"
    expires = 2027-03-01

A driver's own file lies in the package that has its class, and may serve several drivers, each with
several implementations: an entry is for all of them, or for those that `driver` and
`implementation` name.
"""

from __future__ import annotations

import datetime
import hashlib
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec
from packaging.specifiers import InvalidSpecifier, SpecifierSet

from cts.expectations.queries import names
from cts.hal import StatusCode
from cts.results import column_name

FILE_NAME = "expectations.toml"
TABLE = "expectation"

Failure = Literal["fail", "crash", "timeout", "error"]
Kind = Literal["unsupported", "expected-fail", "flaky", "skip"]


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="kebab", kw_only=True):
    """What is expected of some cases.

    Attributes
    ----------
    case : which: a suite, file, test or case id; a ``*`` stands for any text.
    kind : `unsupported`, it fails so for good; `expected-fail`, for now; `flaky`, it may fail so;
        `skip`, it is not run, for what would take the machine down.
    reason : why.
    driver : a driver's name, in which ``*`` stands for any text.
    implementation : what carries out the driver's devices, where it reaches several, such as
        ``lavapipe *``; ``*`` stands for any text.
    outcome : how the case fails; several, where memory is damaged and it depends.
    code : the status code that it fails with; any, if empty.
    pattern : a regular expression found in its message; any message, if empty.
    example : the failing input, as a failing case's result gives it: with it the case is decided.
    link, owner : where more is known, and who looks after it.
    reproducer : the script that shows the fault by itself, by its path in the repository.
    since, expires : the first day, and the last on which the entry holds.
    platform : as in `sys.platform`; ``*`` stands for any text.
    device : the path or name of a device of the group; ``*`` stands for any text.
    driver_version : versions of the driver, such as ``>=3.1,<4``.
    """

    case: str
    kind: Kind
    reason: str
    driver: str = "*"
    implementation: str = ""
    outcome: Failure | tuple[Failure, ...] = "fail"
    code: str = ""
    pattern: str = ""
    example: str = ""
    link: str = ""
    owner: str = ""
    reproducer: str = ""
    since: datetime.date | None = None
    expires: datetime.date | None = None
    platform: str = ""
    device: str = ""
    driver_version: str = ""

    @property
    def outcomes(self) -> tuple[Failure, ...]:
        """How the case may fail."""
        return (self.outcome,) if isinstance(self.outcome, str) else self.outcome

    @property
    def why(self) -> str:
        """The reason, and what reproduces it."""
        return f"{self.reason} ({self.reproducer})" if self.reproducer else self.reason

    def is_for(self, driver: str, implementation: str | None) -> bool:
        """Whether it is for a driver with that implementation; with any, for none."""
        if not names(self.driver, driver):
            return False
        if implementation is None or not self.implementation:
            return True
        return names(self.implementation, implementation)

    def faults(self) -> list[str]:
        """What is wrong with it by itself, whatever the driver does."""
        found = [
            f"{name} is empty"
            for name in ("case", "driver", "reason")
            if not getattr(self, name).strip()
        ]
        if not self.outcomes:
            found.append("outcome is empty")
        if self.code and self.code not in StatusCode.__members__:
            found.append(f"there is no status code {self.code!r}")
        try:
            re.compile(self.pattern)
        except re.error as error:
            found.append(f"pattern {self.pattern!r} is no regular expression: {error}")
        try:
            SpecifierSet(self.driver_version)
        except InvalidSpecifier:
            found.append(f"driver-version {self.driver_version!r} is no set of versions")
        if self.since and self.expires and self.expires < self.since:
            found.append(f"it expires on {self.expires}, before it starts on {self.since}")
        return found

    def __str__(self) -> str:
        """Names it in messages."""
        where = column_name(self.driver, self.implementation)
        return f"{self.kind} {self.case!r}" + ("" if where == "*" else f" on {where}")


@dataclass(frozen=True)
class ExpectationsFile:
    """A file that was read.

    Attributes
    ----------
    path : where it is.
    digest : of its bytes.
    entries : those that can be made sense of.
    faults : of the others, a line each.
    """

    path: Path
    digest: str
    entries: tuple[Entry, ...]
    faults: tuple[str, ...]


class UnreadableError(Exception):
    """A file of expectations that cannot be read at all."""


def read(path: Path) -> ExpectationsFile:
    """Reads a file. Raises UnreadableError where it cannot be, or is no TOML."""
    try:
        data = path.read_bytes()
        tables = tomllib.loads(data.decode("utf-8-sig"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise UnreadableError(f"{path}: {error}") from error
    faults = [f"{path}: unknown table {name!r}" for name in tables if name != TABLE]
    listed = tables.get(TABLE, [])
    if not isinstance(listed, list):
        faults.append(f"{path}: {TABLE} is a list of tables, each headed [[{TABLE}]]")
        listed = []
    entries: list[Entry] = []
    for number, table in enumerate(listed, start=1):
        entry, found = _entry_of(table)
        name = f"entry {number}" if entry is None else f"entry {number}, {entry}"
        faults += [f"{path}: {name}: {fault}" for fault in found]
        if entry is not None and not found:
            entries.append(entry)
    digest = hashlib.sha256(data).hexdigest()[:16]
    return ExpectationsFile(path, digest, tuple(entries), tuple(faults))


def _entry_of(table: object) -> tuple[Entry | None, list[str]]:
    if not isinstance(table, dict):
        return None, ["it is no table"]
    known = set(Entry.__struct_encode_fields__)
    unknown = [f"unknown field {name!r}" for name in table if name not in known]
    kept = {name: value for name, value in table.items() if name in known}
    try:
        entry = msgspec.convert(kept, Entry)
    except msgspec.ValidationError as error:
        case = f" (case {table['case']!r})" if isinstance(table.get("case"), str) else ""
        return None, [*unknown, f"{error}{case}"]
    return entry, unknown + entry.faults()
