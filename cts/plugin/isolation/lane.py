"""One driver's cases, one after another, in a child of its own; and what became of each.

1. A case is run, and its reports passed on for as long as they are good ones.
2. If it fails, it is run once more in a fresh child: passing then, it is *flaky*.
3. If its process dies or takes too long, the driver is tried first (the *canary*): if that fails,
   the driver is given up, and the rest of its cases are *blocked* by that; else the case is run
   once more.
4. If it leaves something behind, it is run again at once: the same again is a failure.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any

import pytest

from cts.plugin.expected import meet
from cts.plugin.isolation.attempt import Attempt, Job, weighed
from cts.plugin.isolation.nursery import Limits, Nursery, StartError
from cts.plugin.isolation.orders import (
    CanaryDone,
    CanaryOrder,
    CaseOrder,
    CaughtWarning,
    Done,
    Event,
    Report,
)
from cts.plugin.isolation.process import Child
from cts.plugin.isolation.reports import (
    blocked_report,
    death_report,
    end_report,
    report_of,
    said_report,
    uncollected_report,
)
from cts.plugin.recording import Recorder
from cts.results import Death


class _StoppedError(Exception):
    """The run is to end at once, and the children are killed."""


class Lane:
    """A thread that runs the cases of one driver.

    Parameters
    ----------
    known_fault : what keeps the driver from being tried at all, or empty.
    nursery : makes a nursery for a driver's children.
    slots : a lane runs while it has one.
    stop : set when the run is to end at once.

    Attributes
    ----------
    given_up : why no further case of the driver is run; empty while they are.
    found : what its children found out by their end, as `Run.from_worker` takes it.
    end_fault : what went wrong at the end of the session, or at the exit after it.
    """

    def __init__(
        self,
        driver: str,
        known_fault: str,
        nursery: Callable[[str], Nursery],
        recorder: Recorder,
        limits: Limits,
        *,
        max_crashes: int,
        child_per_case: bool,
        slots: threading.Semaphore,
        stop: threading.Event,
    ) -> None:
        self.driver = driver
        self.given_up = known_fault
        self.found: list[dict[str, Any]] = []
        self.end_fault = ""
        self.groups_of_the_dead = 0
        self._make_nursery = nursery
        self._recorder = recorder
        self._limits = limits
        self._max_crashes = max_crashes
        self._child_per_case = child_per_case
        self._slots = slots
        self._stop = stop
        self._nursery: Nursery | None = None
        self._child: Child | None = None
        self._groups_built = 0
        self._crashes = 0
        self._needs_canary = False
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._no_more = threading.Event()
        self._thread = threading.Thread(target=self._work, name=f"lane of {driver}", daemon=True)
        self._thread.start()

    # -- for pytest's thread ----------------------------------------------------------

    def put(self, job: Job) -> None:
        """Has a case run after those that were put before."""
        self._jobs.put(job)

    def close(self) -> None:
        """There are no more cases: the lane ends after those that it has."""
        self._jobs.put(None)

    def join(self) -> None:
        """Ends the lane after the case that it is at; returns when its last child is gone."""
        self._no_more.set()
        self.close()
        self._thread.join()

    def kill(self) -> None:
        """Ends whatever runs, at once; `stop` is set, so that nothing comes after it."""
        nursery, child = self._nursery, self._child
        if nursery is not None:
            if child is not None:
                nursery.kill_group(child.pid)
            nursery.process.kill()

    # -- the lane's thread ------------------------------------------------------------

    def _work(self) -> None:
        with self._slots:
            try:
                while (job := self._jobs.get()) is not None and not self._no_more.is_set():
                    self._run_and_tell(job)
                self.end_fault = self._end_child()
            except _StoppedError:
                return
            finally:
                if self._nursery is not None:
                    self._nursery.close()

    def _run_and_tell(self, job: Job) -> None:
        try:
            if not self.given_up:
                self._settle(job)
            else:
                self._tell_all(job, [blocked_report(job, self.given_up)], told=[])
        except StartError as error:
            self.given_up = f"its process cannot be started: {error}"
            self._tell_all(job, [blocked_report(job, self.given_up)], told=[])
        except _StoppedError:
            raise
        except Exception as error:
            job.news.put(error)
        job.news.put(None)

    def _settle(self, job: Job) -> None:
        told: list[pytest.TestReport] = []
        first = self._attempt(job, told)
        attempts = [first]
        if not first.is_expected:
            self._after_failure(job, first)
            if not self.given_up:
                attempts.append(self._attempt(job))
                self._after_second(job, attempts)
        elif first.growth:
            attempts.append(self._attempt(job))
        elif first.death is not None:
            self._needs_canary = True
        elif first.has_failed:
            self._end_child()
        chosen = weighed(attempts)
        for report in chosen.reports:
            meet(report, job.item)
        if self.given_up and not chosen.is_expected:
            chosen.verdict["message"] += f"; {self.given_up}"
        self._tell_all(job, chosen.reports, told)

    def _after_failure(self, job: Job, failed: Attempt) -> None:
        """Sees to it that there is a fresh child, and a sound driver, for the second attempt."""
        if failed.death is None:
            self._end_child()  # what is wrong there may well be this case's doing
            return
        self._crashes += 1
        fault = self._canary_fault()
        if fault:
            self.given_up = f"the driver does not work any more after {job.case.id}: {fault}"

    def _after_second(self, job: Job, attempts: list[Attempt]) -> None:
        first, second = attempts
        if second.death is not None:
            self._crashes += 1
            self._needs_canary = True
            same = first.death is not None and first.death.place == second.death.place
            if same and second.death.place.startswith("setup: "):
                self.given_up = f"{second.death.place}: {second.death.how}"
        elif not second.is_expected:
            self._end_child()
        if self._crashes >= self._max_crashes and not self.given_up:
            self.given_up = (
                f"{self._crashes} crashes and time-outs, the last of them in {job.case.id}"
            )

    # -- one attempt ------------------------------------------------------------------

    def _attempt(self, job: Job, told: list[pytest.TestReport] | None = None) -> Attempt:
        """Runs the case. With `told`, good news is passed on at once, and noted there."""
        attempt = Attempt()
        if self._needs_canary and (fault := self._canary_fault()):
            self.given_up = f"the driver does not work any more: {fault}"
            attempt.reports.append(blocked_report(job, self.given_up))
            return attempt
        child = self._fresh_child() if self._child is None else self._child
        if not child.has(job.address):
            attempt.reports.append(uncollected_report(job))
            return attempt
        child.tell(CaseOrder(job.address, job.next_address))
        while (event := child.next_event(job.limit)) is not None:
            if isinstance(event, Done):
                attempt.growth = event.growth
                self._groups_built = event.groups_built
                if event.said:
                    attempt.reports.append(said_report(job, event.said))
                break
            self._take(job, event, attempt, told)
        else:
            attempt.death = self._bury_child()
            attempt.reports.append(death_report(job, attempt.death, attempt.reports))
        child.last_case = job.case.id
        alive = attempt.death is None
        needed = told is not None and attempt.growth  # it is run again there
        if self._child_per_case and alive and not needed and (fault := self._end_child()):
            attempt.death = child.death
            attempt.reports.append(end_report(job, fault))
        if told is not None:
            self._recorder.record(attempt.reports)
        return attempt

    def _take(
        self, job: Job, event: Event, attempt: Attempt, told: list[pytest.TestReport] | None
    ) -> None:
        if isinstance(event, CaughtWarning):
            if told is not None:
                job.news.put(event)
        elif isinstance(event, Report):
            report = report_of(job.item.config, event.data)
            attempt.reports.append(report)
            if told is None:
                return
            self._recorder.record(attempt.reports)
            good = not any(earlier.failed for earlier in attempt.reports)
            if good and report.when != "teardown":
                told.append(report)
                self._tell(job, report)

    def _tell_all(
        self, job: Job, reports: list[pytest.TestReport], told: list[pytest.TestReport]
    ) -> None:
        """Passes on what has not been told, and puts the case's verdict down."""
        phases = {report.when for report in told}
        self._recorder.record(reports)
        for report in reports:
            if report.failed or report.when not in phases:
                self._tell(job, report)

    def _tell(self, job: Job, report: pytest.TestReport) -> None:
        report.recorded_by_lane = not self._recorder.is_elsewhere  # type: ignore[attr-defined]
        job.news.put(report)

    # -- children ---------------------------------------------------------------------

    def _fresh_child(self) -> Child:
        if self._nursery is not None and not self._nursery.forks:
            self._close_nursery()  # it was the child, and is gone
        try:
            self._child = self._start_child()
        except StartError:  # once more: the driver may have killed the nursery
            self._close_nursery()
            self._child = self._start_child()
        return self._child

    def _start_child(self) -> Child:
        try:
            if self._nursery is None:
                self._nursery = self._make_nursery(self.driver)
                self._nursery.wait_until_ready()
            return Child(self._nursery)
        finally:
            self._check_stop()

    def _check_stop(self) -> None:
        if self._stop.is_set():
            raise _StoppedError

    def _close_nursery(self) -> None:
        if self._nursery is not None:
            self._nursery.close()
            self._nursery = None

    def _canary_fault(self) -> str:
        """What is wrong with the driver in a fresh child; empty where it works."""
        child = self._fresh_child() if self._child is None else self._child
        child.tell(CanaryOrder(self.driver))
        self._needs_canary = False
        while (event := child.next_event(self._limits.end)) is not None:
            if isinstance(event, CanaryDone):
                return event.fault
        death = self._bury_child()
        return f"{death.how} in {death.place}"

    def _bury_child(self) -> Death:
        child, self._child = self._child, None
        assert child is not None
        assert child.death is not None
        child.close()
        self._check_stop()
        self.groups_of_the_dead += self._groups_built
        self._groups_built = 0
        return child.death

    def _end_child(self) -> str:
        """Has the child tear down and exit; what went wrong there."""
        child, self._child = self._child, None
        if child is None:
            return ""
        self._groups_built = 0
        fault, output = child.end()
        if "hal_cts" in output:
            self.found.append(output["hal_cts"])
        return fault
