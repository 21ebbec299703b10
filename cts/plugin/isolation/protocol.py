"""The parent's hooks: takes cases out of pytest's loop, and tells pytest what became of them.

Lanes run ahead of pytest's loop, as many side by side as there are cores, where the session has
one; under xdist (each worker gets its cases one by one) and with ``-x`` (nothing may run after a
failure) they run a case when pytest comes to it.
"""

from __future__ import annotations

import itertools
import os
import shlex
import sys
import threading
import uuid
import warnings
from typing import Any

import pytest

from cts.plugin.cases import case_of
from cts.plugin.command_line import joined
from cts.plugin.driver_session import known_fault
from cts.plugin.fixtures import EXAMPLES, EXAMPLES_WHEN_SEARCHING
from cts.plugin.isolation.attempt import Job
from cts.plugin.isolation.lane import Lane
from cts.plugin.isolation.nursery import Limits, Nursery
from cts.plugin.isolation.orders import CaughtWarning, address_of
from cts.plugin.recording import Recorder
from cts.plugin.run import Run


class Isolation:
    """Runs the session's cases in children, one lane for each driver."""

    def __init__(self, config: pytest.Config, run: Run, recorder: Recorder) -> None:
        self._config = config
        self._run = run
        self._recorder = recorder
        self._stop = threading.Event()
        self._lanes: dict[str, Lane] = {}
        self._jobs: dict[pytest.Item, Job] = {}
        self._numbers = itertools.count()
        options = run.options
        self._limits = Limits(
            scale=float("inf") if options.worker_wrapper else options.timeout_scale,
            memory=options.memory_limit,
        )
        one_by_one = (
            run.is_worker or config.getoption("maxfail") or config.getoption("stepwise", False)
        )
        self._runs_ahead = not one_by_one
        self._slots = threading.Semaphore(1 << 30 if one_by_one else os.cpu_count() or 1)

    @staticmethod
    def is_wanted(config: pytest.Config, run: Run) -> bool:
        """Whether cases of this session are to run in children."""
        for_people = config.getoption("usepdb") or config.getoption("trace")
        needless = run.in_child or config.getoption("collectonly")
        possible = sys.platform != "win32"  # which cannot hand descriptors on
        return possible and run.options.isolate != "off" and not (for_people or needless)

    # -- hooks ------------------------------------------------------------------------

    def pytest_runtestloop(self, session: pytest.Session) -> None:
        """Sets the lanes going: after the probes and locks, before pytest's own loop."""
        factory: pytest.TempPathFactory = self._config._tmp_path_factory  # type: ignore[attr-defined]
        self._temporary = factory.getbasetemp()  # made here, before there are threads
        if self._runs_ahead:
            self._start_all(session)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(
        self, item: pytest.Item, nextitem: pytest.Item | None
    ) -> bool | None:
        """Waits for a case's verdict, and tells pytest as it comes in."""
        if case_of(item) is None:
            return None
        job = self._jobs.pop(item, None)
        if job is None:
            job = self._new_job(item, nextitem)
            self._lane_of(job).put(job)
        item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
        while (news := job.news.get()) is not None:
            if isinstance(news, Exception):
                raise news
            if isinstance(news, CaughtWarning):
                self._replay(news)
            else:
                item.ihook.pytest_runtest_logreport(report=news)
        item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
        return True

    @pytest.hookimpl(optionalhook=True)
    def pytest_timeout_set_timer(self, item: pytest.Item) -> bool | None:
        """Keeps pytest-timeout's alarm away: a case's time is kept by its lane."""
        return None if case_of(item) is None else True

    def finish(self, exitstatus: int) -> None:
        """Ends the lanes: after the case that each is at, or at once where the session is cut."""
        if exitstatus in (pytest.ExitCode.INTERRUPTED, pytest.ExitCode.INTERNAL_ERROR):
            self._stop.set()
            for lane in self._lanes.values():
                lane.kill()
        for lane in self._lanes.values():
            lane.join()
            for plain in lane.found:
                self._run.from_worker(plain)
            self._run.note_end(lane.driver, lane.end_fault, lane.groups_of_the_dead)

    # -- jobs -------------------------------------------------------------------------

    def _start_all(self, session: pytest.Session) -> None:
        by_driver: dict[str, list[pytest.Item]] = {}
        for item in session.items:
            case = case_of(item)
            if case is not None:
                by_driver.setdefault(case.driver, []).append(item)
        for items in by_driver.values():
            for item, following in itertools.zip_longest(items, items[1:]):
                self._jobs[item] = job = self._new_job(item, following)
                self._lane_of(job).put(job)
        for lane in self._lanes.values():  # so that one that waits for a core gets it
            lane.close()

    def _new_job(self, item: pytest.Item, nextitem: pytest.Item | None) -> Job:
        following = case_of(nextitem) if nextitem is not None else None
        case = case_of(item)
        same = following is not None and case is not None and following.driver == case.driver
        next_address = address_of(nextitem) if nextitem is not None and same else None
        return Job(item, next_address, self._limit_of(item))

    def _limit_of(self, item: pytest.Item) -> float:
        mark = item.get_closest_marker("timeout")
        limit = self._run.options.timeout
        if mark is not None:
            limit = float(mark.args[0] if mark.args else mark.kwargs.get("timeout", limit))
        if self._run.options.search and "hal_search" in item.fixturenames:  # type: ignore[attr-defined]
            limit *= EXAMPLES_WHEN_SEARCHING / EXAMPLES
        return limit * self._limits.scale

    # -- lanes ------------------------------------------------------------------------

    def _lane_of(self, job: Job) -> Lane:
        driver = job.case.driver
        if driver not in self._lanes:
            self._lanes[driver] = Lane(
                driver,
                known_fault(self._run.selection().records[driver]),
                self._make_nursery,
                self._recorder,
                self._limits,
                max_crashes=self._run.options.max_crashes,
                child_per_case=self._run.options.isolate == "case",
                slots=self._slots,
                stop=self._stop,
            )
        return self._lanes[driver]

    def _make_nursery(self, driver: str) -> Nursery:
        config = self._config
        manager = config.pluginmanager
        own = self._temporary / f"hal-cts-{next(self._numbers)}"
        arguments = [
            *joined(self._run.arguments),
            f"--rootdir={config.rootpath}",
            *(["-c", str(config.inipath)] if config.inipath else []),
            f"--basetemp={own}",
            "--maxfail=0",
            *(["-n0"] if manager.hasplugin("xdist") else []),
            *(["--no-cov"] if manager.hasplugin("_cov") or manager.hasplugin("pytest_cov") else []),
            *(["--timeout=0"] if manager.hasplugin("timeout") else []),
        ]
        outer: dict[str, Any] = getattr(config, "workerinput", {})
        workerinput = {
            "workerid": outer.get("workerid", "master"),
            "workercount": outer.get("workercount", 1),
            "testrunuid": outer.get("testrunuid", uuid.uuid4().hex),
            **self._run.for_child(driver),
        }
        return Nursery(
            arguments,
            workerinput,
            config.invocation_params.dir,
            own.with_name(f"{own.name}-printed"),
            self._limits,
            wrapper=shlex.split(self._run.options.worker_wrapper),
            show_output=config.getoption("capture") == "no",
            stop=self._stop,
        )

    def _replay(self, warning: CaughtWarning) -> None:
        category = type(warning.category, (Warning,), {})
        self._config.hook.pytest_warning_recorded.call_historic(
            kwargs={
                "warning_message": warnings.WarningMessage(
                    warning.message, category, warning.filename, warning.line
                ),
                "when": warning.when,
                "nodeid": warning.nodeid,
                "location": tuple(warning.location) if warning.location else None,
            }
        )
