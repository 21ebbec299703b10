"""Trials: the cases of one driver, run in a fork, with a bug put in before or without one.

It is a plugin of a pytest session that collects the suites once. Instead of running them there, it
forks a child for each trial, in which the bug is applied and the cases run one after another:

1. a child writes its verdicts as any run does, and notes the case that it is at;
2. a case that dies, or takes too long, ends its child: that is the case's verdict;
3. after a case that fails, too, another child goes on, so that what the bug has done to one does
   not fail the next; unless that has been so often that it takes long;
4. a trial is over when all its cases have a verdict.
"""

from __future__ import annotations

import faulthandler
import gc
import os
import random
import signal
import sys
import time
import traceback
import warnings
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import pytest

from cts.plugin.cases import Case, case_of
from cts.plugin.isolation.child import die_with
from cts.plugin.run import run_of
from cts.results import FILE_NAME, CaseRecord, Outcome, parts_of, read_cases

from .score import FAILURES

CASE_LIMIT = 40.0
"""Seconds that a case may take: more than a wait that nobody ends."""
PATIENCE = 10.0
"""Seconds after which a trial that has caught its bug begins no further case: many cases that each
wait for what never comes tell nothing new."""
_SLOTS = "stubs/"
"""The suite that says which slot is broken where cases are blocked."""
FRESH_CHILDREN = 8
"""Children of a trial that end with a case that fails; the one after them goes on."""
_NOTE, _LOG = "case", "log"
_ALL_DONE, _GO_ON = 0, 3
"""Exit statuses of a child: it has run all cases, or up to one that failed."""


@dataclass(frozen=True)
class Trial:
    """What is run in one go.

    Attributes
    ----------
    name : names its results' folder.
    driver : whose cases are run.
    apply : puts the bug in.
    requirement : what the bug breaks. Only files with cases that name it are run, and those cases
        come first; the suite of slots comes last.
    all_suites : all cases are run, and to the end.
    shuffle : a seed for the order of the cases, or none to leave it.
    """

    name: str
    driver: str
    apply: Callable[[], None] = lambda: None
    requirement: str = ""
    all_suites: bool = False
    shuffle: int | None = None


class _Run:
    """A trial that is under way: what is left to run, and the verdicts by now."""

    def __init__(self, trial: Trial, items: list[pytest.Item], folder: Path) -> None:
        self.trial = trial
        self.records: list[CaseRecord] = []
        self._items = items
        self._folder = folder
        self._children = 0
        self._start = time.monotonic()

    @property
    def is_over(self) -> bool:
        return not self._items

    @property
    def wants_fresh_child(self) -> bool:
        """Whether a case that fails is to be the last of its child."""
        return self.trial.all_suites or self._children <= FRESH_CHILDREN

    def is_decided(self, records: Sequence[CaseRecord]) -> bool:
        """Whether the cases that are left would take long and tell nothing new."""
        is_late = time.monotonic() - self._start > PATIENCE
        caught = any(record.outcome in FAILURES for record in records)
        return is_late and caught and not self.trial.all_suites

    def fork(self) -> int:
        """Starts a child for the cases that are left; its process id."""
        if not self._children:
            self._start = time.monotonic()
        self._child_folder = self._folder / f"{self._children}"
        self._child_folder.mkdir(parents=True)
        self._children += 1
        parent = os.getpid()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # there are no threads but native
            pid = os.fork()
        if pid == 0:
            self._run_cases(parent)
        return pid

    def child_ended(self, status: int) -> None:
        """Takes over what a child has found, and blames its last case where it died."""
        path = self._child_folder / FILE_NAME
        if path.is_file():
            self.records += read_cases(path)
        if status == _ALL_DONE:
            self._items = []
            return
        note = self._child_folder / _NOTE
        log = (self._child_folder / _LOG).read_text(errors="replace")
        if not note.is_file():
            raise RuntimeError(f"{self.trial.name}: it cannot be tried:\n{log}")
        at = int(note.read_text())
        if status != _GO_ON:
            self._blame(self._items[at], status, log)
        self._items = [] if self.is_decided(self.records) else self._items[at + 1 :]

    def _blame(self, item: pytest.Item, status: int, log: str) -> None:
        """Puts down the verdict of a case that its child died in."""
        case = case_of(item)
        assert case is not None
        timed_out = "Timeout (" in log
        outcome: Outcome = "timeout" if timed_out else "crash"
        self.records = [record for record in self.records if record.case != case.id]
        self.records.append(
            CaseRecord(
                driver=case.driver,
                case=case.id,
                requirements=case.requirements,
                outcome=outcome,
                duration=CASE_LIMIT if timed_out else 0.0,
                message=f"the process ended with {status}: {log}",
            )
        )

    def _run_cases(self, parent: int) -> NoReturn:
        """In a child: runs the cases, and exits with 0 when all have a verdict."""
        status = 1
        folder, items = self._child_folder, self._items
        try:
            os.setsid()
            die_with(parent)
            log = os.open(folder / _LOG, os.O_WRONLY | os.O_CREAT)
            os.dup2(log, 2)
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            faulthandler.enable(log)
            run = run_of(items[0].config)
            run.results.start_over(folder)
            self.trial.apply()
            for at, item in enumerate(items):
                (folder / _NOTE).write_text(str(at))
                faulthandler.dump_traceback_later(CASE_LIMIT, exit=True, file=log)
                following = items[at + 1] if at + 1 < len(items) else None
                item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
                failed = run.results.cases[-1].outcome in FAILURES
                if failed and (self.wants_fresh_child or self.is_decided(run.results.cases)):
                    status = _GO_ON
                    break
            else:
                status = _ALL_DONE
        except BaseException:
            traceback.print_exc(file=sys.__stderr__)
            sys.__stderr__.flush()  # type: ignore[union-attr]
        finally:
            faulthandler.cancel_dump_traceback_later()
            os._exit(status)


class Trials:
    """The plugin.

    Parameters
    ----------
    trials : what is to be run.
    folder : for the results of each.
    jobs : how many run at a time.
    on_end : is called with each trial and its verdicts when it is over.
    """

    def __init__(
        self,
        trials: Sequence[Trial],
        folder: Path,
        jobs: int,
        on_end: Callable[[Trial, list[CaseRecord]], None],
    ) -> None:
        self._trials = trials
        self._folder = folder
        self._jobs = jobs
        self._on_end = on_end

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Runs the trials, several at a time."""
        waiting = deque(
            _Run(trial, _items_of(trial, session.items), self._folder / trial.name)
            for trial in self._trials
        )
        running: dict[int, _Run] = {}
        gc.freeze()  # what the collector need not look at again in every child
        try:
            while waiting or running:
                while waiting and len(running) < self._jobs:
                    run = waiting.popleft()
                    running[run.fork()] = run
                pid, status = os.wait()
                run = running.pop(pid)
                run.child_ended(os.waitstatus_to_exitcode(status))
                if run.is_over:
                    self._on_end(run.trial, run.records)
                else:
                    waiting.appendleft(run)
        finally:
            for pid in running:
                _kill(pid)
        return True


def _items_of(trial: Trial, items: Sequence[pytest.Item]) -> list[pytest.Item]:
    """The cases of a trial, in the order in which they are run."""
    cases = [(item, case) for item in items if (case := case_of(item)) is not None]
    concerned = {
        item.path
        for item, case in cases
        if trial.all_suites or _is_of_slots(case) or trial.requirement in case.requirements
    }
    chosen = [
        (item, case)
        for item, case in cases
        if parts_of(case.driver)[0] == trial.driver and item.path in concerned
    ]
    if trial.shuffle is not None:
        random.Random(trial.shuffle).shuffle(chosen)
    else:
        chosen.sort(
            key=lambda pair: (
                _is_of_slots(pair[1]),
                trial.requirement not in pair[1].requirements,
            )
        )
    return [item for item, _ in chosen]


def _kill(pid: int) -> None:
    """Ends a child and what it has started."""
    for end in (os.killpg, os.kill):  # it may not yet be the head of a group of its own
        with suppress(ProcessLookupError):
            end(pid, signal.SIGKILL)


def _is_of_slots(case: Case) -> bool:
    return case.id.startswith(_SLOTS)
