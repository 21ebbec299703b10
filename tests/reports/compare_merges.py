"""How fast runs are merged, beside the plainest way to read them: `json` into a dictionary.

    python -m tests.reports.compare_merges FOLDER

FOLDER has runs of `python -m tests.reports.generated_runs FOLDER 10 100 3000`. Each way runs in a
process of its own; what it took at most of memory is of that process.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable
from multiprocessing import get_context
from pathlib import Path

from reports.merging import merge
from reports.page import render


def plain(folder: Path) -> str:
    """Outcomes by driver, case and run, without a look at what they are."""
    outcomes: dict[tuple[str, str], list[str]] = {}
    messages: dict[tuple[str, str], list[str]] = {}
    for path in sorted(folder.glob("**/results.json")):
        for record in json.loads(path.read_bytes())["records"]:
            if record["record"] == "case":
                key = record["driver"], record["case"]
                outcomes.setdefault(key, []).append(record["outcome"])
                if record["message"]:
                    messages.setdefault(key, []).append(record["message"])
    return f"{sum(map(len, outcomes.values()))} verdicts"


def merged(folder: Path) -> str:
    """What the command does before it writes anything."""
    history = merge([folder])
    return f"{sum(column.verdicts.size for column in history.columns)} verdicts"


def page(folder: Path) -> str:
    """The command with its page."""
    return f"{len(render(merge([folder]))) / 1e6:.2f} MB"


WAYS: tuple[Callable[[Path], str], ...] = (plain, merged, page)


def measure(way: Callable[[Path], str], folder: Path) -> None:
    """Prints how long a way takes, and its memory."""
    start = time.perf_counter()
    result = way(folder)
    seconds = time.perf_counter() - start
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{way.__name__:8} {seconds:7.2f} s {memory:7.0f} MiB   {result}")


if __name__ == "__main__":
    for way in WAYS:
        process = get_context("spawn").Process(target=measure, args=(way, Path(sys.argv[1])))
        process.start()
        process.join()
