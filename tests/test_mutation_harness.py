"""The command `hal-cts mutants` itself: what it counts as caught, and as a false alarm."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Sequence
from pathlib import Path

import psutil
import pytest

from tests.faulty.score import Verdict, read

from .conftest import still_running

PRELUDE = """
    import os, signal, time
    from cts.faulty import command, trials
    from cts.faulty.changes import change
    from cts.faulty.registry import mutant, mutants
    from cts.hal import DeviceGroupBuilder, Module
"""

Done = subprocess.CompletedProcess[str]


def script_of(folder: Path, lines: str, arguments: Sequence[str]) -> Path:
    """A script that is `hal-cts mutants`, after some lines of one's own."""
    script = folder / "script.py"
    body = f"command.app({[*arguments, f'--results={folder}/results']!r})"
    script.write_text("\n".join(map(textwrap.dedent, (PRELUDE, lines, body))))
    return script


def run_mutants(folder: Path, *arguments: str, lines: str = "") -> Done:
    script = script_of(folder, lines, arguments)
    return subprocess.run([sys.executable, str(script)], capture_output=True, text=True)


def verdict_of(folder: Path, name: str, lines: str = "") -> tuple[int, Verdict]:
    """The exit status of a run with one mutant, and what became of it."""
    done = run_mutants(folder, name, lines=lines)
    assert (folder / "results").is_dir(), done.stdout + done.stderr
    (verdict,) = read(folder / "results").mutants
    return done.returncode, verdict


def test_a_bug_is_caught_where_it_belongs(tmp_path: Path) -> None:
    status, verdict = verdict_of(tmp_path, "order-reversed")
    assert (status, verdict.caught) == (0, "where it belongs")
    assert 0 < verdict.naming <= len(verdict.failing) < verdict.cases


def test_a_bug_is_caught_elsewhere(tmp_path: Path) -> None:
    """The cases of modules are blocked by a broken slot, which is no verdict of theirs."""
    lines = """
        @mutant("MOD-1")
        def with_a_stub():
            mutants()["stub-device-query-capabilities"].apply()
    """
    status, verdict = verdict_of(tmp_path, "with-a-stub", lines)
    assert (status, verdict.caught, verdict.naming) == (0, "elsewhere", 0)
    assert all(case.startswith("stubs/") for case in verdict.failing)


def test_what_is_no_bug_survives(tmp_path: Path) -> None:
    lines = """
        @mutant("MOD-1")
        def no_bug():
            "Nothing is changed."
    """
    status, verdict = verdict_of(tmp_path, "no-bug", lines)
    assert (status, verdict.caught, verdict.failing) == (1, "survived", {})


def test_a_case_that_dies_is_a_catch_and_the_rest_goes_on(tmp_path: Path) -> None:
    lines = """
        @mutant("MOD-1")
        def dies():
            change(Module, "__init__", lambda *a, **k: os.kill(os.getpid(), signal.SIGSEGV))
    """
    status, verdict = verdict_of(tmp_path, "dies", lines)
    assert (status, verdict.caught) == (0, "where it belongs")
    said = verdict.failing.values()
    assert len(said) > 1
    assert all(words.startswith("crash: the process ended with -11") for words in said)
    assert len(said) < verdict.cases


def test_a_case_that_hangs_is_a_catch_and_the_trial_ends(tmp_path: Path) -> None:
    lines = """
        trials.CASE_LIMIT, trials.PATIENCE = 0.5, 0.8

        @mutant("MOD-1")
        def hangs():
            change(Module, "__init__", lambda *a, **k: time.sleep(60))
    """
    status, verdict = verdict_of(tmp_path, "hangs", lines)
    assert (status, verdict.caught, verdict.cases) == (0, "where it belongs", 2)
    assert all(words.startswith("timeout:") for words in verdict.failing.values())


def test_a_bug_that_cannot_be_put_in_ends_the_command(tmp_path: Path) -> None:
    lines = """
        @mutant("MOD-1")
        def cannot_be_put_in():
            change(Module, "no_such_method", None)
    """
    done = run_mutants(tmp_path, "cannot-be-put-in", lines=lines)
    assert done.returncode == 1
    assert "cannot-be-put-in: it cannot be tried" in done.stdout + done.stderr
    assert "no_such_method" in done.stdout + done.stderr


def test_a_failure_on_a_good_driver_is_a_false_alarm(tmp_path: Path) -> None:
    lines = """
        command.GOOD_DRIVERS = ("null",)
        mutants()["order-reversed"].apply()
    """
    done = run_mutants(tmp_path, "empty-builder-gives-nothing", "--repeats=2", lines=lines)
    score = read(tmp_path / "results")
    assert done.returncode == 1
    assert {alarm.shuffle for alarm in score.false_alarms} == {1, 2}
    assert {alarm.driver for alarm in score.false_alarms} == {"null"}
    assert "false alarm on null (order 1): builder/" in done.stdout


def test_it_says_what_each_failing_case_of_a_named_mutant_said(tmp_path: Path) -> None:
    done = run_mutants(tmp_path, "GRP-7")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "order-reversed: The order is reversed." in done.stdout
    assert "fail: GRP-7" in done.stdout
    assert "0 survived" in done.stdout


def test_a_name_that_is_nobodys_is_told_at_once(tmp_path: Path) -> None:
    done = run_mutants(tmp_path, "order-reversed", "no-such-*")
    assert done.returncode == 4
    assert "'no-such-*'" in done.stderr
    assert not (tmp_path / "results").exists()


def test_list_runs_nothing(tmp_path: Path) -> None:
    done = run_mutants(tmp_path, "order-*", "--list")
    assert done.returncode == 0
    assert "order-reversed  GRP-7" in done.stdout
    assert not (tmp_path / "results").exists()


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGKILL], ids=["ctrl-c", "kill"])
def test_nothing_runs_on_after_its_end(tmp_path: Path, end: signal.Signals) -> None:
    mark = tmp_path / "hangs"
    lines = f"""
        signal.signal(signal.SIGINT, signal.default_int_handler)

        def hang(*args, **kwargs):
            open({str(mark)!r}, "w").close()
            time.sleep(60)

        @mutant("MOD-1")
        def hangs():
            change(Module, "__init__", hang)
    """
    script = script_of(tmp_path, lines, ["hangs"])
    with subprocess.Popen([sys.executable, str(script)], stderr=subprocess.PIPE) as command:
        while not mark.exists() and command.poll() is None:
            time.sleep(0.02)
        children = [child.pid for child in psutil.Process(command.pid).children(recursive=True)]
        command.send_signal(end)
        command.communicate()
    assert children
    assert still_running(children) == []
    assert command.returncode == (130 if end == signal.SIGINT else -end)
