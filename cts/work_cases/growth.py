"""Whether something that is done over and over leaves memory behind."""

from __future__ import annotations

from collections.abc import Callable

import psutil

from cts.checks import expect

LARGE = 3 << 19
"""Bytes of what is made and given up each time, so that resident memory shows it, and that a pool
of small blocks does not keep for the next time."""
TIMES = 256
_WARM_UP = 16
_AT_MOST = 64 << 20
"""Bytes that resident memory may grow by; with all of it kept, it would be `TIMES * LARGE`."""


def expect_no_growth(do_once: Callable[[], None], requirement: str, what: str) -> None:
    """Does it `TIMES` times, and fails the case where resident memory grows by it."""
    __tracebackhide__ = True
    process = psutil.Process()
    for _ in range(_WARM_UP):
        do_once()
    before = process.memory_info().rss
    for _ in range(TIMES):
        do_once()
    growth = process.memory_info().rss - before
    expect(
        growth <= _AT_MOST,
        requirement,
        f"resident memory over {TIMES} {what} of {LARGE} bytes",
        came_back=f"{growth} more bytes",
        asks=f"at most {_AT_MOST}",
    )
