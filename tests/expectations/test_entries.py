"""`expectations.toml`: what can be written there, and what is said of the rest."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import pytest

from cts.expectations.entries import Entry, UnreadableError, read

WHOLE = """
[[expectation]]
case = "queue/test_copy::test_is_exact[1-queue]"
kind = "expected-fail"
outcome = "crash"
code = "INTERNAL"
pattern = "SIG[A-Z]+"
example = "6.1 AAA="
reason = "the copy engine"
link = "https://example.org/1"
owner = "ann@example.org"
since = 2026-01-01
expires = 2027-01-01
driver = "acme-*"
platform = "linux"
device = "gpu*"
implementation = "fast *"
driver-version = ">=1.0,<2"
"""


def file_of(folder: Path, text: str) -> Path:
    path = folder / "expectations.toml"
    path.write_text(text)
    return path


def faults(folder: Path, text: str) -> list[str]:
    path = file_of(folder, text)
    return [fault.removeprefix(f"{path}: ") for fault in read(path).faults]


def test_all_fields(tmp_path: Path) -> None:
    file = read(file_of(tmp_path, WHOLE))
    assert file.faults == ()
    (entry,) = file.entries
    assert entry == Entry(
        case="queue/test_copy::test_is_exact[1-queue]",
        kind="expected-fail",
        outcome="crash",
        code="INTERNAL",
        pattern="SIG[A-Z]+",
        example="6.1 AAA=",
        reason="the copy engine",
        link="https://example.org/1",
        owner="ann@example.org",
        since=datetime.date(2026, 1, 1),
        expires=datetime.date(2027, 1, 1),
        driver="acme-*",
        platform="linux",
        device="gpu*",
        implementation="fast *",
        driver_version=">=1.0,<2",
    )


def test_the_digest_is_of_the_text(tmp_path: Path) -> None:
    first = read(file_of(tmp_path, WHOLE)).digest
    assert first == read(file_of(tmp_path, WHOLE)).digest
    assert first != read(file_of(tmp_path, WHOLE + "\n")).digest


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('reason = " "', "reason is empty"),
        ('case = ""', "case is empty"),
        ('code = "NO_SUCH"', "there is no status code 'NO_SUCH'"),
        ('pattern = "("', "pattern '(' is no regular expression"),
        ('driver-version = "new"', "driver-version 'new' is no set of versions"),
        ("expires = 2025-12-31", "it expires on 2025-12-31, before it starts on 2026-01-01"),
        ('kind = "broken"', "Invalid enum value 'broken'"),
        ("outcome = []", "outcome is empty"),
        ('outcome = ["fail", "pass"]', "Invalid enum value 'pass'"),
        ("case = 5", "Expected `str`, got `int`"),
        ('since = "soon"', "Invalid RFC3339"),
        ('colour = "red"', "unknown field 'colour'"),
    ],
)
def test_a_field_that_cannot_be(tmp_path: Path, line: str, said: str) -> None:
    field = line.partition(" ")[0]
    kept = [old for old in WHOLE.splitlines() if not old.startswith(f"{field} ")]
    (found,) = faults(tmp_path, "\n".join([*kept, line]))
    assert found.startswith("entry 1")
    assert said in found


@pytest.mark.parametrize("field", ["case", "kind", "reason"])
def test_a_field_that_is_missing(tmp_path: Path, field: str) -> None:
    kept = [line for line in WHOLE.splitlines() if not line.startswith(f"{field} ")]
    (found,) = faults(tmp_path, "\n".join(kept))
    assert f"missing required field `{field}`" in found


def test_all_faults_are_told_and_the_rest_is_kept(tmp_path: Path) -> None:
    bad = "\n[[expectation]]\ncase = 'a'\n[[expectation]]\nkind = 'skip'\nx = 1\n[other]\n"
    file = read(file_of(tmp_path, WHOLE + bad))
    assert len(file.entries) == 1
    told = "\n".join(file.faults)
    assert len(file.faults) == 4
    for words in ("entry 2", "entry 3", "unknown field 'x'", "unknown table 'other'"):
        assert words in told


@pytest.mark.parametrize("text", ["expectation = 3", "[expectation]\ncase = 'a'"])
def test_what_is_no_list_of_tables(tmp_path: Path, text: str) -> None:
    assert "list of tables" in faults(tmp_path, text)[0]


@pytest.mark.parametrize("data", [b"\xff\xfe", b"[[expectation]", b"a = " + b"[" * 100_000])
def test_what_cannot_be_read(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "expectations.toml"
    path.write_bytes(data)
    with pytest.raises(UnreadableError, match=r"expectations\.toml"):
        read(path)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UnreadableError, match="No such file"):
        read(tmp_path / "expectations.toml")


def test_an_empty_file_expects_nothing(tmp_path: Path) -> None:
    file = read(file_of(tmp_path, ""))
    assert (file.entries, file.faults) == ((), ())


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({}, "skip 'a/b'"),
        ({"driver": "acme"}, "skip 'a/b' on acme"),
        ({"implementation": "fast *"}, "skip 'a/b' on *[fast *]"),
        ({"driver": "acme", "implementation": "fast *"}, "skip 'a/b' on acme[fast *]"),
    ],
)
def test_its_name_says_what_it_is_for(fields: dict[str, Any], text: str) -> None:
    assert str(Entry(case="a/b", kind="skip", reason="known", **fields)) == text
