"""Texts that try to be more than text, and a run that has them wherever it has a text."""

from __future__ import annotations

from typing import Any

from cts.results import Attempt, BenchmarkRecord, Death, Record

from .written import case, driver, run

TEXTS = (
    "</script><script>window.pwned = 1</script>",
    "<img src=x onerror='window.pwned = 2'>",
    "<!--<script>",
    "]]><svg onload=window.pwned=3>",
    "javascript:window.pwned=4",
    "__proto__",
    "constructor",
    "@DATA@ @SCRIPT@ {{ 7*7 }} ${7*7} {% raw %}",
    "\x00\x1b[31mred\x1b]8;;http://x\x07",
    "\u202eevil\u202c \u2066x\u2069 \u200b\ufeff",
    "a\u2028b\u2029c",
    "=HYPERLINK(\"http://x\")|'cmd'!A0",
    "| a | b |\n|---|",
    "[x](http://x) `x` *x* ![x](http://x/y.png) https://x @someone #1",
    "\U0001f600\u0301" * 20,
    "x" * 900,
)
"""Short enough for a name."""


def records() -> list[Record]:
    """A run in which every text is one of them."""
    made: list[Record] = [run(id=TEXTS[0], suite_version=TEXTS[1], command=list(TEXTS))]
    for number, text in enumerate(TEXTS):
        name = text[:180] or "x"
        facts: dict[str, Any] = {
            "version": text,
            "reason": text,
            "slot_faults": {text: text},
            "optional_slots": [text],
            "properties": {text: text, "deep": {text: [text, 1, None]}},
            "capabilities": [{"identifier": text}],
            "topology": {"numa_nodes": [0], "lo": [["0x0"]], "hi": [[text]]},
        }
        made.append(driver(f"{number} {name}", device=text, **facts))
        made.append(_case(f"{number} {name}", text))
        made.append(
            BenchmarkRecord(driver=f"{number} {name}", name=text, median=1, iqr=0, rounds=1)
        )
    return made


def _case(driver_name: str, text: str) -> Record:
    death = Death(
        outcome="crash",
        how=text,
        exit_status=-11,
        place=text,
        stack=text,
        output={text[:20]: text},
        after=text,
    )
    return case(
        "crash",
        id=f"{text[:400]}::{text[:400]}",
        driver=driver_name,
        ids=(text[:180], "QUE-1"),
        message=text * 50,
        code=text,
        blocked_by=text,
        attempts=[Attempt(outcome="crash", message=text, code=text, death=death)],
        expected=text,
        expectation=text,
        example=text,
        reproduce=text,
    )
