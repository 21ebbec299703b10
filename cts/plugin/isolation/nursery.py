"""The parent's hold on a nursery: a process that has collected the cases, to have children from.

Each child is a fork of it. Where there is no fork, or a wrapper such as gdb is to start the
children, the nursery itself becomes its one child.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from cts.limits import EXIT_TIMEOUT, START_TIMEOUT
from cts.plugin.isolation.orders import ORDERS_VARIABLE, Orders
from cts.processes import how_it_ended, tail

POLL = 0.05
"""Seconds between two looks at a process that says nothing."""

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
    scratch : a new folder for what its children print; it goes with the nursery.
    wrapper : a command to start it under, such as ``gdb --args``.
    stop : set when the run is to end at once.
    """

    def __init__(
        self,
        args: Sequence[str],
        workerinput: dict[str, Any],
        folder: Path,
        scratch: Path,
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
        self.scratch = scratch
        scratch.mkdir()
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
        self.addresses: frozenset[str] = frozenset()
        """The cases that it has collected."""

    def wait_until_ready(self) -> None:
        """Waits for the collection. Raises `StartError` where it does not come to its end."""
        self.addresses = frozenset(self._answer(self.limits.start)["ready"])

    def ask(self, request: dict[str, Any], descriptors: Sequence[int] = ()) -> dict[str, Any]:
        """Sends a request, with descriptors for a new child; the answer. Raises `StartError`."""
        with suppress(OSError):  # it is gone, which the answer will say
            socket.send_fds(self._control, [json.dumps(request).encode()], descriptors)
        return self._answer(self.limits.end)

    def _answer(self, limit: float) -> dict[str, Any]:
        deadline = time.monotonic() + limit
        self._control.settimeout(POLL)
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
                said = tail(self.log, 2000).strip()
                raise StartError(f"{how_it_ended(self.process.wait())}: {said}")
            text += part
        found: dict[str, Any] = json.loads(text)
        return found

    def poll(self, pid: int) -> int | None:
        """A child's exit status; none while it runs. As `subprocess.Popen.returncode`."""
        if not self.forks:
            return self.process.poll()
        try:
            status: int | None = self.ask({"poll": pid})["status"]
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
