"""A case's record as it is read from runs of anybody's: with limits, and fast."""

from __future__ import annotations

from typing import Annotated

import msgspec

from cts.results import Attempt, Death, Outcome
from cts.results.records import Seconds

TEXT_LIMIT = 4000
"""Characters that are kept of a message, a stack, an output."""
_ATTEMPTS = 10
_OUTPUTS = 5

_Name = Annotated[str, msgspec.Meta(max_length=200)]
_Id = Annotated[str, msgspec.Meta(max_length=1000)]
_Ids = Annotated[tuple[_Name, ...], msgspec.Meta(max_length=100)]


class CaseLine(msgspec.Struct, tag_field="record", tag="case", gc=False, kw_only=True):
    """A `CaseRecord`, with limits, in the form that is read fastest."""

    driver: _Name
    case: _Id
    requirements: _Ids
    outcome: Outcome
    duration: Seconds
    message: str = ""
    code: str = ""
    blocked_by: str = ""
    attempts: tuple[Attempt, ...] = ()
    expected: str = ""
    expectation: str = ""
    signature: str = ""
    example: str = ""
    reproduce: str = ""


def shorten(line: CaseLine) -> None:
    """Cuts what a record says to what is kept of it."""
    if len(line.message) + len(line.expectation) + len(line.example) > TEXT_LIMIT:
        line.message = cut(line.message)
        line.expectation = cut(line.expectation)
        line.example = cut(line.example)
    if line.attempts:
        line.attempts = tuple(
            msgspec.structs.replace(
                attempt,
                message=cut(attempt.message),
                death=attempt.death and _shortened(attempt.death),
            )
            for attempt in line.attempts[-_ATTEMPTS:]
        )


def _shortened(death: Death) -> Death:
    output = {name[:20]: cut(text) for name, text in list(death.output.items())[:_OUTPUTS]}
    return msgspec.structs.replace(death, stack=cut(death.stack), output=output)


def cut(text: str, limit: int = TEXT_LIMIT) -> str:
    """The beginning of a long text, and how much more there was."""
    return text if len(text) <= limit else f"{text[:limit]}… ({len(text) - limit} more characters)"
