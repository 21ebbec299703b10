"""The files of expectations in a session, and what is wrong with them.

1. `read` reads those of the drivers that take part, or those that were named instead.
2. `note_collected` looks for entries that name no case, once the cases are known.
3. `faults` are, at the end, all that is wrong, a line each.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cts import registry
from cts.expectations.entries import FILE_NAME, ExpectationsFile, UnreadableError, read
from cts.expectations.expectations import Expectations
from cts.expectations.queries import names, names_case
from cts.plugin.options import Options
from cts.results import CaseRecord, DriverRecord, Outcome

if TYPE_CHECKING:
    from cts.plugin.cases import Case

_NOT_RUN: frozenset[Outcome] = frozenset({"unsupported", "skip"})


class ExpectationFiles:
    """The expectations of a session.

    Parameters
    ----------
    options : with the files that were named, if any; they stand in for the drivers' own.
    """

    def __init__(self, options: Options) -> None:
        self._options = options
        self._files: dict[str, list[ExpectationsFile]] = {}
        self._drivers: dict[str, Expectations] = {}
        self.found: dict[str, None] = {}
        """Faults that were found once the cases were known, here or by a worker of xdist."""

    @property
    def is_read(self) -> bool:
        """Whether the drivers' files have been read, or looked for."""
        return bool(self._drivers)

    @cached_property
    def _named(self) -> list[ExpectationsFile]:
        return [_read(path) for path in self._options.expectations or ()]

    def read(self, records: Sequence[DriverRecord]) -> None:
        """Reads the files for these drivers. Raises UsageError where one cannot be read."""
        is_named = self._options.expectations is not None
        for record in records:
            files = self._named if is_named else _own(record.registered)
            self._files[record.driver] = files
            self._drivers[record.driver] = Expectations.of_driver(record, files)

    def of(self, driver: str) -> Expectations:
        """Those of a driver."""
        return self._drivers.get(driver) or Expectations(driver)

    @property
    def digests(self) -> dict[str, str]:
        """Of the files of each driver that has any."""
        return {
            driver: "+".join(file.digest for file in files)
            for driver, files in self._files.items()
            if files
        }

    def note_collected(self, config: pytest.Config, cases: Sequence[tuple[Path, Case]]) -> None:
        """Looks for entries that name no case of those that were collected, each with its file."""
        if not any(expectations.entries for expectations in self._drivers.values()):
            return
        whole = _are_whole(config, {path.parent.parent for path, _ in cases})
        in_part = {_file_of(config, str(argument)) for argument in config.args}
        files = {case.id.partition("::")[0] for path, case in cases if path not in in_part}
        for driver, expectations in self._drivers.items():
            own = [(case.id, case.core) for _, case in cases if case.driver == driver]
            self.found |= dict.fromkeys(expectations.unmatched(own, files=files, whole=whole))

    def faults(self, cases: Sequence[CaseRecord]) -> list[str]:
        """All that is wrong with the files, given the verdicts; and an exceeded budget."""
        files = {file.path: file for files in self._files.values() for file in files}
        found = dict.fromkeys(fault for file in files.values() for fault in file.faults)
        for file in files.values():
            found |= dict.fromkeys(_of_unknown_drivers(file))
        for expectations in self._drivers.values():
            found |= dict.fromkeys(expectations.faults())
        found |= self.found
        for driver in self._drivers:
            own = [case for case in cases if case.driver == driver]
            found |= dict.fromkeys(self._inapplicable(driver, own))
            found |= dict.fromkeys(self._beyond_budget(driver, own))
        return list(found)

    def _inapplicable(self, driver: str, cases: Sequence[CaseRecord]) -> list[str]:
        """Entries of which no case came so far as to be held against them."""
        found = []
        for entry in self.of(driver).entries:
            named = [case for case in cases if names_case(entry.case, case.case)]
            if named and all(c.outcome in _NOT_RUN and not c.expected for c in named):
                why = named[0].message or named[0].outcome
                found.append(f"{driver}: {entry}: no case of it applies anyway: {why}")
        return found

    def _beyond_budget(self, driver: str, cases: Sequence[CaseRecord]) -> list[str]:
        budget = self._options.budget
        if budget is None or not cases:
            return []
        left_out = sum(case.outcome in _NOT_RUN for case in cases)
        if left_out <= budget.of_cases(len(cases)):
            return []
        text = f"{left_out} of {len(cases)} cases are unsupported or skipped"
        return [f"{driver}: {text}: the budget is {budget}"]


def _read(path: Path) -> ExpectationsFile:
    try:
        return read(path)
    except UnreadableError as error:
        raise pytest.UsageError(f"expectations cannot be read: {error}") from error


def _own(driver: str) -> list[ExpectationsFile]:
    """The file that comes with a driver, if there is one."""
    folder = registry.folder(driver)
    path = folder / FILE_NAME if folder else None
    return [_read(path)] if path and path.exists() else []


def _of_unknown_drivers(file: ExpectationsFile) -> list[str]:
    known = registry.names()
    return [
        f"{file.path}: {entry}: there is no driver {entry.driver!r}"
        for entry in file.entries
        if not any(names(entry.driver, name) for name in known)
    ]


def _are_whole(config: pytest.Config, roots: set[Path]) -> bool:
    """Whether the cases were collected from these folders as a whole."""
    if config.getoption("lf", False):
        return False
    asked = [_path_of(config, str(argument)) for argument in config.args]
    inside = [any(path and root.is_relative_to(path) for path in asked) for root in roots]
    return bool(inside) and all(inside)


def _file_of(config: pytest.Config, argument: str) -> Path | None:
    """The file of which an argument of the command line names some tests."""
    name, found, _ = argument.partition("::")
    return Path(config.invocation_params.dir, name).resolve() if found else None


def _path_of(config: pytest.Config, argument: str) -> Path | None:
    """The folder that an argument of the command line names; none for a file, or for tests."""
    path = Path(config.invocation_params.dir, argument)
    if not path.exists() and config.getoption("pyargs"):
        spec = find_spec(argument) if argument.replace(".", "").isidentifier() else None
        path = Path(next(iter(spec.submodule_search_locations or [""]))) if spec else path
    return path.resolve() if path.is_dir() else None
