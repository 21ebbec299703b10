"""Named checks for cases: one message form for every failed expectation.

A failed check says the requirement, what was done, what came back and what the contract asks:

    GRP-2: adding device 2 of capacity 1: came back: no error; the contract asks for:
    RESOURCE_EXHAUSTED

The plugin adds the command that reproduces the case.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

from cts.hal import HalError, StatusCode

if TYPE_CHECKING:  # pytest gives the class no importable name
    _Skipped = Exception
else:
    _Skipped = pytest.skip.Exception


class Unsupported(_Skipped):
    """Raised by a case that does not apply to the driver: neither pass nor skip."""


class Blocked(_Skipped):
    """Raised for a case that could not run because something else of the driver is broken.

    `slot` is the broken slot, where that is the cause.
    """

    def __init__(self, reason: str, slot: str = "") -> None:
        super().__init__(reason)
        self.slot = slot


class Raised:
    """What `expect_error` caught; `error` is there after its block."""

    error: HalError


def unsupported(reason: str) -> NoReturn:
    """Ends the case: it does not apply to this driver, for a reason that people will read."""
    raise Unsupported(reason)


def expect(condition: object, requirement: str, doing: str, *, came_back: Any, asks: str) -> None:
    """Fails the case unless `condition` holds."""
    __tracebackhide__ = True
    if not condition:
        _fail(requirement, doing, repr(came_back), asks)


def expect_equal(actual: Any, expected: Any, requirement: str, doing: str) -> None:
    """Fails the case unless the two are equal."""
    __tracebackhide__ = True
    if actual != expected:
        _fail(requirement, doing, repr(actual), repr(expected))


@contextmanager
def expect_error(code: StatusCode, requirement: str, doing: str) -> Iterator[Raised]:
    """Fails the case unless the block raises a `HalError` of that code.

    Another exception than a HalError fails the case too: it carries no canonical code (STA-1).
    """
    __tracebackhide__ = True
    raised = Raised()
    try:
        yield raised
    except HalError as error:
        if error.code is not code:
            _fail(requirement, doing, str(error), code.name, cause=error)
        raised.error = _without_frames(error)
    except Exception as error:
        _fail(requirement, doing, repr(error), code.name, cause=error)
    else:
        _fail(requirement, doing, "no error", code.name)


def _without_frames(error: HalError) -> HalError:
    """The error without the frames that it came through, whose variables it would keep alive: in a
    cycle with the case's own, objects of a driver would live until the collector comes by."""
    for cause in (error.__cause__, error.__context__):
        if cause is not None:
            cause.__traceback__ = None
    return error.with_traceback(None)


def _fail(
    requirement: str, doing: str, came_back: str, asks: str, cause: Exception | None = None
) -> NoReturn:
    __tracebackhide__ = True
    raise AssertionError(
        f"{requirement}: {doing}: came back: {came_back}; the contract asks for: {asks}"
    ) from cause
