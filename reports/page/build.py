"""The page: its code, and a `History` in sections that are packed and unpacked in the browser.

| section | what it is |
|---|---|
| `index` | JSON: requirements, cases, columns, runs, and what could not be read |
| `now` | a byte a case and column, case by case: the outcome's number, `OLD` added, or NOT_RUN |
| `history` | a byte a case and run, column by column, case by case |
| `details` | JSON: of each column its driver's record, topology and benchmarks |
| `evidence-0` … | JSON: of `BLOCK` cases each, what is behind every cell |

A section is base64 of raw deflate, and `evidence-…` is unpacked when one of its cells is opened.
The page may do nothing but run its own script: its Content-Security-Policy names it by its hash.
"""

from __future__ import annotations

import base64
import hashlib
import html
import re
import zlib
from collections.abc import Iterator
from importlib import resources

import msgspec
import numpy as np

from ..history import NOT_RUN, Column, History
from ..text import visible
from .evidence import Plan, blocks, plans
from .index import details, index

OLD = 64
"""Added to the outcome of a cell that is not of its column's newest run."""
EVIDENCE_BYTES = 12 << 20
"""Of all packed evidence, where that can be had by leaving out what is old and long."""
SCRIPTS = (
    "data.js",
    "model.js",
    "grid.js",
    "evidence.js",
    "topology.js",
    "lists.js",
    "page.js",
)
"""In the order in which they come in the page."""
_MARK = re.compile("@([A-Z_]+)@")


def render(history: History) -> bytes:
    """The page. The same history gives the same bytes."""
    evidence, plan = _evidence(history)
    left_out = [*history.notes, *plan.left_out(history)]
    now = [
        np.where(
            (column.now != NOT_RUN) & (column.last != len(column.runs) - 1),
            column.now + OLD,
            column.now,
        )
        for column in history.columns
    ]
    sections = {
        "index": _packed(msgspec.json.encode(index(history, left_out))),
        "now": _packed(np.array(now, np.uint8).T.tobytes()),
        "history": _packed(b"".join(column.verdicts.tobytes() for column in history.columns)),
        "details": _packed(msgspec.json.encode(details(history))),
        **{f"evidence-{number}": block for number, block in enumerate(evidence)},
    }
    style = _source("page.css")
    script = "".join(f"{_source(name)}\n" for name in SCRIPTS)
    marks = {
        "STYLE": style,
        "STYLE_HASH": _hash(style),
        "SCRIPT": script,
        "SCRIPT_HASH": _hash(script),
        "COUNTS": "".join(_counts(history.columns)),
        "DATA": "".join(
            f'<script type="application/octet-stream" id="{name}">{text}</script>\n'
            for name, text in sections.items()
        ),
    }
    return _MARK.sub(lambda match: marks[match[1]], _source("page.html")).encode()


def _evidence(history: History) -> tuple[list[str], Plan]:
    """The packed blocks of all evidence, by the first plan that keeps them small enough."""
    for plan in plans():
        packed = [_packed(msgspec.json.encode(block)) for block in blocks(history, plan)]
        if sum(map(len, packed)) <= EVIDENCE_BYTES:
            break
    return packed, plan


def _packed(data: bytes) -> str:
    deflate = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return base64.b64encode(deflate.compress(data) + deflate.flush()).decode()


def _source(name: str) -> str:
    return (resources.files(__package__) / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _counts(columns: list[Column]) -> Iterator[str]:
    """What a browser without scripts can show."""
    for column in columns:
        counts = ", ".join(f"{number} {outcome}" for outcome, number in column.counts().items())
        yield f"<li>{html.escape(visible(column.label))}: {counts or 'no cases'}</li>\n"
