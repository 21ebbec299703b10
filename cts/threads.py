"""One function on several threads at once, for cases of what must be right from any thread."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable

TIMEOUT = 10.0
"""Seconds after which a thread counts as hung."""


def in_threads(work: Callable[[int], object], count: int) -> list[BaseException]:
    """Calls ``work(number)`` on so many threads at once; what they raised. A hang is an error."""
    errors: list[BaseException] = []
    start = threading.Barrier(count)

    def run(number: int) -> None:
        try:
            start.wait(TIMEOUT)
            work(number)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(n,), daemon=True) for n in range(count)]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)  # so that what is not atomic is interrupted
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(TIMEOUT)
    finally:
        sys.setswitchinterval(interval)
    return errors + [TimeoutError(thread.name) for thread in threads if thread.is_alive()]
