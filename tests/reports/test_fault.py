"""The command `hal-cts fault`: what it begins a script with, and when it refuses."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from cts import registry
from cts.expectations.entries import Entry
from cts.results import DriverRecord
from reports import fault

from .compared import invoke

CASE = "queue/test_copy::test_overlap_is_refused[queue]"
KNOWN = """
[[expectation]]
case = "queue/test_copy::test_overlap_is_refused*"
kind = "expected-fail"
driver = "acme-*"
outcome = {outcome}
pattern = '{pattern}'
reason = '{reason}'
"""


@pytest.fixture
def acme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a package of drivers, and of the session."""
    folder = tmp_path / "acme"
    folder.mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(
        registry, "folder", lambda name: folder if name.startswith("acme-") else None
    )
    seen = DriverRecord(driver="acme-fast", status="available", version="acme 7.1")
    monkeypatch.setattr(fault, "probe", lambda name, timeout: seen)
    return folder


def know(
    folder: Path,
    outcome: str = '"fail"',
    pattern: str = "^QUE-3: ",
    reason: str = "an overlap is found by nobody",
) -> None:
    """Writes the expectations of the package."""
    text = KNOWN.format(outcome=outcome, pattern=pattern, reason=reason)
    (folder / "expectations.toml").write_text(text)


def begin(case: str = CASE, driver: str = "acme-fast", *options: str) -> Result:
    """The command's result."""
    return invoke(fault.app, case, "--driver", driver, *options)


def constants(path: Path) -> dict[str, Any]:
    """The metadata of a script."""
    assigned = [node for node in ast.parse(path.read_text()).body if isinstance(node, ast.Assign)]
    return {ast.unparse(a.targets[0]): ast.literal_eval(a.value) for a in assigned[:4]}


def test_it_fills_in_what_the_expectation_says(acme: Path, tmp_path: Path) -> None:
    know(acme)
    result = begin()
    path = tmp_path / "docs" / "faults" / "acme_overlap_is_refused.py"
    assert result.exit_code == 0, result.output
    assert 'reproducer = "docs/faults/acme_overlap_is_refused.py"' in result.stdout.splitlines()
    assert ast.get_docstring(ast.parse(path.read_text())) == "\n".join(
        [
            "An overlap is found by nobody.",
            "",
            "Requirement: QUE-3 of docs/spec.md",
            "Drivers:     fast",
            "Severity:    wrong code",
            "Seen with:   acme 7.1",
            "Cause:       not looked for",
        ]
    )
    assert constants(path) == {
        "DRIVERS": ("fast",),
        "SEVERITY": "wrong code",
        "REQUIREMENTS": ("QUE-3",),
        "SEEN_WITH": "acme 7.1",
    }


def test_until_its_calls_are_written_it_fails(acme: Path, tmp_path: Path) -> None:
    know(acme)
    begin(CASE, "acme-fast", "--output", "mine.py")
    done = subprocess.run([sys.executable, "mine.py"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 2
    assert "NotImplementedError: not written yet" in done.stderr


@pytest.mark.parametrize("driver", ["iree-local-sync", "iree-local-task"])
def test_of_an_iree_driver_it_makes_the_device_and_fails_then(tmp_path: Path, driver: str) -> None:
    pytest.importorskip("iree.runtime")
    path = tmp_path / "mine.py"
    case = "semaphore/test_fail::test_a_signal_is_refused_with_its_code"
    result = begin(case, driver, f"--output={path}")
    assert result.exit_code == 0, result.output
    assert constants(path)["SEEN_WITH"].startswith("iree-base-runtime 3")
    done = subprocess.run([sys.executable, path], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, f"{driver.removeprefix('iree-')}:\n")
    assert "NotImplementedError: not written yet" in done.stderr


@pytest.mark.parametrize("reason", ["it's\\d", 'the "end" """ of it', "$metadata", "long " * 60])
def test_what_it_writes_is_a_script_whatever_the_reason(acme: Path, reason: str) -> None:
    quoted = reason.replace("'", "’")
    know(acme, reason=quoted)
    assert begin(CASE, "acme-fast", "--output=mine.py").exit_code == 0
    text = Path("mine.py").read_text()
    told = ast.get_docstring(ast.parse(text))
    assert told is not None
    assert " ".join(told.partition("\n\n")[0].lower().split()).startswith(
        quoted.replace('"', "'").strip().lower()
    )
    assert max(map(len, text.splitlines())) <= 100


@pytest.mark.parametrize(
    ("outcome", "severity"),
    [
        ('"fail"', "wrong code"),
        ('"crash"', "crash"),
        ('"timeout"', "hang"),
        ('["crash", "fail"]', "wrong data"),
    ],
)
def test_the_outcome_tells_the_severity(acme: Path, outcome: str, severity: str) -> None:
    know(acme, outcome=outcome)
    begin(CASE, "acme-fast", "--output=mine.py")
    assert constants(Path("mine.py"))["SEVERITY"] == severity


def test_a_pattern_without_a_requirement_leaves_it_to_the_tests_marks(acme: Path) -> None:
    know(acme, pattern="exceeds maximum")
    begin(CASE, "acme-fast", "--output=mine.py")
    assert constants(Path("mine.py"))["REQUIREMENTS"] == ("QUE-3",)


def test_marks_of_a_whole_file_count_too() -> None:
    entry = Entry(case="queue/test_failure::test_fans_out[before]", kind="flaky", reason="r")
    assert fault.requirements_of(entry) == ("QUE-5",)


def test_a_driver_may_have_a_template_of_its_own(acme: Path) -> None:
    know(acme)
    (acme / fault.TEMPLATE).write_text("$docstring\n$metadata\nMINE = 1\n")
    begin(CASE, "acme-fast", "--output=mine.py")
    assert Path("mine.py").read_text().endswith('"acme 7.1"\nMINE = 1\n')


@pytest.mark.parametrize(
    ("case", "driver", "says"),
    [
        (CASE, "nobody", "unknown driver 'nobody'; there are: "),
        ("queue/test_copy::test_is_exact", "acme-fast", "nothing is expected of"),
        (CASE, "acme-else", "mine.py: it is there already"),
    ],
)
def test_it_refuses(acme: Path, case: str, driver: str, says: str) -> None:
    know(acme)
    Path("mine.py").write_text("mine")
    result = begin(case, driver, "--output=mine.py")
    assert result.exit_code == 4
    assert says in result.stderr
    assert Path("mine.py").read_text() == "mine"


def test_it_refuses_a_folder_that_is_a_file(acme: Path) -> None:
    know(acme)
    Path("there").write_text("")
    result = begin(CASE, "acme-fast", "--output=there/mine.py")
    assert result.exit_code == 4
    assert "there/mine.py: cannot be written" in result.stderr


def test_without_expectations_there_is_nothing_to_begin(acme: Path) -> None:
    result = begin()
    assert result.exit_code == 4
    assert "nothing is expected of" in result.stderr


def test_expectations_that_cannot_be_read_are_told(acme: Path) -> None:
    (acme / "expectations.toml").write_text("[[")
    result = begin()
    assert result.exit_code == 4
    assert "expectations.toml: " in result.stderr


def test_the_driver_may_be_named_with_its_implementation(acme: Path, tmp_path: Path) -> None:
    """Then the entry is one for that implementation."""
    know(acme)
    path = acme / "expectations.toml"
    text = path.read_text().replace("found by nobody", "found on soft")
    path.write_text(text.replace("kind =", 'implementation = "soft *"\nkind =') + path.read_text())
    for driver, found in (("acme-fast[soft 1.0]", "soft"), ("acme-fast[hard 2]", "nobody")):
        output = tmp_path / f"{found}.py"
        result = begin(CASE, driver, "--output", str(output))
        assert result.exit_code == 0, result.output
        docstring = ast.get_docstring(ast.parse(output.read_text()))
        assert docstring is not None
        assert docstring.splitlines()[0].endswith(f"{found}.")
        assert constants(output)["DRIVERS"] == ("fast",)
