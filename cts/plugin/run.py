"""One session's run: the selection, the drivers in use, the results, the exit status."""

from __future__ import annotations

import dataclasses
import os
import platform
import sys
import tempfile
import time
from contextlib import ExitStack
from importlib.metadata import version
from pathlib import Path
from typing import Any

import msgspec
import pytest

from cts.plugin import device_lock
from cts.plugin.driver_session import DriverSession
from cts.plugin.options import Options
from cts.plugin.selection import Selection
from cts.results import UNEXPECTED, CaseRecord, DriverRecord, ResultsWriter, RunRecord

_RUN: pytest.StashKey[Run] = pytest.StashKey()


class Run:
    """What this plugin knows in one pytest session; inert until a driver is named or a case met.

    Under xdist the controller names, probes and records; the workers run the cases.
    """

    def __init__(self, config: pytest.Config) -> None:
        self.options = Options.of(config)
        self._cases: dict[tuple[str, str], CaseRecord] = {}
        self.header_shown = False
        self.refusal = ""
        """Why an xdist worker refused to run anything."""
        self.sessions: dict[str, DriverSession] = {}
        self._config = config
        self._locks = ExitStack()
        self._selection: Selection | None = None
        self._writer: ResultsWriter | None = None
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
        self._scratch = worker and worker.get("hal_cts_scratch")

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
            self.open_results()

    def start_found(self, session: pytest.Session) -> None:
        """Probes what was not named, once cases are known to run."""
        if self.active and session.items and not self._collect_only():
            self.selection().probe(self.options)
            self.open_results()

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
        """Raises UsageError where ``--device`` leaves no driver at all."""
        if self.active and self.options.device is not None and not self.selection().records:
            lines = [f"{name}: {why}" for name, why in self.selection().absent.items()]
            raise pytest.UsageError("\n".join(["--device: no driver is left:", *lines]))

    # -- other processes ---------------------------------------------------------------

    def for_worker(self) -> dict[str, Any]:
        """What a worker need not find out again."""
        if self.options.search:  # what it finds is stored beside the results
            self.open_results()
        return {
            "hal_cts": self._selection.to_plain() if self._selection else None,
            "hal_cts_scratch": str(self._writer.path.parent) if self._writer else self._scratch,
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
        theirs = Selection.from_plain(plain)
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

    # -- results ----------------------------------------------------------------------

    @property
    def results_path(self) -> Path | None:
        """The results file, once there is one."""
        return self._writer.path if self._writer else None

    def scratch_directory(self) -> Path:
        """Where tools may store what belongs to this run: beside the results, if there are any."""
        if self._writer:
            return self._writer.path.parent
        return Path(self._scratch or tempfile.gettempdir(), "hal-cts")

    def open_results(self) -> None:
        """Starts the results file. Raises UsageError where it cannot be written."""
        if self._writer or self.is_worker:
            return
        started = time.gmtime()
        default = self._config.rootpath / "reports" / "out"
        name = f"{time.strftime('%Y%m%d-%H%M%S', started)}-{os.getpid()}"
        directory = self.options.results or default / name
        try:
            self._writer = ResultsWriter(directory)
        except OSError as error:
            raise pytest.UsageError(f"--results: cannot write to {directory}: {error}") from error
        self._writer.write(
            RunRecord(
                suite_version=version("hal-cts"),
                started=time.strftime("%Y-%m-%dT%H:%M:%SZ", started),
                command=list(map(str, self._config.invocation_params.args)),
                python=sys.version.split()[0],
                platform=platform.platform(),
            )
        )
        for record in self.driver_records():
            self._writer.write(record)

    def start_over(self, results: Path) -> None:
        """Has this process, a fork of the session's, record verdicts of its own, elsewhere."""
        self._writer, self._cases = None, {}
        self.options = dataclasses.replace(self.options, results=results)

    @property
    def cases(self) -> list[CaseRecord]:
        """The verdicts by now, in the order in which they were first known."""
        return list(self._cases.values())

    def put(self, case: CaseRecord) -> None:
        """Takes a verdict, and writes it down where it is news."""
        key = case.driver, case.case
        before = self._cases.get(key)
        if before and msgspec.structs.replace(case, duration=before.duration) == before:
            return
        self._cases[key] = case
        self.open_results()
        if self._writer:
            self._writer.write(case)

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
            plain = selection.to_plain() | {"refusal": self.refusal}
            self._config.workeroutput["hal_cts"] = plain  # type: ignore[attr-defined]
            return
        if self._writer:
            for record in records:
                self._writer.write(record)
        if self.refusal:
            session.exitstatus = pytest.ExitCode.USAGE_ERROR
        elif self.is_judged(exitstatus) and self.unexpected():
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

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
            for case in self.cases
            if case.outcome in UNEXPECTED
        ]
        for record in self.driver_records():
            if record.status == "broken" or record.exit_fault:
                reasons.append(f"{record.driver}: {record.reason or record.exit_fault}")
        return reasons + [f"{name}: nothing was proven" for name in self.unproven()]

    def unproven(self) -> list[str]:
        """Named drivers without a single passing case."""
        if self._selection is None or not self._selection.named:
            return []
        proven = {case.driver for case in self.cases if case.outcome == "pass"}
        return [name for name in self._selection.records if name not in proven]

    def close(self) -> None:
        """Ends the results file."""
        self._locks.close()
        if self._writer:
            self._writer.close()


def run_of(config: pytest.Config) -> Run:
    """The run of a session."""
    return config.stash[_RUN]
