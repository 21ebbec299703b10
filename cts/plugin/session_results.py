"""What a session finds out, kept and written down: its run, its drivers, its cases, its benchmarks.

A verdict is written as soon as it is known, so that a run that is cut off has told what it knew; at
the end all of it is written once more, as one document.
"""

from __future__ import annotations

import dataclasses
import os
import platform
import shlex
import sys
import tempfile
import time
import uuid
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import msgspec
import pytest

from cts.plugin.command_line import long_form
from cts.plugin.options import Options
from cts.results import (
    BenchmarkRecord,
    CaseRecord,
    DriverRecord,
    Record,
    ResultsWriter,
    RunRecord,
    write_document,
)

DEBUGGER = "gdb -ex run --args"
"""A command that starts another under a debugger."""
_TIME = "%Y-%m-%dT%H:%M:%SZ"


class SessionResults:
    """The records of one session; nothing is written before `open`."""

    def __init__(
        self,
        config: pytest.Config,
        options: Options,
        drivers: Callable[[], list[DriverRecord]],
        *,
        is_kept: bool,
        scratch: str | None,
    ) -> None:
        """
        Parameters
        ----------
        drivers : what is known of each driver by now.
        is_kept : whether it is this process that writes.
        scratch : where another process does, if it is not.
        """
        self.suite_revision = ""
        """Of the cases that were collected."""
        self._config = config
        self._options = options
        self._drivers = drivers
        self._is_kept = is_kept
        self._scratch = scratch
        self._writer: ResultsWriter | None = None
        self._record: RunRecord | None = None
        self._cases: dict[tuple[str, str], CaseRecord] = {}
        self.benchmarks: list[BenchmarkRecord] = []

    @property
    def path(self) -> Path | None:
        """The file that grows, once there is one."""
        return self._writer.path if self._writer else None

    @property
    def scratch_directory(self) -> Path:
        """Where tools may store what belongs to this run: beside the results, if there are any."""
        if self._writer:
            return self._writer.path.parent
        return Path(self._scratch or Path(tempfile.gettempdir(), "hal-cts"))

    @property
    def cases(self) -> list[CaseRecord]:
        """The verdicts by now, in the order in which they were first known."""
        return list(self._cases.values())

    def open(self) -> None:
        """Starts the results file. Raises UsageError where it cannot be written."""
        if self._writer or not self._is_kept:
            return
        started = time.gmtime()
        default = self._config.rootpath / "reports" / "out"
        name = f"{time.strftime('%Y%m%d-%H%M%S', started)}-{os.getpid()}"
        directory = self._options.results or default / name
        try:
            self._writer = ResultsWriter(directory)
        except OSError as error:
            raise pytest.UsageError(f"--results: cannot write to {directory}: {error}") from error
        self._record = RunRecord(
            id=uuid.uuid4().hex,
            suite_version=version("hal-cts"),
            suite_revision=self.suite_revision,
            started=time.strftime(_TIME, started),
            command=list(map(str, self._config.invocation_params.args)),
            python=sys.version.split()[0],
            platform=platform.platform(),
            seed=self._options.shuffle,
            search=self._options.search,
            validation=self._options.validation,
            debug_option=self._debug_option(),
        )
        self._write(self._record, *self._drivers())

    def _debug_option(self) -> str:
        """What makes a case's `reproduce` run it under a debugger."""
        short = "--worker-wrapper"
        name = long_form(short) if short in self._options.taken else short
        return shlex.quote(f"{name}={DEBUGGER}")

    def _write(self, *records: Record) -> None:
        if self._writer:
            for record in records:
                self._writer.write(record)

    def note_suite(self, revision: str) -> None:
        """Takes the revision of the suite, once the cases are collected."""
        if self.suite_revision:
            return
        self.suite_revision = revision
        if self._record:
            self._record = msgspec.structs.replace(self._record, suite_revision=revision)
            self._write(self._record)

    def put(self, case: CaseRecord) -> None:
        """Takes a verdict, and writes it down where it is news."""
        key = case.driver, case.case
        before = self._cases.get(key)
        if before and msgspec.structs.replace(case, duration=before.duration) == before:
            return
        self._cases[key] = case
        self.open()
        self._write(case)

    def put_benchmark(self, record: BenchmarkRecord) -> None:
        """Takes a measure of a driver, which is of its default device."""
        columns = [driver for driver in self._drivers() if driver.registered == record.driver]
        if len(columns) == 1 and self._options.device is None:
            record = msgspec.structs.replace(record, driver=columns[0].driver)
        self.benchmarks.append(record)
        self._write(record)

    def start_over(self, directory: Path) -> None:
        """Writes elsewhere from now on, and from the beginning: in a fork of the session."""
        self._writer, self._cases = None, {}
        self._options = dataclasses.replace(self._options, results=directory)

    def finish(
        self,
        drivers: list[DriverRecord],
        *,
        whole: bool,
        expectations: dict[str, str],
        expectation_faults: list[str],
        exit_status: int,
    ) -> None:
        """Writes what is known at the end, and all of it once more as one document."""
        if self._writer is None or self._record is None:
            return
        self._record = msgspec.structs.replace(
            self._record,
            finished=time.strftime(_TIME, time.gmtime()) if whole else "",
            expectations=expectations,
            expectation_faults=expectation_faults,
            exit_status=exit_status,
        )
        self._write(self._record, *drivers)
        everything: list[Record] = [self._record, *drivers, *self.cases, *self.benchmarks]
        write_document(self.scratch_directory, everything)
        self._config.hook.pytest_hal_cts_results(directory=self.scratch_directory)

    def close(self) -> None:
        """Ends the file."""
        if self._writer:
            self._writer.close()
