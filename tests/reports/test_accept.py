"""The command `hal-cts accept`: what it writes, what it keeps, and when it refuses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from cts.expectations.entries import read
from reports.accept import app

from .compared import id_of, invoke, verdict
from .written import document, driver, run

KNOWN = f"""\
[[expectation]]
case = "{id_of("a")}"
kind = "expected-fail"
reason = "of the firmware"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file with one entry."""
    path = tmp_path / "expectations.toml"
    path.write_text(KNOWN)
    return path


def accept(folder: Path, *records: Any, file: Path, options: tuple[str, ...] = ()) -> Result:
    """The command's result on a run of these records."""
    document(folder / "run", *records)
    return invoke(app, folder / "run", f"--expectations={file}", *options)


def reasons(file: Path) -> dict[str, str]:
    """The reason of each case."""
    return {entry.case: entry.reason for entry in read(file).entries}


def test_what_fails_is_added_sorted_and_what_is_known_keeps_its_reason(
    tmp_path: Path, file: Path
) -> None:
    met = verdict("expected-fail", "a", expectation="of the firmware")
    new = verdict("crash", "0", message="SIGSEGV")
    result = accept(tmp_path, run(), driver(), met, new, verdict("pass", "b"), file=file)
    assert result.exit_code == 0
    text = file.read_text()
    assert text.index(id_of("0")) < text.index(id_of("a"))
    assert 'outcome = "crash"' in text
    assert "of the firmware" in text
    assert f'+case = "{id_of("0")}"' in result.stdout.splitlines()
    assert "1 entries have no reason yet" in result.stdout
    assert "\x1b" not in result.stdout


def test_what_passes_is_taken_out(tmp_path: Path, file: Path) -> None:
    passed = verdict("unexpected-pass", "a")
    result = accept(tmp_path, run(), driver(), passed, file=file)
    assert result.exit_code == 0
    assert reasons(file) == {}
    assert '-reason = "of the firmware"' in result.stdout


def test_nothing_to_change(tmp_path: Path, file: Path) -> None:
    met = verdict("expected-fail", "a", expectation="of the firmware")
    accept(tmp_path, run(), driver(), met, file=file)
    once = file.read_text()
    result = accept(tmp_path, run(), driver(), met, file=file)
    assert result.stdout == f"{file}: nothing to change\n"
    assert file.read_text() == once


def test_a_dry_run_writes_nothing(tmp_path: Path, file: Path) -> None:
    passed = verdict("unexpected-pass", "a")
    result = accept(tmp_path, run(), driver(), passed, file=file, options=("--dry-run",))
    assert result.exit_code == 0
    assert "-[[expectation]]" in result.stdout
    assert file.read_text() == KNOWN


def test_what_is_printed_is_no_more_than_text(tmp_path: Path) -> None:
    odd = tmp_path / "[bold]"
    odd.mkdir()
    file = odd / "[ red].toml"
    hostile = verdict("fail", "a", message="\u202e\x9bm")
    result = accept(tmp_path, run(), driver(), hostile, file=file)
    assert result.exit_code == 0
    assert result.stdout.startswith(f"--- {file}\n+++ {file}\n")
    assert "⟨U+202E⟩⟨U+009B⟩m" in result.stdout
    file.write_text("")
    result = accept(tmp_path, run(), driver(), verdict("pass", "a"), file=file)
    assert result.stdout == f"{file}: nothing to change\n"


def test_what_was_accepted_can_be_accepted_again_before_it_has_a_reason(
    tmp_path: Path, file: Path
) -> None:
    failed = verdict("fail", "0")
    for _ in range(2):
        result = accept(tmp_path, run(), driver(), failed, file=file)
        assert result.exit_code == 0
        assert file.read_text().count("[[expectation]]") == 2
    assert "nothing to change" in result.stdout


def test_a_file_that_is_not_there_is_made(tmp_path: Path) -> None:
    made = tmp_path / "new.toml"
    assert accept(tmp_path, run(), driver(), verdict("fail", "a"), file=made).exit_code == 0
    assert 'reason = ""' in made.read_text()


@pytest.mark.parametrize(
    ("record", "text", "why"),
    [
        (run(finished=""), KNOWN, "the run did not come to its end"),
        (run(), "[[expectation]]\nkind = 7\n", "kind"),
        (run(), "[[[", "expectations.toml"),
    ],
)
def test_what_it_refuses(tmp_path: Path, file: Path, record: Any, text: str, why: str) -> None:
    file.write_text(text)
    result = accept(tmp_path, record, driver(), verdict("fail", "a"), file=file)
    assert result.exit_code == 4
    assert why in result.stderr
    assert file.read_text() == text


def test_a_file_that_cannot_be_written(tmp_path: Path) -> None:
    result = accept(
        tmp_path, run(), driver(), verdict("fail", "a"), file=tmp_path / "no" / "x.toml"
    )
    assert result.exit_code == 4
    assert "x.toml: cannot be written: No such file or directory" in result.stderr


def test_a_driver_without_a_file_of_its_own(tmp_path: Path) -> None:
    document(tmp_path, run(), driver("elsewhere"), verdict("fail", "a"))
    result = invoke(app, tmp_path)
    assert result.exit_code == 4
    assert "driver 'elsewhere' has no file of its own here: name one, --expectations" in (
        result.stderr
    )
