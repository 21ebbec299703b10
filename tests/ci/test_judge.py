"""`.ci/judge` and the composite action over it, on a repository with a driver of its own."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from .action import Job, Runner
from .conftest import ROOT, Repository

JUDGE = ROOT / ".ci" / "judge"
SOUND = "        return edge\n"
BROKEN = "        return edge.replace(copy_cost=edge.copy_cost ^ 1)\n"
QUICK = "-q\n-k\nstubs"
"""Options for few cases."""


def heard(printed: str) -> list[str]:
    """The lines that the runner looks for commands in."""
    end, lines = "", []
    for line in printed.splitlines():
        if not end and line.startswith("::stop-commands::"):
            end = f"::{line.removeprefix('::stop-commands::')}::"
        elif line == end:
            end = ""
        elif not end:
            lines.append(line)
    return lines


@pytest.fixture
def act(environment: dict[str, str], wheel: Path, repository: Repository) -> Any:
    """Runs the action's steps on the driver of the repository, as it is in its folder."""

    def run(base: str = "", **inputs: str) -> Job:
        given = {"drivers": "acme", "suite": str(wheel), "options": QUICK} | inputs
        return Runner(repository.folder, environment, base).run(**given)

    return run


def test_a_change_that_breaks_the_driver_is_stopped(act: Any, repository: Repository) -> None:
    repository.commit(SOUND, BROKEN)
    job = act(base=repository.base)
    assert job.failed
    assert job.summary.startswith("```text\ngate closed: ")
    assert "\nbroken: 1: stubs/test_refine_topology_edge::" in job.summary
    assert "\n# HAL conformance\n" in job.summary
    assert "\n::error title=broken%3A acme::stubs/test_refine_topology_edge::" in job.printed
    assert job.kept == [{"name": "hal-cts-results", "path": "hal-cts-results", "overwrite": "true"}]


def test_a_change_that_breaks_nothing_passes(act: Any, repository: Repository) -> None:
    repository.commit(SOUND, "        assert edge is not None\n" + SOUND)
    job = act(base=repository.base)
    assert not job.failed, job.printed
    assert job.summary.startswith("```text\ngate open: ")
    results = repository.folder / "hal-cts-results"
    assert {path.name for path in results.iterdir()} == {"base", "head", "gate.txt"}
    assert repository.git("worktree", "list").count("\n") == 0  # the base's tree is gone


def test_without_a_base_the_run_alone_counts(act: Any, repository: Repository) -> None:
    job = act(artifact="")
    assert not job.failed, job.printed
    assert job.summary.startswith("# HAL conformance\n")
    assert job.kept == []
    repository.commit(SOUND, BROKEN)
    assert act().failed


def test_a_base_that_has_no_such_driver_is_a_warning(act: Any, repository: Repository) -> None:
    repository.git("rm", "--quiet", "--cached", "-r", ".")
    repository.git("commit", "--quiet", "--message=none")
    before = repository.git("rev-parse", "HEAD")
    repository.commit()
    job = act(base=before)
    assert not job.failed, job.printed
    why = "the drivers of the base commit cannot be installed"
    assert f"::warning title=HAL conformance::{why}" in job.printed
    assert job.summary.startswith(f"```text\nnot compared: {why}\n")


@pytest.mark.parametrize("base", ["--upload-pack=touch pwned", "$(touch pwned)"])
def test_a_base_that_is_no_commit_is_a_warning(act: Any, repository: Repository, base: str) -> None:
    job = act(base=base)
    assert not job.failed, job.printed
    assert "::warning title=HAL conformance::the base " in job.printed
    assert not list(repository.folder.parent.rglob("pwned"))


def test_what_is_given_is_never_run(act: Any, repository: Repository) -> None:
    shell = '$(touch pwned)";touch pwned;"`touch pwned`'
    assert act(drivers=shell, options=f"-q\n{shell}\n; touch pwned").failed
    assert act(install=f".\n; touch pwned\n{shell}").failed
    assert act(base=repository.base, budget=shell).failed
    assert not list(repository.folder.parent.rglob("pwned"))


def test_what_a_driver_prints_is_not_for_the_runner(act: Any, repository: Repository) -> None:
    repository.commit(
        "_numbers = count()", "print('::error::mine', flush=True)\n_numbers = count()"
    )
    job = act(options=f"{QUICK}\n-s")
    assert "::error::mine" in job.printed
    assert heard(job.printed) == []


def test_the_same_in_a_plain_shell(
    environment: dict[str, str], wheel: Path, repository: Repository, tmp_path: Path
) -> None:
    repository.commit(SOUND, BROKEN)
    done = subprocess.run(
        [JUDGE],
        cwd=repository.folder,
        env=environment
        | {
            "HAL_CTS_DRIVERS": "acme",
            "HAL_CTS_SUITE": str(wheel),
            "HAL_CTS_BASE": "main~1",
            "HAL_CTS_OPTIONS": QUICK,
            "HAL_CTS_RESULTS": str(tmp_path / "results"),
        },
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1, done.stderr
    assert "\ngate closed: " in done.stdout
    assert "::error" not in done.stdout
    assert "::stop-commands" not in done.stdout
    assert (tmp_path / "results" / "head" / "junit.xml").exists()


def test_a_budget_that_is_none_does_not_leave_the_gate_open(
    act: Any, repository: Repository
) -> None:
    job = act(base=repository.base, budget="5 %")
    assert job.failed
    assert job.printed == "HAL_CTS_BUDGET: a number of cases, or P%\n"


def test_what_a_driver_raises_and_writes_is_not_for_the_runner(
    act: Any, repository: Repository
) -> None:
    repository.commit(SOUND, "        raise AssertionError('##[stop-commands]mine')\n")
    write = (
        "import os\nopen(os.environ.get('GITHUB_STEP_SUMMARY', os.devnull), 'a').write('mine')\n"
    )
    repository.commit("_numbers = count()", f"{write}_numbers = count()")
    job = act(base=repository.base)
    assert job.summary.startswith("```text\ngate closed: ")
    lines = heard(job.printed)
    assert lines
    assert all(line.startswith("::error title=") for line in lines), lines


def test_a_module_of_the_repository_is_not_taken_for_pythons(
    act: Any, repository: Repository
) -> None:
    (repository.folder / "logging.py").write_text("raise SystemExit('not this one')\n")
    job = act()
    assert not job.failed, job.printed
