"""Annotations: commands of which a text from results can begin no second one."""

from __future__ import annotations

from reports.diff import Change
from reports.github import SHOWN, job_annotations

from . import hostile_texts
from .compared import verdict


def broken(message: str, driver: str = "acme") -> Change:
    """A case that fails."""
    record = verdict("fail", "a", message=message)
    return Change("broken", driver, record.case, None, record)


def test_faults_come_first() -> None:
    assert list(job_annotations(["it is incomplete"], [broken("byte 7 is 0")])) == [
        "::error title=HAL conformance::it is incomplete",
        "::error title=broken%3A acme::queue/test_copy::test_a: byte 7 is 0",
    ]


def test_a_text_cannot_end_its_command() -> None:
    (line,) = job_annotations([], [broken("50%\n::error::\r", "a,b::c%0A::")])
    assert line == (
        "::error title=broken%3A a%2Cb%3A%3Ac%250A%3A%3A"
        "::queue/test_copy::test_a: 50%25 ::error::⟨U+000D⟩"
    )
    for text in hostile_texts.TEXTS:
        (line,) = job_annotations([text], [])
        assert line.startswith("::error title=HAL conformance::")
        assert len(line.splitlines()) == 1


def test_no_more_than_are_shown() -> None:
    lines = list(job_annotations([], [broken(f"{n}") for n in range(SHOWN)]))
    assert len(lines) == SHOWN
    assert lines[-1].endswith(f"test_a: {SHOWN - 1}")
    lines = list(job_annotations([], [broken(f"{n}") for n in range(SHOWN + 1)]))
    assert len(lines) == SHOWN == 10  # which GitHub shows of a step
    assert lines[-1] == "::error title=HAL conformance::and 2 more"
