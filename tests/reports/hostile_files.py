"""Files that are no results, or not quite: what `reports.runs` has to say of each."""

from __future__ import annotations

from pathlib import Path

from cts.results import SCHEMA_VERSION

from .written import case, document, driver, lines, run

_RECORDS = (run(), driver(), case(), case(id="queue/test_copy::test_b"))


def text(folder: Path) -> bytes:
    """A whole results.json."""
    return document(folder, *_RECORDS).read_bytes()


def damaged(folder: Path) -> dict[str, tuple[bytes, str]]:
    """By what is wrong: the bytes of a file of which something can be read, and what is said."""
    whole = text(folder)
    other = document(folder, *_RECORDS, driver("other", "software")).read_bytes()
    second = b'"case":"queue/test_copy::test_b"'
    jsonl = lines(folder, *_RECORDS).read_bytes()
    return {
        "the last byte is missing": (whole[:-3], "the file is damaged"),
        "cut in a record": (whole[: whole.index(second)], "the file is damaged"),
        "jsonl cut in a record": (jsonl[: jsonl.index(second)], "the file is cut off"),
        "more than a document": (whole + b"{}", "the file is damaged"),
        "1e400": (whole.replace(b'"duration":0.5', b'"duration":1e400', 2), "damaged"),
        "an unknown outcome": (whole.replace(b'"pass"', b'"PASS"'), "Invalid enum value 'PASS'"),
        "a device on nothing": (
            other.replace(b'"software"', b'"the moon"'),
            "Invalid enum value 'the moon'",
        ),
        "no UTF-8": (whole.replace(second, b'"case":"\xff"'), "the file is damaged"),
        "deep nesting": (
            whole.replace(second, b'"zz":' + b"[" * 100_000 + b"," + second),
            "it is nested too deeply",
        ),
    }


def unreadable(folder: Path) -> dict[str, tuple[bytes, str]]:
    """By what is wrong: the bytes of a file of which nothing can be read, and what is said."""
    whole = text(folder)
    newer = b'"schema_version":%d' % (SCHEMA_VERSION + 1)
    known = b'"schema_version":%d' % SCHEMA_VERSION
    return {
        "nothing": (b"", "it is empty"),
        "blank": (b"\n \n", "it is no file of results"),
        "foreign JSON": (b'{"tests": [1, 2]}\n', "it is no file of results"),
        "foreign JSON without an end of line": (b'{"tests": 1}', "it is no file of results"),
        "no JSON": (b"<html>\n", "it is no file of results"),
        "UTF-16": (whole.decode().encode("utf-16"), "it is no file of results"),
        "NUL": (b"\0" * 5000, "it is no file of results"),
        "a newer schema": (whole.replace(known, newer), "up to 2"),
        "a newer schema in its record": (whole.replace(b'"run",' + known, b'"run",' + newer), "2"),
        "a damaged first line": (b'{"schema_version":x,"records":[\n', "first line is damaged"),
        "no run at first": (document(folder, driver(), run()).read_bytes(), "not that of a run"),
        "no records": (document(folder).read_bytes(), "it is no file of results"),
        "a very long first line": (b'{"record":"' + b"x" * (2 << 20), "it is no file of results"),
    }
