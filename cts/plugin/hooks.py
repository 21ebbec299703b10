"""The hooks of a session that runs cases; each hands on to the module that does the work.

The way of a run:

1. `command_line` and `options`: what can be asked for, and what was;
2. `selection`: names → registry → drivers, each probed in a child process;
3. `cases`: every case is parametrised by the drivers selected;
4. `isolation`: each case goes to a child process of its driver, where steps 5 to 7 happen; the
   child says where it is (`place`), and what a case left behind (`leaks`);
5. `gating`: before a case, whether it applies to the driver and whether it can run;
6. `fixtures`: devices and groups of the case's driver, made by `driver_session`; what a failed case
   leaves alive of them ends with it (`leftovers`);
7. `verdict`: what a case's outcome says of the driver, given the slots it entered (`evidence`);
8. `recording`: one JSON line a verdict, as soon as it is known;
9. `summary`: root causes first, then the counts; the matrix is drawn by the `reports` plugin.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest

from cts.plugin import cases, gating, leftovers, soundness, summary, verdict
from cts.plugin.run import run_of


def pytest_unconfigure(config: pytest.Config) -> None:
    """Ends the run."""
    run_of(config).close()


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Resolves and probes the drivers that were named, before anything is collected."""
    run_of(session.config).start_named()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Hands what the controller has found out to an xdist worker."""
    node.workerinput |= run_of(node.config).for_worker()


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:
    """Takes over what an xdist worker has found out."""
    run_of(node.config).from_worker(getattr(node, "workeroutput", {}).get("hal_cts"))


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Refuses marks that name what does not exist, and a selection without a device."""
    run = run_of(config)
    try:
        run.check_selection()
        cases.check_marks(config, items)
        run.read_expectations(config, [(item.path, case) for item, case in cases.of(items)])
        if run.options.shuffle is not None:
            cases.shuffle(items, run.options.shuffle)
    except pytest.UsageError as error:
        if not run.is_worker:
            raise
        run.refusal = str(error)  # for the controller: a worker's own exit status is nobody's
        items.clear()


def pytest_report_collectionfinish(config: pytest.Config) -> list[str]:
    """Says which drivers take part, and of the others why not."""
    return summary.header(run_of(config))


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> None:
    """Probes the drivers that were not named, and locks devices, before any case runs."""
    run = run_of(session.config)
    run.start_found(session)
    run.lock_devices()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Ends a case that does not apply to its driver, or is blocked by what is broken there."""
    leftovers.begin(item)
    gating.check(item)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None]:
    """Ends what a failed case has left alive, once its fixtures are gone, and looks at what it
    leaves to others."""
    yield
    leftovers.end(item)
    soundness.check(item)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Attaches the verdict to a case's report."""
    report = yield
    verdict.attach(report, item, call)
    leftovers.note(item, report)
    return report


def pytest_report_teststatus(report: pytest.TestReport) -> Any:
    """Shows the outcomes that pytest does not know."""
    return verdict.status(report)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_terminal_summary(
    terminalreporter: Any, exitstatus: int, config: pytest.Config
) -> Generator[None]:
    """Prints root causes before everything else, and the counts after it."""
    run = run_of(config)
    summary.root_causes(terminalreporter, run)
    yield
    summary.counts(terminalreporter, run)
    summary.not_proven(terminalreporter, run, exitstatus)


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Ends the drivers, and settles the exit status."""
    isolation = session.config.pluginmanager.getplugin("hal-cts-isolation")
    if isolation is not None:
        isolation.finish(exitstatus)
    run_of(session.config).finish(session, exitstatus)
