"""The revision of a suite: a digest of what decides verdicts, so that runs can be compared.

It is of the files with cases, of what they share and are judged by, and of the contract; the
same from a checkout and from an installed package. Drivers have no part in it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path

import cts
from cts.contract import spec_text

DIGITS = 12
_JUDGES = ("checks.py", "slot_checks.py", "work_cases/**/*.py")


def revision_of(suites: Iterable[Path]) -> str:
    """The revision of suites, each in its folder, as ``area/test_file.py`` below it."""
    digest = hashlib.sha256(spec_text().encode())
    for path in sorted(_sources(suites), key=lambda path: path.parts[-2:]):
        digest.update("/".join(path.parts[-2:]).encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:DIGITS]


def _sources(suites: Iterable[Path]) -> Iterator[Path]:
    package = Path(next(iter(cts.__path__)))
    for pattern in _JUDGES:
        yield from package.glob(pattern)
    for folder in suites:
        yield from folder.glob("*/test_*.py")
