"""What a case changes in its process and leaves so: it may harm the cases that come after it.

A snapshot before and one after are compared; what is a process's own to restore (environment,
signal handlers, folder) is restored. Growth is no fault yet: a first use may well leave a cache, a
pool of threads, the session's group. The same growth again, when the case is run again at once, is.
"""

from __future__ import annotations

import ctypes
import errno
import gc
import os
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, NamedTuple

from cts.hal import Resource, live_counts

SETTLING = 1.0
"""Seconds that threads and descriptors of what was destroyed may take to be gone."""

NONE_FREE = sys.maxsize
"""A count of descriptors that could not be had, because there are too many."""

_DESCRIPTORS = "/proc/self/fd" if sys.platform == "linux" else "/dev/fd"
_THREADS = "/proc/self/task"
_PYTESTS_OWN = "PYTEST_CURRENT_TEST"


class Handler(NamedTuple):
    """Who takes a signal."""

    python: Any
    """As `signal.getsignal` tells."""
    native: bytes
    """The ``struct sigaction``, since C changes it behind Python's back; it starts with the
    function's address."""

    def is_that_of(self, other: Handler) -> bool:
        """Whether the same function is called."""
        size = ctypes.sizeof(ctypes.c_void_p)
        return self.python is other.python and self.native[:size] == other.native[:size]


@dataclass(frozen=True)
class Snapshot:
    """What of a process outlasts a case."""

    live: Counter[str]
    """Live resources by type name, without those that the session keeps."""
    descriptors: int
    threads: int
    environment: dict[str, str]
    handlers: dict[int, Handler]
    folder: str


def snapshot(kept: Collection[Resource]) -> Snapshot:
    """This process now; `kept` are resources that are the session's and not a case's."""
    live = Counter(live_counts())
    live.subtract(type(resource).__name__ for resource in kept)
    return Snapshot(
        live=+live,
        descriptors=_count(_DESCRIPTORS),
        threads=_count(_THREADS) if os.path.isdir(_THREADS) else threading.active_count(),
        environment={name: os.environ[name] for name in os.environ if name != _PYTESTS_OWN},
        handlers=_handlers(),
        folder=os.getcwd(),
    )


def growth(
    before: Snapshot, kept: Collection[Resource], settling: float = SETTLING
) -> dict[str, str]:
    """What has grown or changed since, each with how; empty where nothing has.

    Waits a moment for what is on its way out, `settling` seconds at most.
    """
    after = snapshot(kept)
    if _growth(before, after):
        gc.collect()
        deadline = time.monotonic() + settling
        while _growth(before, after := snapshot(kept)) and time.monotonic() < deadline:
            time.sleep(0.01)
    return _growth(before, after)


def restore(before: Snapshot) -> None:
    """Undoes what can be undone: environment, signal handlers, folder."""
    for name in os.environ.keys() - before.environment.keys() - {_PYTESTS_OWN}:
        del os.environ[name]
    os.environ.update(before.environment)
    now = _handlers()
    for number, handler in before.handlers.items():
        if not handler.is_that_of(now[number]):
            if handler.python is not None:
                signal.signal(number, handler.python)
            _libc.sigaction(number, handler.native, None)
    os.chdir(before.folder)


def _growth(before: Snapshot, after: Snapshot) -> dict[str, str]:
    found = {f"live {name}": f"{count} more" for name, count in (after.live - before.live).items()}
    if after.descriptors == NONE_FREE:
        found["descriptors"] = "none is free"
    for what in ("descriptors", "threads"):
        more = getattr(after, what) - getattr(before, what)
        if more > 0:
            found.setdefault(what, f"{more} more")
    names = before.environment.keys() | after.environment.keys()
    for name in sorted(names):
        if before.environment.get(name) != after.environment.get(name):
            found[f"environment variable {name}"] = "changed"
    for number in before.handlers:
        if not before.handlers[number].is_that_of(after.handlers[number]):
            found[f"handler of {signal.Signals(number).name}"] = "changed"
    if before.folder != after.folder:
        found["working folder"] = "changed"
    return found


def _count(folder: str) -> int:
    try:
        return len(os.listdir(folder))
    except OSError as error:
        if error.errno not in (errno.EMFILE, errno.ENFILE):
            raise
        return NONE_FREE  # not even to look with


_SIGNALS = [
    *(signal.SIGSEGV, signal.SIGBUS, signal.SIGILL, signal.SIGFPE, signal.SIGABRT, signal.SIGINT),
    *(signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE, signal.SIGCHLD, signal.SIGALRM),
    *(signal.SIGUSR1, signal.SIGUSR2),
]
_libc = ctypes.CDLL(None)
_sigaction = ctypes.create_string_buffer(256)
"""More than ``struct sigaction`` has anywhere."""


def _handlers() -> dict[int, Handler]:
    found = {}
    for number in _SIGNALS:
        _libc.sigaction(number, None, _sigaction)
        found[int(number)] = Handler(signal.getsignal(number), _sigaction.raw)
    return found
