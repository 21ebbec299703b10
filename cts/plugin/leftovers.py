"""What a failed case leaves alive, as a block that an error ends anywhere may do.

Its traceback holds it for a while, and its end would fall into another case; so it is ended with
the case that made it. What a passing case leaves is left alone: the collector warns of it.
"""

from __future__ import annotations

import pytest

from cts.hal.resource import end_made_since, mark
from cts.plugin.cases import case_of
from cts.plugin.run import run_of

_MARK: pytest.StashKey[int] = pytest.StashKey()
_FAILED: pytest.StashKey[bool] = pytest.StashKey()


def begin(item: pytest.Item) -> None:
    """Before a test's fixtures are set up."""
    item.stash[_MARK] = mark()


def note(item: pytest.Item, report: pytest.TestReport) -> None:
    """After each of a test's phases."""
    item.stash[_FAILED] = item.stash.get(_FAILED, False) or report.failed


def has_failed(item: pytest.Item) -> bool:
    """Whether one of its phases has, so far."""
    return item.stash.get(_FAILED, False)


def end(item: pytest.Item) -> None:
    """After a test's fixtures are torn down: ends what it made, if it is a case and failed."""
    case = case_of(item)
    if case is not None and has_failed(item):
        session = run_of(item.config).session_of(case.driver)
        end_made_since(item.stash[_MARK], keep=session.held())
