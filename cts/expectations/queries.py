"""Which cases a query names.

queue                                   a suite
queue/test_copy                         a file
queue/test_copy::test_is_exact          a test, with all of its parameters
queue/test_copy::test_is_exact[1-queue] a case
*/test_range::*past-the-end*            a * stands for any text
"""

from __future__ import annotations

import functools
import re


def names(query: str, text: str) -> bool:
    """Whether a pattern names a text as a whole; a ``*`` in it stands for any text."""
    return _exactly(query).fullmatch(text) is not None


def names_case(query: str, case: str) -> bool:
    """Whether a query names a case, or a suite, file or test that it belongs to."""
    return any(names(query, part) for part in _parts(case))


def file_of(query: str) -> str:
    """The file that all cases of a query are in, as ``area/file``; empty where it names none."""
    file, found, _ = query.partition("::")
    return file if (found or "/" in file) and "*" not in file else ""


@functools.cache
def _exactly(query: str) -> re.Pattern[str]:
    return re.compile(".*".join(map(re.escape, query.split("*"))), re.DOTALL)


@functools.cache
def _parts(case: str) -> tuple[str, ...]:
    file, _, test = case.partition("::")
    return case, f"{file}::{test.partition('[')[0]}", file, file.partition("/")[0]
