"""The parent's hold on its children: starts them, keeps their time, ends them, says how they died.

A `Nursery` is a process that has collected the cases; each `Child` is a fork of it, or where there
is no fork, or a wrapper such as gdb is asked for, the nursery itself. A child is ended, whatever it
is doing, when it takes too long, takes too much memory or prints too much; and all it started with
it.
"""

from __future__ import annotations

import json
import math
import mmap
import os
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import msgspec
import psutil

from cts.limits import EXIT_TIMEOUT, START_TIMEOUT
from cts.plugin import place
from cts.plugin.isolation.orders import (
    CHANNEL_LOST,
    ORDERLY,
    ORDERS_VARIABLE,
    Down,
    EndOrder,
    Event,
    Order,
    Orders,
)
from cts.results import Death

_POLL = 0.05
_POLL_OF_DEATH = 0.002
_STACK_PATIENCE = 1.0
"""Seconds that a process may take to print its stack before it is killed."""

_DEATH_PATIENCE = 10.0
"""Seconds that a process may take to be gone after SIGKILL."""

MAX_OUTPUT = 64 << 20
"""Bytes that a child may print in one phase of a case."""

_CAPTURED = ("stdout", "stderr")

_TAIL = 20_000
"""Characters kept of what a dead child printed."""

CAN_FORK = sys.platform == "linux"
"""Elsewhere a fork of a process that has loaded native libraries is not sound (macOS), or not
there."""


@dataclass(frozen=True)
class Limits:
    """What a child may take.

    Attributes
    ----------
    scale : by which every time limit is multiplied; infinite under a debugger.
    memory : bytes resident.
    """

    scale: float
    memory: int

    @property
    def start(self) -> float:
        """Seconds to collect."""
        return START_TIMEOUT * self.scale

    @property
    def end(self) -> float:
        """Seconds for the end of the session, and again for the exit."""
        return EXIT_TIMEOUT * self.scale


class StartError(Exception):
    """A nursery that did not come to the point where children can be had; why."""


class Nursery:
    """A process that children are had from.

    Parameters
    ----------
    args : of the child's pytest session.
    folder : where pytest was started.
    wrapper : a command to start it under, such as ``gdb --args``.
    stop : set when the run is to end at once.
    """

    def __init__(
        self,
        args: Sequence[str],
        workerinput: dict[str, Any],
        folder: Path,
        limits: Limits,
        *,
        wrapper: Sequence[str] = (),
        show_output: bool = False,
        stop: threading.Event,
    ) -> None:
        self.limits = limits
        self.forks = CAN_FORK and not wrapper
        self.stop = stop
        self._wrapped = bool(wrapper)
        self.scratch = Path(tempfile.mkdtemp(prefix="hal-cts-"))
        self.log = self.scratch / "log"
        ours, theirs = socket.socketpair()
        self._control = ours
        orders = Orders(
            workerinput=workerinput,
            control=theirs.fileno(),
            parent=0 if wrapper else os.getpid(),
            fork=self.forks,
            folder=str(self.scratch),
        )
        written = self.scratch / "orders.json"
        written.write_bytes(msgspec.json.encode(orders))
        environment = os.environ | {
            "PYTHONPATH": os.pathsep.join(map(str, sys.path)),
            ORDERS_VARIABLE: str(written),
        }
        with theirs, self.log.open("ab") as log:
            shown = wrapper or show_output
            self.process = subprocess.Popen(
                [
                    *wrapper,
                    *(sys.executable, "-P", "-X", "faulthandler"),
                    *("-m", "pytest", "-p", "cts.plugin.isolation.child", *args),
                ],
                cwd=folder,
                env=environment,
                stdin=None if wrapper else subprocess.DEVNULL,
                stdout=None if shown else log,
                stderr=None if shown else log,
                pass_fds=(theirs.fileno(),),
                start_new_session=not wrapper,  # a debugger keeps the terminal
            )
        self.nodeids: frozenset[str] = frozenset()
        """The cases that it has collected."""

    def wait_until_ready(self) -> None:
        """Waits for the collection. Raises `StartError` where it does not come to its end."""
        self.nodeids = frozenset(self._answer(self.limits.start)["ready"])

    def spawn(self) -> Child:
        """A fresh child. Raises `StartError`."""
        return Child(self, self._ask)

    def _ask(self, request: dict[str, Any], descriptors: Sequence[int] = ()) -> dict[str, Any]:
        with suppress(OSError):  # it is gone, which the answer will say
            socket.send_fds(self._control, [json.dumps(request).encode()], descriptors)
        return self._answer(self.limits.end)

    def _answer(self, limit: float) -> dict[str, Any]:
        deadline = time.monotonic() + limit
        self._control.settimeout(_POLL)
        text = b""
        while not text.endswith(b"\n"):
            try:
                part = self._control.recv(1 << 16)
            except TimeoutError:
                if self.stop.is_set() or time.monotonic() > deadline:
                    raise StartError(f"it did not answer within {limit:g} s") from None
                continue
            except ConnectionError:
                part = b""
            if not part:
                said = _tail(self.log, 2000).strip()
                raise StartError(f"{how_it_ended(self.process.wait())}: {said}")
            text += part
        found: dict[str, Any] = json.loads(text)
        return found

    def poll(self, pid: int) -> int | None:
        """A child's exit status; none while it runs. As `subprocess.Popen.returncode`."""
        if not self.forks:
            return self.process.poll()
        try:
            status: int | None = self._ask({"poll": pid})["status"]
        except StartError:  # gone, and its children with it
            return -signal.SIGKILL
        return status

    def kill(self, pid: int, number: signal.Signals) -> None:
        """Sends a signal to a child."""
        with suppress(ProcessLookupError):  # it may be gone already
            os.kill(pid, number)

    def kill_group(self, pid: int) -> None:
        """Kills a child, and what it has started."""
        self.kill(pid, signal.SIGKILL)
        if not self._wrapped:  # which is in the group of this very process
            with suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)

    def close(self) -> None:
        """Ends the process, and what is left of its children."""
        self._control.close()
        with suppress(ProcessLookupError):
            self.process.kill()
        self.process.wait()
        shutil.rmtree(self.scratch)


class Child:
    """One process that runs a driver's cases, from its start to its end.

    Attributes
    ----------
    last_case : the case that ran before in it, or empty.
    death : how it died, once it has, if that was not its own orderly end.
    """

    def __init__(
        self, nursery: Nursery, ask: Callable[[dict[str, Any], Sequence[int]], dict[str, Any]]
    ) -> None:
        self._nursery = nursery
        self._stop = nursery.stop
        self._lines: list[bytes] = []
        self._rest = b""
        self._at_end = False
        self._killed_for: tuple[Literal["crash", "timeout"], str] | None = None
        self._exit_status: int | None = None
        self._is_down = False
        self._given_up_at = math.inf
        self.last_case = ""
        self.death: Death | None = None
        for name in _CAPTURED:  # which a child before it may have written
            with suppress(FileNotFoundError):  # nothing is captured under -s
                os.truncate(nursery.scratch / name, 0)
        self._log_start = nursery.log.stat().st_size
        orders, self._orders = os.pipe()
        self._events, events = os.pipe()
        with (nursery.scratch / "place").open("w+b", buffering=0) as page:
            page.truncate(place.SIZE)
            self._page = mmap.mmap(page.fileno(), place.SIZE)
            given = (orders, events, page.fileno())
            try:
                self.pid: int = ask({"fork": True}, given)["pid"]
            except StartError:
                os.close(self._orders)
                os.close(self._events)
                raise
            finally:
                os.close(orders)
                os.close(events)
        self._started = time.monotonic()
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._events, selectors.EVENT_READ)

    @property
    def place(self) -> place.Place:
        """Where it is, or was when it died."""
        return place.read(self._page)

    # -- talking ----------------------------------------------------------------------

    def tell(self, order: Order) -> None:
        """Sends an order."""
        with suppress(BrokenPipeError):  # it is dead, which `next_event` will find
            os.write(self._orders, msgspec.json.encode(order) + b"\n")

    def next_event(self, limit: float) -> Event | None:
        """The child's next event, or none where it has died, perhaps of its limits.

        `limit` is in seconds, for the phase that it is in and for the driver's step in it.
        """
        while not self._lines:
            if not self._at_end and self._selector.select(_POLL):
                self._read()
                continue
            if self.is_dead():
                self._bury()
                return None
            if self._at_end:
                time.sleep(_POLL_OF_DEATH)
            if self._killed_for is None:
                self._enforce(limit)
        line = self._lines.pop(0)
        try:
            event: Event = msgspec.json.decode(line, type=Event)
        except msgspec.DecodeError:
            self.kill("crash", "the driver wrote into the pipe to the parent")
            return self.next_event(limit)
        return event

    def _read(self) -> None:
        data = os.read(self._events, 1 << 16)
        *lines, self._rest = (self._rest + data).split(b"\n")
        self._lines += lines
        if not data:
            self._at_end = True
            self._selector.unregister(self._events)

    # -- limits -----------------------------------------------------------------------

    def _enforce(self, limit: float) -> None:
        if self._stop.is_set():
            self.kill("crash", "the run was interrupted", stack=False)
        here, now = self.place, time.monotonic()
        for since in (here.phase_since or self._started, here.stage_since or now):
            if now - since > limit:
                self.kill("timeout", f"no end within {limit:g} s")
                return
        used = _resident(self.pid)
        if used > self._nursery.limits.memory:
            self.kill("crash", f"it took {used >> 20} MiB of memory", stack=False)
        printed = self._nursery.log.stat().st_size - self._log_start
        for name in _CAPTURED:
            path = self._nursery.scratch / name
            printed += path.stat().st_size if path.is_file() else 0  # it is not under -s
        if printed > MAX_OUTPUT:
            self.kill("crash", f"it printed {printed >> 20} MiB", stack=False)

    def kill(self, outcome: Literal["crash", "timeout"], why: str, *, stack: bool = True) -> None:
        """Ends it. With `stack` it is told to print Python's stacks first, GIL held or not."""
        if self._killed_for is None:
            if _is_stopped(self.pid):
                why += " (stopped by a signal)"
            self._killed_for = outcome, why
        if stack:
            self._nursery.kill(self.pid, signal.SIGABRT)
            self._nursery.kill(self.pid, signal.SIGCONT)
            deadline = time.monotonic() + _STACK_PATIENCE
            while not self.is_dead() and time.monotonic() < deadline:
                time.sleep(_POLL_OF_DEATH)
        self._nursery.kill_group(self.pid)
        self._given_up_at = time.monotonic() + _DEATH_PATIENCE

    def is_dead(self) -> bool:
        """Whether it has exited, or cannot be killed (in a driver's uninterruptible wait)."""
        if self._exit_status is None:
            self._exit_status = self._nursery.poll(self.pid)
            if self._exit_status is None and time.monotonic() > self._given_up_at:
                self._exit_status = -signal.SIGKILL
                outcome, why = self._killed_for or ("crash", "")
                self._killed_for = outcome, f"{why}, and SIGKILL did not end it"
        return self._exit_status is not None

    # -- the end ----------------------------------------------------------------------

    def end(self) -> tuple[str, dict[str, Any]]:
        """Has it tear down and exit: what went wrong there, and what it had found by then."""
        fault: str = ""
        output: dict[str, Any] = {}
        log_start = self._nursery.log.stat().st_size
        self.tell(EndOrder())
        while (event := self.next_event(self._nursery.limits.end)) is not None:
            if isinstance(event, Down):
                self._is_down = True
                fault, output = event.fault, event.workeroutput
        faults = [fault] if fault else []
        if self.death is not None:
            faults.append(f"{self.death.how} in {self.death.place}")
        elif error := _error_in(_tail(self._nursery.log, start=log_start)):
            faults.append(f"said at its exit: {error}")
        self.close()
        return "; ".join(faults), output

    def close(self) -> None:
        """Gives the parent's side back."""
        self._selector.close()
        os.close(self._orders)
        os.close(self._events)
        self._page.close()

    def _bury(self) -> None:
        self._nursery.kill_group(self.pid)  # what it started may be alive
        code = self._exit_status
        assert code is not None
        is_orderly = self._is_down and code == ORDERLY and self._killed_for is None
        if self.death is not None or is_orderly:
            return
        outcome, how = self._killed_for or ("crash", how_it_ended(code))
        log = _tail(self._nursery.log, start=self._log_start)
        self.death = Death(
            outcome=outcome,
            how=how,
            exit_status=code,
            place=str(self.place),
            stack=_stack_in(log),
            output={
                name: text for name in _CAPTURED if (text := _tail(self._nursery.scratch / name))
            }
            | ({"log": log} if log else {}),
            after=self.last_case,
        )


def how_it_ended(code: int) -> str:
    """An exit status in words."""
    if code == CHANNEL_LOST:
        return "lost its parent: the descriptors were closed"
    if code < 0:
        return f"killed by {signal.Signals(-code).name}"
    return f"exited with status {code}"


def _stack_in(log: str) -> str:
    """The Python stacks that a dying process printed, without what pytest has in them."""
    start = log.rfind("Fatal Python error")
    if start < 0:
        return ""
    lines = log[start:].splitlines()
    return "\n".join(line for line in lines if "/_pytest/" not in line and "/pluggy/" not in line)


def _error_in(log: str) -> str:
    """The last line of a traceback that nobody could catch; empty where there is none."""
    return log.splitlines()[-1] if "Traceback (most recent call last)" in log else ""


def _tail(path: Path, size: int = _TAIL, *, start: int = 0) -> str:
    if not path.is_file():
        return ""
    with path.open("rb") as file:
        file.seek(max(start, path.stat().st_size - size))
        return file.read().decode(errors="replace")


def _resident(pid: int) -> int:
    try:
        resident: int = psutil.Process(pid).memory_info().rss
    except psutil.Error:
        return 0
    return resident


def _is_stopped(pid: int) -> bool:
    try:
        stopped: bool = psutil.Process(pid).status() == psutil.STATUS_STOPPED
    except psutil.Error:
        return False
    return stopped
