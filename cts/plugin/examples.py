"""Failing examples of hypothesis as text, to be kept with a result and pinned by an expectation.

    6.170.17 AXicY2BABQAAFwAB

Hypothesis' version, and its own form of the example, which no other version takes back.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import hypothesis

_ADVICE = re.compile(r"@reproduce_failure\('([^']+)', b'([^']+)'\)")


def example_of(error: BaseException) -> str:
    """The example that a case failed with; empty where hypothesis had no part in it."""
    for note in getattr(error, "__notes__", ()):
        if match := _ADVICE.search(note):
            return f"{match[1]} {match[2]}"
    return ""


def settings_on(example: str, **settings: Any) -> hypothesis.settings:
    """Settings that run a property on one example alone; it passes where that does not fail."""
    import hypothesis  # here, since it takes its time
    from hypothesis.errors import DidNotReproduce

    version, _, blob = example.partition(" ")
    pin = hypothesis.reproduce_failure(version, blob.encode())

    class Pinned(hypothesis.settings):
        def __call__(self, test: Any) -> Any:
            pinned = pin(super().__call__(test))

            def on_the_example() -> None:
                try:
                    pinned()
                except DidNotReproduce:
                    return

            return on_the_example

    return Pinned(**settings)
