"""`--expectations`, and the file that comes with a driver: what is expected does not fail a run,
and what is wrong with the file does."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from cts.results import CaseRecord
from tests.conftest import CtsRun, OutsideDriver, RunCts
from tests.outside_drivers import driver_source, install_package

CASES = """
    import os, signal
    from hypothesis import given, strategies as st

    pytestmark = pytest.mark.spec("STB-2")

    def test_good(new_device):
        new_device().query_capabilities()

    def test_bad(new_device):
        new_device().query_capabilities()
        raise HalError(StatusCode.DATA_LOSS, "Buffer.read", "two bytes are gone")

    def test_bad_at_its_end(new_device, request):
        new_device().query_capabilities()
        request.addfinalizer(lambda: expect_equal(1, 2, "STB-2", "ending"))

    def test_crash(new_device):
        new_device().query_capabilities()
        os.kill(os.getpid(), signal.SIGSEGV)

    def test_now_and_then(new_device):
        new_device().query_capabilities()
        mark = os.path.join(os.environ["MARKS"], "ran")
        first = not os.path.exists(mark)
        open(mark, "w").close()
        expect(not first, "STB-2", "asking", came_back="nothing", asks="something")

    @pytest.mark.parametrize("n", range(3))
    def test_many(new_device, n):
        new_device().query_capabilities()
        expect(n > 0, "STB-2", "asking", came_back=n, asks="more")

    @pytest.mark.needs("queue_copy")
    def test_left_out(new_device):
        new_device().query_capabilities()

    @pytest.mark.core
    def test_core(new_device):
        new_device().query_capabilities()
        expect(False, "STB-2", "asking", came_back="nothing", asks="something")

    def test_property(new_device, hal_search):
        new_device().query_capabilities()

        @hal_search
        @given(st.integers(0, 1000))
        def check(n):
            with open(os.path.join(os.environ["MARKS"], "tried"), "a") as tried:
                tried.write(f"{n}\\n")
            expect(n < 500, "STB-2", f"asking {n}", came_back=n, asks="less")

        check()
"""

RunWith = Callable[..., CtsRun]


@pytest.fixture
def run_with(
    cts: RunCts,
    case_file: Callable[[str], Path],
    outside_driver: OutsideDriver,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> RunWith:
    """Runs some of the cases with entries, each ``test kind field="value"...``."""
    outside_driver(driver_source())
    monkeypatch.setenv("MARKS", str(tmp_path))
    path = case_file(CASES)

    def run(*entries: str, tests: str, options: tuple[str, ...] = ()) -> CtsRun:
        text = ""
        for entry in entries:
            test, kind, *fields = entry.split(" ", 2)
            text += f'[[expectation]]\ncase = "area/test_it::{test}"\nkind = "{kind}"\n'
            text += "\n".join([*fields[0:1], 'reason = "known"', ""])
        file = tmp_path / "known.toml"
        file.write_text(text)
        named = [f"{path}::{test}" for test in tests.split()] or [str(path)]
        return cts("--driver=outside", f"--expectations={file}", *options, *named)

    return run


def case_of(run: CtsRun, test: str = "") -> CaseRecord:
    (case,) = (case for case in run.cases if case.case.endswith(test))
    return case


EXPECTED = {
    "a-failure": ("test_bad", "expected-fail", 'code = "DATA_LOSS"', "expected-fail"),
    "for-good": ("test_bad", "unsupported", 'pattern = "bytes"', "unsupported"),
    "in-the-tear-down": ("test_bad_at_its_end", "expected-fail", "", "expected-fail"),
    "now-and-then": ("test_bad", "flaky", "", "flaky"),
    "a-crash": ("test_crash", "expected-fail", 'outcome = "crash"', "expected-fail"),
}


WAYS = [
    (which, mode)
    for which in EXPECTED
    for mode in ("auto", "off")
    if (which, mode) != ("a-crash", "off")  # nobody is left to tell
]


@pytest.mark.parametrize(("which", "mode"), WAYS)
def test_what_is_expected_does_not_fail_the_run(run_with: RunWith, which: str, mode: str) -> None:
    test, kind, field, outcome = EXPECTED[which]
    run = run_with(
        f"{test} {kind} {field}", tests=f"{test} test_good", options=("-rx", f"--isolate={mode}")
    )
    assert run.ret == 0, run.text
    case = case_of(run, test)
    assert case.outcome == outcome
    assert case.expected == (
        "flaky" if kind == "flaky" else "crash" if "crash" in which else "fail"
    )
    assert case.expectation == "known"
    assert case.message
    assert len(case.attempts) == ("crash" in which)
    assert not case.is_unexpected


def test_a_crash_that_is_expected_keeps_its_evidence(run_with: RunWith) -> None:
    run = run_with('test_crash expected-fail outcome = "crash"', tests="test_crash test_good")
    (attempt,) = case_of(run, "test_crash").attempts
    assert attempt.death is not None
    assert "SIGSEGV" in attempt.death.how


UNEXPECTED = {
    "a-pass": ("test_good", "expected-fail", "", "unexpected-pass", "it passed"),
    "a-pass-for-good": ("test_good", "unsupported", "", "unexpected-pass", "it passed"),
    "another-code": ("test_bad", "expected-fail", 'code = "ABORTED"', "fail", "with ABORTED"),
    "another-message": ("test_bad", "flaky", 'pattern = "bits"', "fail", "saying 'bits'"),
    "another-outcome": ("test_bad", "expected-fail", 'outcome = "crash"', "fail", "crash"),
    "a-crash-instead": ("test_crash", "expected-fail", "", "crash", "another failure"),
}


@pytest.mark.parametrize("which", UNEXPECTED)
def test_what_is_not_as_expected_fails_it(run_with: RunWith, which: str) -> None:
    test, kind, field, outcome, said = UNEXPECTED[which]
    run = run_with(f"{test} {kind} {field}", tests=test)
    assert run.ret == 1
    case = case_of(run)
    assert case.outcome == outcome
    assert said in case.expectation
    assert said in run.text
    assert case.is_unexpected


def test_a_pass_that_is_not_expected_is_tried_once(run_with: RunWith) -> None:
    case = case_of(run_with("test_good expected-fail", tests="test_good"))
    assert case.attempts == []


def test_what_is_skipped_is_not_run(run_with: RunWith) -> None:
    run = run_with("test_crash skip", tests="test_crash test_good")
    assert run.ret == 0
    case = case_of(run, "test_crash")
    assert (case.outcome, case.expected, case.expectation) == ("skip", "skip", "known")


def test_each_case_of_a_query_is_held_against_it(run_with: RunWith) -> None:
    run = run_with("test_many expected-fail", tests="test_many")
    outcomes = {case.case[-2]: case.outcome for case in run.cases}
    assert outcomes == {"0": "expected-fail", "1": "unexpected-pass", "2": "unexpected-pass"}


FAULTS = {
    "of-no-case": ("test_gone expected-fail", "it names no case"),
    "that-does-not-apply": ("test_left_out expected-fail", "no case of it applies anyway: needs"),
    "of-a-core-case": ("test_core expected-fail", "no failure of a core case can be expected"),
    "that-has-expired": ("test_bad expected-fail expires = 2020-01-01", "expired on 2020-01-01"),
    "without-a-code": ('test_bad expected-fail code = "X"', "there is no status code 'X'"),
    "of-nobody": ('test_bad expected-fail driver = "nobody"', "there is no driver 'nobody'"),
}


@pytest.mark.parametrize("which", FAULTS)
def test_an_entry(run_with: RunWith, which: str) -> None:
    entry, said = FAULTS[which]
    run = run_with(entry, tests="")
    assert run.ret == 1
    (told,) = [line for line in run.text.splitlines() if said in line and line.startswith("  ")]
    assert entry.split()[0] in told
    assert [told.strip()] == run.run.expectation_faults[:1]


def test_all_faults_are_told_together(run_with: RunWith) -> None:
    run = run_with(*(entry for entry, _ in FAULTS.values()), tests="")
    after = run.text.partition("what is expected of the drivers does not hold:\n")[2]
    told = re.findall(r"^  (.*)$", after, re.MULTILINE)
    assert len(told) >= len(FAULTS)
    for _, said in FAULTS.values():
        assert any(said in line for line in told)


def test_an_entry_of_a_case_that_was_not_asked_for_is_no_fault(run_with: RunWith) -> None:
    run = run_with("test_bad expected-fail", tests="test_good")
    assert run.ret == 0, run.text
    assert run_with("test_bad expected-fail", tests="", options=("-k", "good")).ret == 0


def test_under_xdist(run_with: RunWith) -> None:
    run = run_with("test_bad expected-fail", "test_gone flaky", tests="", options=("-n2",))
    assert case_of(run, "test_bad").outcome == "expected-fail"
    (fault,) = run.run.expectation_faults
    assert "test_gone" in fault
    assert run.run.expectations.keys() == {"outside"}
    assert run.run.suite_revision


def test_an_example_decides_alone(run_with: RunWith, tmp_path: Path) -> None:
    found = case_of(run_with(tests="test_property")).example
    assert re.fullmatch(r"\S+ \S+", found)
    (tmp_path / "tried").unlink()
    field = f'example = "{found}"'
    run = run_with(f"test_property expected-fail {field}", tests="test_property")
    assert case_of(run).outcome == "expected-fail"
    assert set((tmp_path / "tried").read_text().split()) == {"500"}


def test_an_example_that_passes_now(run_with: RunWith) -> None:
    found = case_of(run_with(tests="test_property")).example
    version = found.split()[0]
    field = f'example = "{version} AA=="'
    run = run_with(f"test_property expected-fail {field}", tests="test_property")
    assert case_of(run).outcome == "unexpected-pass"


@pytest.mark.parametrize("data", [b"[[expectation]", b"\xff"])
def test_a_file_that_cannot_be_read_ends_the_session(
    cts: RunCts, case_file: Callable[[str], Path], tmp_path: Path, data: bytes
) -> None:
    path = tmp_path / "known.toml"
    path.write_bytes(data)
    run = cts("--driver=null", f"--expectations={path}", case_file(CASES))
    assert run.ret == 4
    assert f"expectations cannot be read: {path}" in run.text
    assert run.cases == []


def test_the_file_of_a_driver_counts_unless_another_is_named(
    cts: RunCts,
    case_file: Callable[[str], Path],
    pytester: pytest.Pytester,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """It is found without importing the package, which must not happen in this process."""
    package = pytester.path / "acme_hal"
    package.mkdir()
    (package / "__init__.py").write_text(
        "import os\nopen(os.environ['MARKS'] + '/loaded', 'a').write(f'{os.getpid()} ')\n"
    )
    (package / "driver.py").write_text(driver_source("acme"))
    (package / "expectations.toml").write_text(
        '[[expectation]]\ncase = "area"\nkind = "expected-fail"\nreason = "known"\n'
    )
    point = "[cts.drivers]\nacme = acme_hal.driver:OutsideDriver\n"
    install_package(pytester.path, "acme_hal_meta", "", point)
    monkeypatch.setenv("PYTHONPATH", str(pytester.path))
    monkeypatch.setenv("MARKS", str(tmp_path))
    bad = f"{case_file(CASES)}::test_bad"
    run = cts("--driver=acme", bad)
    assert case_of(run).outcome == "expected-fail"
    assert run.run.expectations.keys() == {"acme"}
    assert case_of(cts("--driver=acme", "--expectations=none", bad)).outcome == "fail"
