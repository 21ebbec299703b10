"""What a run leaves behind: its schema, and what is left of it when it was cut short."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from cts.results import (
    DOCUMENT_NAME,
    FILE_NAME,
    SCHEMA_VERSION,
    UNEXPECTED,
    CaseRecord,
    DeviceRecord,
    DriverRecord,
    Outcome,
    Record,
    ResultsWriter,
    RunRecord,
    is_unexpected,
    read,
    signature,
    write_document,
)

RUN = RunRecord(
    suite_version="1.2",
    started="2026-08-01T12:00:00Z",
    command=["--driver=größer"],
    python="3.11.7",
    platform="Linux",
    id="b8",
    suite_revision="a1",
    expectations={"größer": "c3"},
)
DRIVER = DriverRecord(
    driver="größer",
    status="broken",
    reason="line\nbreak, \x1b and \ud7ff",
    stage="construct",
    devices=[DeviceRecord(path="0", name="x", obtained_on="software")],
    properties={"work": True, "max_devices": None},
    topology={"lo": ["0x1"]},
    slot_faults={"trim": "no"},
)
CASE = CaseRecord(
    driver="größer",
    case="area/test_it::test_a[1]",
    requirements=["GRP-7"],
    outcome="fail",
    duration=0.25,
    message="a\nb",
    code="UNKNOWN",
)


def written(folder: Path, *records: Record) -> Path:
    """A results file of these records."""
    writer = ResultsWriter(folder)
    for record in records:
        writer.write(record)
    writer.close()
    return writer.path


def test_records_come_back_as_they_were(tmp_path: Path) -> None:
    path = written(tmp_path / "a" / "b", RUN, DRIVER, CASE)
    assert path == tmp_path / "a" / "b" / FILE_NAME
    assert list(read(path)) == [RUN, DRIVER, CASE]


def test_the_schema_is_for_others_to_read_too(tmp_path: Path) -> None:
    """One JSON object a line, with its kind and every field, so that a change of it is seen."""
    lines = written(tmp_path, RUN, DRIVER, CASE).read_text(encoding="utf-8").splitlines()
    run, driver, case = map(json.loads, lines)
    assert run == {
        "record": "run",
        "schema_version": SCHEMA_VERSION,
        "suite_version": "1.2",
        "started": "2026-08-01T12:00:00Z",
        "command": ["--driver=größer"],
        "python": "3.11.7",
        "platform": "Linux",
        "id": "b8",
        "suite_revision": "a1",
        "finished": "",
        "seed": None,
        "search": False,
        "validation": False,
        "expectations": {"größer": "c3"},
        "expectation_faults": [],
        "exit_status": None,
        "debug_option": "",
    }
    assert driver.keys() == {
        *("record", "driver", "status", "reason", "stage", "version", "devices", "properties"),
        *(
            "capabilities",
            "topology",
            "slot_faults",
            "optional_slots",
            "exit_fault",
            "groups_built",
            "implementation",
        ),
    }
    assert driver["record"] == "driver"
    assert case == {
        "record": "case",
        "driver": "größer",
        "case": "area/test_it::test_a[1]",
        "requirements": ["GRP-7"],
        "outcome": "fail",
        "duration": 0.25,
        "message": "a\nb",
        "code": "UNKNOWN",
        "blocked_by": "",
        "attempts": [],
        "expected": "",
        "expectation": "",
        "signature": "",
        "example": "",
        "reproduce": "",
    }


def test_each_record_is_on_disk_as_soon_as_it_is_written(tmp_path: Path) -> None:
    writer = ResultsWriter(tmp_path)
    records: list[Record] = [RUN, DRIVER, CASE]
    for number, record in enumerate(records, start=1):
        writer.write(record)
        assert len(list(read(writer.path))) == number
    writer.close()


def test_a_last_line_that_was_cut_off_is_left_out(tmp_path: Path) -> None:
    whole = written(tmp_path / "whole", RUN, CASE, DRIVER).read_bytes()
    cut = tmp_path / "cut.jsonl"
    ends = [i + 1 for i, byte in enumerate(whole) if byte == ord("\n")]
    for length in {*range(0, len(whole), 9), *ends, *(end - 1 for end in ends)}:
        cut.write_bytes(whole[:length])
        expected = [RUN, CASE, DRIVER][: sum(end <= length for end in ends)]
        assert list(read(cut)) == expected


def test_damage_before_the_last_line_is_an_error(tmp_path: Path) -> None:
    path = written(tmp_path, RUN, CASE)
    path.write_bytes(b"{\n" + path.read_bytes())
    with pytest.raises(msgspec.DecodeError):
        list(read(path))


@pytest.mark.parametrize(
    "line",
    [
        b'{"record":"weather"}\n',
        b'{"record":"case","driver":"a"}\n',
        b'{"record":"case","driver":"a","case":"b","requirements":[],"outcome":"perhaps","duration":1}\n',
    ],
    ids=["kind", "missing fields", "outcome"],
)
def test_what_is_no_record_is_an_error(tmp_path: Path, line: bytes) -> None:
    (tmp_path / FILE_NAME).write_bytes(line)
    with pytest.raises(msgspec.ValidationError):
        list(read(tmp_path / FILE_NAME))


def test_fields_that_a_later_version_adds_are_passed_over(tmp_path: Path) -> None:
    path = written(tmp_path, CASE)
    path.write_bytes(path.read_bytes().replace(b'{"record"', b'{"colour":"red","record"'))
    assert list(read(path)) == [CASE]


def test_a_new_run_replaces_the_results_of_an_earlier_one(tmp_path: Path) -> None:
    written(tmp_path, RUN, DRIVER, CASE)
    assert list(read(written(tmp_path, RUN))) == [RUN]


def test_what_cannot_be_written_is_an_os_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file"):
        ResultsWriter(tmp_path / "file" / "results")


def test_outcomes_that_fail_a_run() -> None:
    outcomes = set(Outcome.__args__)  # type: ignore[attr-defined]
    assert outcomes - UNEXPECTED == {"pass", "unsupported", "adapter", "skip", "expected-fail"}
    assert {o for o in outcomes if not is_unexpected(o, "flaky")} - {
        "flaky"
    } == outcomes - UNEXPECTED


def test_a_signature_is_that_of_the_way_it_failed() -> None:
    first = signature("fail", "INTERNAL", "at 0x7f31 after 12 s")
    assert first == signature("fail", "INTERNAL", "at 0x9a after 3 s")
    assert first != signature("crash", "INTERNAL", "at 0x7f31 after 12 s")
    assert first != signature("fail", "ABORTED", "at 0x7f31 after 12 s")
    assert first != signature("fail", "INTERNAL", "at 0x7f31 after 12 ms")
    assert signature("pass", "", "") == signature("unsupported", "", "why") == ""


def test_the_document_has_one_record_a_line(tmp_path: Path) -> None:
    path = write_document(tmp_path, [RUN, CASE])
    text = path.read_text(encoding="utf-8")
    assert json.loads(text)["schema_version"] == SCHEMA_VERSION
    assert [line[:11] for line in text.splitlines()] == ['{"schema_ve', *['{"record":"'] * 2, "]}"]
    assert [p.name for p in tmp_path.iterdir()] == [DOCUMENT_NAME]
