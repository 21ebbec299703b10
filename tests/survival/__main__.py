"""Prints the survival table, as Markdown; the exit status is 1 where anything is not right."""

from __future__ import annotations

import os
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from .driver import compile_library
from .table import Outcome, cells, run_cell


def main(faults: list[str]) -> int:
    """Runs the cells of these faults, or all."""
    chosen = [cell for cell in cells() if not faults or cell[0] in faults]
    print("| fault | place | verdicts | culprit | lost | seconds | right |")
    print("|---|---|---|---|---|---|---|")
    wrong = 0
    with tempfile.TemporaryDirectory(prefix="survival-") as base:
        library = compile_library(Path(base))

        def run(cell: tuple[int, tuple[str, str]]) -> Outcome:
            folder = Path(base, str(cell[0]))
            folder.mkdir()
            return run_cell(folder, library, *cell[1])

        with ThreadPoolExecutor(os.cpu_count()) as pool:
            outcomes = pool.map(run, enumerate(chosen))
            for (fault, place), outcome in zip(chosen, outcomes, strict=True):
                faults_found = list(outcome.faults(fault, place))
                wrong += bool(faults_found)
                verdicts = ", ".join(f"{count} {what}" for what, count in outcome.verdicts.items())
                culprit = outcome.culprit.replace("|", "/")[:110]
                right = "; ".join(faults_found) or "yes"
                print(
                    f"| {fault} | {place} | {verdicts} | {culprit} | {outcome.lost}"
                    f" | {outcome.seconds:.1f} | {right} |",
                    flush=True,
                )
    print(f"\n{len(chosen) - wrong} of {len(chosen)} right")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
