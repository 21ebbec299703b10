"""`--results`: where a run's records are written."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from cts.results import CaseRecord, RunRecord, read
from tests.conftest import OutsideDriver
from tests.outside_drivers import PASSING_CASE, driver_source

ROOT = Path(__file__).resolve().parent.parent.parent
CaseFile = Callable[[str], Path]


@pytest.mark.parametrize("workers", [0, 2])
def test_a_folder_that_cannot_be_written_ends_the_session_before_any_case(
    pytester: pytest.Pytester, case_file: CaseFile, outside_driver: OutsideDriver, workers: int
) -> None:
    outside_driver(driver_source())
    case_file(PASSING_CASE + "        open('a case ran', 'w')\n")
    (pytester.path / "file").touch()
    folder = pytester.path / "file" / "results"
    result = pytester.runpytest_subprocess(
        "--driver=outside", f"--results={folder}", f"-n{workers}"
    )
    assert result.ret == 4
    result.stderr.fnmatch_lines([f"ERROR: --results: cannot write to {folder}: *"])
    assert not (pytester.path / "a case ran").exists()


def test_the_folder_is_made_below_where_pytest_was_started(
    pytester: pytest.Pytester,
    case_file: CaseFile,
    outside_driver: OutsideDriver,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """And what an earlier run left there is replaced."""
    outside_driver(driver_source())
    cases = case_file(PASSING_CASE)
    started_in = pytester.mkdir("elsewhere")
    monkeypatch.chdir(started_in)
    folder = started_in / "a" / "b"
    folder.mkdir(parents=True)
    for name in ("results.jsonl", "results.json", "junit.xml", "matrix.html", "summary.md"):
        (folder / name).write_text("an earlier run\n")
    result = pytester.runpytest_subprocess("--driver=outside", "--results=a/b", cases)
    assert result.ret == 0
    assert [r.outcome for r in read(folder / "results.jsonl") if isinstance(r, CaseRecord)] == [
        "pass"
    ]
    assert not [path for path in folder.glob("*.*") if "an earlier run" in path.read_text()]
    result.stdout.fnmatch_lines([f"results: {folder}"])


def test_the_folder_may_be_a_word_of_its_own(tmp_path: Path) -> None:
    """Children would take a folder that is there by then for one of cases."""
    command = [sys.executable, "-m", "pytest", "-q", "--driver", "null", "-k", "absent_slots"]
    done = subprocess.run(
        [*command, "--results", str(tmp_path / "results")],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout
    assert re.search(r"^null: [1-9]\d* passed, 0 failed, .* 0 blocked$", done.stdout, re.MULTILINE)


def test_without_it_each_run_has_a_folder_under_reports(
    pytester: pytest.Pytester, case_file: CaseFile, outside_driver: OutsideDriver
) -> None:
    outside_driver(driver_source())
    case_file(PASSING_CASE)
    pytester.makeini("[pytest]")
    result = pytester.runpytest_subprocess("--driver=outside")
    assert result.ret == 0
    (file,) = (pytester.path / "reports" / "out").glob("*/results.jsonl")
    assert isinstance(next(read(file)), RunRecord)
    result.stdout.fnmatch_lines([f"results: {file.parent}"])
