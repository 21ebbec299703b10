"""The parent's hold on a child: talks to it, keeps its time, ends it, says how it died.

A child is ended, whatever it is doing, when it takes too long, takes too much memory or prints too
much; and all that it started with it.
"""

from __future__ import annotations

import math
import mmap
import os
import selectors
import signal
import time
from contextlib import suppress
from typing import Any, Literal

import msgspec

from cts.limits import MAX_OUTPUT
from cts.plugin import place
from cts.plugin.isolation.nursery import POLL, Nursery, StartError
from cts.plugin.isolation.orders import CHANNEL_LOST, ORDERLY, Down, EndOrder, Event, Order
from cts.processes import how_it_ended, is_stopped, resident, tail
from cts.results import Death

_POLL_OF_DEATH = 0.002
_STACK_PATIENCE = 1.0
"""Seconds that a process may take to print its stack before it is killed."""

_DEATH_PATIENCE = 10.0
"""Seconds that a process may take to be gone after SIGKILL."""

_CAPTURED = ("stdout", "stderr")

_TAIL = 20_000
"""Bytes kept of what a dead child printed."""


class Child:
    """One process that runs a driver's cases, from its start to its end.

    Attributes
    ----------
    last_case : the case that ran before in it, or empty.
    death : how it died, once it has, if that was not its own orderly end.
    """

    def __init__(self, nursery: Nursery) -> None:
        """Starts it. Raises `StartError`."""
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
                self.pid: int = nursery.ask({"fork": True}, given)["pid"]
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

    def has(self, address: str) -> bool:
        """Whether it has collected a case."""
        return address in self._nursery.addresses

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
            if not self._at_end and self._selector.select(POLL):
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
        used = resident(self.pid)
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
            if is_stopped(self.pid):
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
        elif error := _error_in(tail(self._nursery.log, _TAIL, start=log_start)):
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
        if code == CHANNEL_LOST:
            how = "lost its parent: its descriptors were closed"
        log = tail(self._nursery.log, _TAIL, start=self._log_start)
        self.death = Death(
            outcome=outcome,
            how=how,
            exit_status=code,
            place=str(self.place),
            stack=_stack_in(log),
            output={
                name: text
                for name in _CAPTURED
                if (text := tail(self._nursery.scratch / name, _TAIL))
            }
            | ({"log": log} if log else {}),
            after=self.last_case,
        )


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
