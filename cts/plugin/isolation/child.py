"""A child's side: a pytest session that collects, waits to be told, and runs cases one by one.

It is a plugin of that session, and finds its orders by the environment variable `ORDERS_VARIABLE`:

    python -m pytest -p cts.plugin.isolation.child ...

1. The session collects as any other would. Then it is a nursery: it waits at its control socket,
   and is told ``fork`` (with the descriptors that the new child is to use), or ``poll PID``.
2. The forked process, or where there is no fork the nursery itself, goes on as the worker: it reads
   orders from its pipe and sends events, and at the end tears down and exits as every Python does.

A nursery dies with its parent, and a worker with its nursery.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import socket
import sys
import warnings
from collections.abc import Generator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from cts.plugin import leaks, place, validation
from cts.plugin.cases import case_of
from cts.plugin.isolation.orders import (
    CHANNEL_LOST,
    ORDERLY,
    ORDERS_VARIABLE,
    CanaryDone,
    CanaryOrder,
    CaseOrder,
    CaughtWarning,
    Done,
    Down,
    EndOrder,
    Event,
    Order,
    Orders,
    Report,
    address_of,
)
from cts.plugin.run import run_of
from cts.results.encoding import encoded

MAX_SECTION = 100_000
"""Characters of one captured stream that travel with a report: its start and its end."""

_PR_SET_PDEATHSIG = 1
_IS_LINUX = sys.platform == "linux"


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Makes this session a nursery, one that writes no files and asks nobody."""
    path = os.environ.pop(ORDERS_VARIABLE)  # a session that a case starts is no nursery
    orders = msgspec.json.decode(Path(path).read_bytes(), type=Orders)
    if orders.parent:
        die_with(orders.parent)
    _unbuffer_native_output()
    config.workerinput = orders.workerinput  # type: ignore[attr-defined]
    config.workeroutput = {}  # type: ignore[attr-defined]
    config.option.usepdb = False
    config.pluginmanager.register(NurserySession(orders), "hal-cts-nursery")


class NurserySession:
    """The plugin of a nursery's session: collects, and hands over to a `Worker` in each fork."""

    def __init__(self, orders: Orders) -> None:
        self._orders = orders
        self._control = socket.socket(fileno=orders.control)
        self._control.set_inheritable(False)
        self._worker: Worker | None = None

    # -- the session ------------------------------------------------------------------

    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """Silences the terminal, and puts what is captured where the parent finds it."""
        terminal = session.config.pluginmanager.getplugin("terminalreporter")
        if terminal is not None:
            terminal._tw._file = open(os.devnull, "w")  # noqa: SIM115 (for the process's life)
        capture = session.config.pluginmanager.getplugin("capturemanager")._global_capturing
        for stream, name in ((capture.out, "stdout"), (capture.err, "stderr")):
            if hasattr(stream, "targetfd"):  # captured at the descriptor: not with -s
                _redirect(stream.tmpfile.fileno(), Path(self._orders.folder, name))

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """The nursery's loop; it returns in the worker alone."""
        _tell(self._control, {"ready": [address_of(item) for item in session.items]})
        while True:
            text, descriptors, _, _ = socket.recv_fds(self._control, 1 << 16, 4)
            if not text:  # the parent has no more use for this
                os._exit(ORDERLY)
            request = json.loads(text)
            if "poll" in request:
                _tell(self._control, {"status": _poll(request["poll"])})
                continue
            pid = _fork() if self._orders.fork else 0
            if pid == 0:
                break
            for descriptor in descriptors:
                os.close(descriptor)
            _tell(self._control, {"pid": pid})
        if self._orders.fork:
            self._control.close()
            os.setsid()
            die_with(os.getppid())
            _be_killed_first()
        else:
            _tell(self._control, {"pid": os.getpid()})
        orders, events, page = descriptors
        place.share(page)
        os.close(page)
        self._worker = Worker(session, orders, events)
        session.config.pluginmanager.register(self._worker, "hal-cts-worker")
        self._worker.serve()
        return True

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Generator[None]:
        """After everything of the session is down: the last word, and an exit of its own."""
        yield
        if self._worker is not None:
            self._worker.say_farewell()
            session.exitstatus = ORDERLY


class Worker:
    """Runs cases as ordered, in the session of the nursery that it was forked from."""

    def __init__(self, session: pytest.Session, orders: int, events: int) -> None:
        self._session = session
        self._config = session.config
        self._items = {address_of(item): item for item in session.items}
        self._orders = open(orders, "rb")  # noqa: SIM115 (for the process's life)
        self._events = events
        self._end_fault = ""

    def serve(self) -> None:
        """Follows orders until told to end, and tears the session's fixtures down."""
        place.enter_phase("idle")
        for line in self._orders:
            order = msgspec.json.decode(line, type=Order)
            if isinstance(order, EndOrder):
                break
            if isinstance(order, CanaryOrder):
                place.enter_phase("canary")
                fault = run_of(self._config).session_of(order.driver).canary_fault()
                self._send(CanaryDone(fault))
            else:
                self._run(order)
            place.enter_phase("idle")
        place.enter_phase("end of the session")
        try:
            self._session._setupstate.teardown_exact(None)
        except BaseException as error:  # whatever it is: the driver's own end is still to come
            self._end_fault = f"{type(error).__name__}: {error}"

    def say_farewell(self) -> None:
        """Sends what the session has found, and begins the exit."""
        output: dict[str, Any] = self._config.workeroutput  # type: ignore[attr-defined]
        self._send(Down(self._end_fault, output))
        place.enter_phase("exit")

    def _run(self, order: CaseOrder) -> None:
        item = self._items[order.address]
        following: Any = self._items.get(order.next_address or "")
        # Session fixtures stay up whatever comes next: their end is a step of its own.
        keep = following or SimpleNamespace(listchain=lambda: [self._session])
        case = case_of(item)
        assert case is not None, f"{order.address} is not a case"
        session = run_of(self._config).session_of(case.driver)
        before, built_before = leaks.snapshot(session.held()), session.groups_built
        place.enter_phase("setup")
        self._config.hook.pytest_runtest_protocol(item=item, nextitem=keep)
        place.enter_phase("after the case")
        # The session's group stays, with its threads: there is nothing to wait for.
        built = session.groups_built > built_before
        found = leaks.growth(before, session.held(), 0.0 if built else leaks.SETTLING)
        leaks.restore(before)
        self._send(Done(found, session.groups_built, validation.said(session)))

    # -- hooks ------------------------------------------------------------------------

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_setup(self) -> Generator[None]:
        """Marks the phase; an interrupt that is no user's becomes a failure."""
        place.enter_phase("setup")
        yield from _uninterrupted()

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_call(self) -> Generator[None]:
        """The same for the case itself."""
        place.enter_phase("call")
        yield from _uninterrupted()

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_teardown(self) -> Generator[None]:
        """The same for the tear-down."""
        place.enter_phase("teardown")
        yield from _uninterrupted()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Sends a report to the parent."""
        report.sections = [(name, _shortened(text)) for name, text in report.sections]
        hook = self._config.hook
        data = hook.pytest_report_to_serializable(config=self._config, report=report)
        self._send(Report(data))

    def pytest_warning_recorded(
        self,
        warning_message: warnings.WarningMessage,
        when: str,
        nodeid: str,
        location: tuple[str, int, str] | None,
    ) -> None:
        """Sends a warning to the parent."""
        self._send(
            CaughtWarning(
                warning_message.category.__name__,
                str(warning_message.message),
                warning_message.filename,
                warning_message.lineno,
                when,
                nodeid,
                list(location) if location else None,
            )
        )

    def _send(self, event: Event) -> None:
        line = encoded(event, str) + b"\n"
        try:
            while line:
                line = line[os.write(self._events, line) :]
        except OSError:  # the driver closed it: nothing that happens here can be told any more
            os._exit(CHANNEL_LOST)


class DriverInterrupt(RuntimeError):
    """A KeyboardInterrupt, or the like, that no user sent: this process has no terminal."""


def _uninterrupted() -> Generator[None]:
    try:
        yield
    except (KeyboardInterrupt, pytest.exit.Exception) as error:
        text = f"{type(error).__name__} was raised inside the case"
        raise DriverInterrupt(text).with_traceback(error.__traceback__) from error


def _shortened(text: str) -> str:
    if len(text) <= MAX_SECTION:
        return text
    half = MAX_SECTION // 2
    return f"{text[:half]}\n... {len(text) - 2 * half} characters left out ...\n{text[-half:]}"


# -- processes ----------------------------------------------------------------------------


def die_with(parent: int) -> None:
    """Has this process killed when its parent dies (Linux), also if that was a moment ago."""
    if _IS_LINUX:
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(CHANNEL_LOST)


def _be_killed_first() -> None:
    """Where memory runs out, the kernel is to take this process and not the parent (Linux)."""
    if _IS_LINUX:
        Path("/proc/self/oom_score_adj").write_text("1000")


def _unbuffer_native_output() -> None:
    """What C prints before a crash is not to be lost (Linux)."""
    if _IS_LINUX:
        libc = ctypes.CDLL(None)
        for name in ("stdout", "stderr"):
            libc.setvbuf(ctypes.c_void_p.in_dll(libc, name), None, 2, 0)


def _fork() -> int:
    with warnings.catch_warnings():
        # Python warns of other threads; the only ones here are native pools, which see to it.
        warnings.simplefilter("ignore", DeprecationWarning)
        return os.fork()


def _poll(pid: int) -> int | None:
    """As `subprocess.Popen.poll`: none while it runs, minus the signal that killed it."""
    found, status = os.waitpid(pid, os.WNOHANG)
    return None if found == 0 else os.waitstatus_to_exitcode(status)


def _redirect(descriptor: int, path: Path) -> None:
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC)
    os.dup2(file, descriptor, inheritable=False)
    os.close(file)


def _tell(control: socket.socket, message: dict[str, Any]) -> None:
    control.sendall(json.dumps(message).encode() + b"\n")
