"""One session's run: the selection, the drivers in use, the results, the exit status."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from cts.plugin import device_lock
from cts.plugin.driver_session import DriverSession
from cts.plugin.expectation_files import ExpectationFiles
from cts.plugin.options import Options
from cts.plugin.revision import revision_of
from cts.plugin.selection import Selection
from cts.plugin.session_results import SessionResults
from cts.results import DriverRecord

if TYPE_CHECKING:
    from cts.plugin.cases import Case

_RUN: pytest.StashKey[Run] = pytest.StashKey()


class Run:
    """What this plugin knows in one pytest session; inert until a driver is named or a case met.

    Under xdist the controller names, probes and records; the workers run the cases.
    """

    def __init__(self, config: pytest.Config) -> None:
        self.options = Options.of(config)
        self.expected = ExpectationFiles(self.options)
        self.header_shown = False
        self.refusal = ""
        """Why an xdist worker refused to run anything."""
        self.sessions: dict[str, DriverSession] = {}
        self._config = config
        self._locks = ExitStack()
        self._selection: Selection | None = None
        worker = getattr(config, "workerinput", None)
        self.is_worker = worker is not None
        """Whether another process records: xdist's controller, or the parent of this child."""
        self.in_child: bool = (worker or {}).get("hal_cts_in_child", False)
        """Whether this is a child that cases are run in."""
        self.arguments: list[str] = (worker or {}).get("hal_cts_arguments") or [
            str(argument) for argument in config.invocation_params.args
        ]
        """Of the command line; a worker of xdist has none of its own."""
        if worker and worker.get("hal_cts"):
            self._selection = Selection.from_plain(worker["hal_cts"])
        scratch = (worker or {}).get("hal_cts_scratch")
        self.results = SessionResults(
            config,
            self.options,
            self.driver_records,
            is_kept=not self.is_worker,
            scratch=scratch,
        )

    @classmethod
    def attach(cls, config: pytest.Config) -> Run:
        """Gives a session its run."""
        config.stash[_RUN] = run = cls(config)
        return run

    # -- selection --------------------------------------------------------------------

    @property
    def active(self) -> bool:
        """Whether this session has anything to do with drivers."""
        return self._selection is not None

    def selection(self) -> Selection:
        """The drivers of the run, looked for at the first call."""
        if self._selection is None:
            self._selection = Selection.of_available(self.options)
        return self._selection

    def start_named(self) -> None:
        """With drivers named: finds and probes them, and opens the results."""
        if self.options.drivers and not self.is_worker:
            self._selection = Selection.of_named(self.options)
        if self.options.results or (self.options.drivers and not self._collect_only()):
            self.results.open()

    def start_found(self, session: pytest.Session) -> None:
        """Probes what was not named, once cases are known to run."""
        if self.active and session.items and not self._collect_only():
            self.selection().probe(self.options)
            self.results.open()

    def lock_devices(self) -> None:
        """With ``--device-lock``: waits until the devices are this run's alone."""
        if self.options.device_lock and self.active and not self.is_worker:
            reporter = self._config.pluginmanager.getplugin("terminalreporter")
            keys = device_lock.keys_of(self.selection().records.values())
            self._locks = device_lock.lock(keys, reporter.write_line)

    def _collect_only(self) -> bool:
        return bool(self._config.getoption("collectonly"))

    def session_of(self, driver: str) -> DriverSession:
        """The driver in this process, made at its first case."""
        if driver not in self.sessions:
            record = self.selection().records[driver]
            self.sessions[driver] = DriverSession(record, self.selection().probed, self.options)
        return self.sessions[driver]

    def driver_records(self) -> list[DriverRecord]:
        """What is known of each driver by now."""
        return [
            self.sessions[name].record() if name in self.sessions else record
            for name, record in (self._selection.records if self._selection else {}).items()
        ]

    def check_selection(self) -> None:
        """Raises UsageError where ``--device`` or ``--validation`` leave no driver at all."""
        asked = {
            "--device": self.options.device is not None,
            "--validation": self.options.validation,
        }
        if self.active and any(asked.values()) and not self.selection().records:
            given = ", ".join(option for option, is_given in asked.items() if is_given)
            lines = [f"{name}: {why}" for name, why in self.selection().absent.items()]
            raise pytest.UsageError("\n".join([f"{given}: no driver is left:", *lines]))

    def read_expectations(self, config: pytest.Config, cases: Sequence[tuple[Path, Case]]) -> None:
        """Reads what is known of the drivers, now that the cases are known, each with its file.
        Raises UsageError where a file cannot be read."""
        if self.active:
            self.expected.read(list(self.selection().records.values()))
            self.expected.note_collected(config, cases)
            self.results.note_suite(revision_of({path.parent.parent for path, _ in cases}))

    # -- other processes ---------------------------------------------------------------

    def for_worker(self) -> dict[str, Any]:
        """What a worker need not find out again."""
        if self.options.search:  # what it finds is stored beside the results
            self.results.open()
        return {
            "hal_cts": self._selection.to_plain() if self._selection else None,
            "hal_cts_scratch": str(self.results.scratch_directory),
            "hal_cts_arguments": self.arguments,
        }

    def for_child(self, driver: str) -> dict[str, Any]:
        """What a child that runs one driver's cases need not find out again."""
        plain = self.selection().to_plain()
        plain["records"] = {driver: plain["records"][driver]}
        return self.for_worker() | {"hal_cts": plain, "hal_cts_in_child": True}

    def from_worker(self, plain: dict[str, Any] | None) -> None:
        """Merges what a worker found out into this, the controller's, run."""
        if plain is None:
            return
        self.refusal = self.refusal or plain["refusal"]
        self.expected.found |= dict.fromkeys(plain["expectation_faults"])
        self.results.note_suite(plain["suite_revision"])
        theirs = Selection.from_plain(plain)
        if not self.expected.is_read:
            self.expected.read(list(theirs.records.values()))
        if self._selection is None:
            self._selection = theirs
            return
        for name, record in theirs.records.items():
            ours = self._selection.records[name]
            self._selection.records[name] = msgspec.structs.replace(
                ours,
                groups_built=ours.groups_built + record.groups_built,
                slot_faults=ours.slot_faults or record.slot_faults,
                exit_fault=ours.exit_fault or record.exit_fault,
            )

    def note_end(self, driver: str, fault: str, groups_built: int) -> None:
        """Takes over how a driver's last child ended, and how many groups the dead ones built."""
        record = self.selection().records[driver]
        self.selection().records[driver] = msgspec.structs.replace(
            record,
            exit_fault=fault or record.exit_fault,
            groups_built=record.groups_built + groups_built,
        )

    # -- the end ----------------------------------------------------------------------

    def finish(self, session: pytest.Session, exitstatus: int) -> None:
        """Ends the drivers of this process, and settles the exit status."""
        if not self.active:
            return
        for driver in self.sessions.values():
            driver.close()
        records = self.driver_records()
        if self.is_worker:
            selection = self.selection()
            selection.records = {record.driver: record for record in records}
            plain = selection.to_plain() | {
                "refusal": self.refusal,
                "expectation_faults": list(self.expected.found),
                "suite_revision": self.results.suite_revision,
            }
            self._config.workeroutput["hal_cts"] = plain  # type: ignore[attr-defined]
            return
        if self.refusal:
            session.exitstatus = pytest.ExitCode.USAGE_ERROR
        elif self.is_judged(exitstatus) and (self.unexpected() or self.expectation_faults()):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
        self.results.finish(
            records,
            whole=self.is_judged(exitstatus),
            expectations=self.expected.digests,
            expectation_faults=self.expectation_faults(),
            exit_status=int(session.exitstatus),
        )

    def expectation_faults(self) -> list[str]:
        """What is wrong with the files of expectations, a line each."""
        return self.expected.faults(self.results.cases)

    def is_judged(self, exitstatus: int) -> bool:
        """Whether a session that pytest ended so has run what it was to run."""
        settled = {pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED}
        if self._selection is not None and self._selection.named:
            settled.add(pytest.ExitCode.NO_TESTS_COLLECTED)
        return exitstatus in settled and not self._collect_only() and not self.refusal

    def unexpected(self) -> list[str]:
        """Why the run cannot be called good, a line each; empty where it can."""
        reasons = [
            f"{case.driver}: {case.case}: {case.outcome}"
            for case in self.results.cases
            if case.is_unexpected
        ]
        for record in self.driver_records():
            if record.status == "broken" or record.exit_fault:
                reasons.append(f"{record.driver}: {record.reason or record.exit_fault}")
        return reasons + [f"{name}: nothing was proven" for name in self.unproven()]

    def unproven(self) -> list[str]:
        """Named drivers without a single passing case, where there were cases at all."""
        if self._selection is None or not self._selection.named:
            return []
        if self.results.benchmarks and not self.results.cases:
            return []
        proven = {case.driver for case in self.results.cases if case.outcome == "pass"}
        return [name for name in self._selection.records if name not in proven]

    def close(self) -> None:
        """Ends the results file."""
        self._locks.close()
        self.results.close()


def run_of(config: pytest.Config) -> Run:
    """The run of a session."""
    return config.stash[_RUN]


def has_run(config: pytest.Config) -> bool:
    """Whether a session has anything to do with drivers."""
    return _RUN in config.stash
