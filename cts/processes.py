"""Processes seen from outside: how one ended, what it takes, what it printed."""

from __future__ import annotations

import signal
from pathlib import Path

import psutil


def how_it_ended(code: int) -> str:
    """An exit status, as `subprocess.Popen.returncode` has it, in words."""
    if code < 0:
        return f"killed by {signal.Signals(-code).name}"
    return f"exited with status {code}"


def resident(pid: int) -> int:
    """Bytes of memory that a process has; 0 where it is gone."""
    try:
        used: int = psutil.Process(pid).memory_info().rss
    except psutil.Error:
        return 0
    return used


def half_of_the_memory() -> int:
    """Bytes: what a process may take where nothing else is said."""
    total: int = psutil.virtual_memory().total
    return total // 2


def is_stopped(pid: int) -> bool:
    """Whether a process has been stopped by a signal."""
    try:
        stopped: bool = psutil.Process(pid).status() == psutil.STATUS_STOPPED
    except psutil.Error:
        return False
    return stopped


def tail(path: Path, size: int, *, start: int = 0) -> str:
    """The last bytes of a file, as text, from `start` on at the earliest; empty for no file."""
    if not path.is_file():
        return ""
    with path.open("rb") as file:
        file.seek(max(start, path.stat().st_size - size))
        return file.read().decode(errors="replace")
