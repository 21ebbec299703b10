"""`summary.md`: what it says of a run, and that no text in it is more than text."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from markdown_it import MarkdownIt

from reports.runs import read
from reports.summary import render

from . import hostile_texts
from .compared import id_of, verdict
from .written import case, document, driver, run


def rendered(folder: Path, *records: Any) -> str:
    """The page of a run of these records."""
    document(folder, *records)
    return render(read(folder))


def section(text: str, heading: str) -> list[str]:
    """The lines under a heading, without empty ones."""
    after = text.partition(f"\n## {heading}")[2].partition("\n## ")[0]
    return [line for line in after.splitlines()[1:] if line.strip()]


def test_drivers_are_counted(tmp_path: Path) -> None:
    sim = driver("sim", "stand-in", version="2|3")
    text = rendered(tmp_path, run(), driver(), sim, verdict("pass", "a"), verdict("fail", "b"))
    assert "| driver | version | obtained on | pass | fail |\n|---|---|---|---:|---:|\n" in text
    assert "| `acme` |  | hardware | 1 | 1 |" in text
    assert "| `sim` | `2¦3` | stand-in | 0 | 0 |" in text
    assert section(text, "Requirements")[1].split() == ["acme", "sim"]


def test_the_same_failure_stands_there_once(tmp_path: Path) -> None:
    alike = [verdict("fail", name, message="byte 7 is 0") for name in "abc"]
    other = verdict("crash", "d", message="SIGSEGV", ids=("QUE-2",))
    text = rendered(tmp_path, run(), driver(), *alike, other, verdict("blocked", "e"))
    assert "\n## Failures: 4\n" in text
    assert section(text, "Failures") == [
        f"- `acme`: `{id_of('a')}` and 2 more cases: fail, `QUE-1`",
        "  - `byte 7 is 0`",
        f"  - `pytest --driver=acme '{id_of('a')}'`",
        f"- `acme`: `{id_of('d')}`: crash, `QUE-2`",
        "  - `SIGSEGV`",
        f"  - `pytest --driver=acme '{id_of('d')}'`",
    ]


def test_so_many_failures_are_told_that_a_job_can_show_them(tmp_path: Path) -> None:
    texts = [f"{'語' * 290} {chr(ord('a') + n % 26) * (1 + n // 26)}" for n in range(1200)]
    failed = [case("fail", f"queue/test_copy::test_{n}", message=t) for n, t in enumerate(texts)]
    text = rendered(tmp_path, run(), driver(), *failed)
    assert "\n## Failures: 1200\n" in text
    assert section(text, "Failures")[-1] == "- and 1100 more kinds"
    assert len(text.encode()) < 1 << 20


def test_what_was_expected_is_listed_by_its_reason(tmp_path: Path) -> None:
    known = [verdict("expected-fail", name, expectation="of the firmware") for name in "ab"]
    text = rendered(tmp_path, run(), driver(), *known)
    assert "Failures" not in text
    other = verdict("crash", "c", expected="fail", expectation="another failure")
    text = rendered(tmp_path, run(), driver(), *known, other)
    assert "\n## Failures: 1\n" in text
    assert section(text, "Expected")[2:] == ["| `acme` | 2 | `of the firmware` |"]


@pytest.mark.parametrize(
    ("record", "driver_fields", "line"),
    [
        (run(finished=""), {}, "**Incomplete:** `the run did not come to its end`"),
        (run(expectation_faults=["x: it has expired"]), {}, "- `x: it has expired`"),
        (run(), {"status": "broken", "reason": "SIGSEGV"}, "**`acme`:** `SIGSEGV`"),
        (run(), {"exit_fault": "exit status 3"}, "**`acme`:** `exit status 3`"),
        (run(), {"slot_faults": {"allocator": "none"}}, "**`acme`:** `allocator: none`"),
    ],
)
def test_what_is_wrong_as_a_whole_comes_first(
    tmp_path: Path, record: Any, driver_fields: dict[str, Any], line: str
) -> None:
    text = rendered(tmp_path, record, driver(**driver_fields), case())
    assert line in text.partition("| driver |")[0].splitlines()


def test_how_it_was_made_is_at_the_end(tmp_path: Path) -> None:
    record = run(seed=7, command=["--driver=acme", "-q"])
    assert section(rendered(tmp_path, record, driver(), case()), "The run") == [
        "- `2026-01-01T08:00:00Z` to `2026-01-01T08:00:00Z`, order of seed 7",
        "- suite `0.1.0`, revision `a1`",
        "- Python `3.11.7` on `Linux`",
        "- `pytest --driver=acme -q`",
    ]


def test_it_says_that_the_backends_checks_were_on(tmp_path: Path) -> None:
    text = rendered(tmp_path, run(validation=True), driver(), case())
    assert section(text, "The run")[0].endswith("order as written, with the backends' own checks")


def test_no_text_becomes_a_link_a_picture_or_a_tag(tmp_path: Path) -> None:
    fence = driver("a\n```\n<img src=x>")
    text = rendered(tmp_path, *hostile_texts.records(), fence)
    tokens = MarkdownIt("commonmark", {"html": True}).enable("table").parse(text)
    tokens += [child for token in tokens for child in token.children or ()]
    kinds = {token.type for token in tokens}
    assert "code_inline" in kinds
    assert kinds.isdisjoint({"html_block", "html_inline", "link_open", "image"})
    plain = "".join(token.content for token in tokens if token.type == "text")
    assert "http:" not in plain  # which GitHub makes a link
    assert "@someone" not in plain
    assert "\x1b" not in text
    assert len(text.encode()) < 1 << 20  # what a job's summary may have on GitHub
