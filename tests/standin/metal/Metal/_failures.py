"""Calls that fail or do nothing on purpose, by PyObjC's names of them.

HAL_CTS_STANDIN_FAIL=SELECTOR=CODE,SELECTOR=CODE@N,SELECTOR=CODE@N!
    each call, those from the N-th on, or the N-th alone: one that makes something answers nil, with
    an error of that code where it has one; `commit` is of a command buffer that fails with it
HAL_CTS_STANDIN_IDLE=SELECTOR,...
    a call does nothing, and answers nil
HAL_CTS_STANDIN_KEEPS_SIGNALS=1
    a command buffer that fails signals no event; else it signals all of its own

`set_failures` replaces the first two, and begins to count anew.
"""

from __future__ import annotations

import functools
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ParamSpec

P = ParamSpec("P")


@dataclass
class _Failure:
    code: int
    first: int
    is_once: bool
    calls: int = 0

    def happens(self) -> bool:
        self.calls += 1
        return self.calls == self.first if self.is_once else self.calls >= self.first


class NSError:
    """An error of Metal's."""

    def __init__(self, code: int, text: str = "an error that was asked for") -> None:
        self._code = code
        self._text = text

    def code(self) -> int:
        """Its number in its domain."""
        return self._code

    def localizedDescription(self) -> str:  # noqa: N802
        """What it says."""
        return self._text


_lock = threading.Lock()
_failures: dict[str, _Failure] = {}
_idle: set[str] = set()


def set_failures(fail: str, idle: str) -> None:
    """Has these calls fail, and those do nothing."""
    with _lock:
        _failures.clear()
        for item in filter(None, fail.split(",")):
            name, _, rest = item.partition("=")
            code, _, first = rest.partition("@")
            is_once = first.endswith("!")
            _failures[name] = _Failure(int(code, 0), int(first.rstrip("!") or 1), is_once)
        _idle.clear()
        _idle.update(filter(None, idle.split(",")))


set_failures(os.environ.get("HAL_CTS_STANDIN_FAIL", ""), os.environ.get("HAL_CTS_STANDIN_IDLE", ""))
keeps_signals = bool(os.environ.get("HAL_CTS_STANDIN_KEEPS_SIGNALS"))


def failure_for(name: str) -> int | None:
    """The code that a call is to fail with, this time."""
    if not _failures:
        return None
    with _lock:
        failure = _failures.get(name)
        return failure.code if failure is not None and failure.happens() else None


def selector(function: Callable[P, Any]) -> Callable[P, Any]:
    """A method that can be made to fail, or to do nothing."""
    name = function.__name__

    @functools.wraps(function)
    def called(*arguments: P.args, **named: P.kwargs) -> Any:
        if name in _idle:
            return None
        code = failure_for(name)
        if code is not None:
            return (None, NSError(code)) if name.endswith("error_") else None
        return function(*arguments, **named)

    return called
