"""The page that a run of real drivers leaves behind: all that work without hardware."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from reports.runs import Run, read

from .shown import rows, shown

ROOT = Path(__file__).resolve().parents[2]
DRIVERS = ("iree-local-sync", "iree-local-task", "local-sync", "local-task", "mock", "null")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run's results."""
    folder = tmp_path_factory.mktemp("run")
    suites = "suites/semaphore", "suites/stubs"
    options = f"--driver={','.join(DRIVERS)}", f"--results={folder}", "-p", "no:cacheprovider"
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *suites, "-q", *options],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout
    return folder


@pytest.fixture(scope="module")
def run(folder: Path) -> Run:
    """The same, read."""
    return read(folder)


def test_every_driver_has_a_column_and_every_case_a_row(
    browser: Browser, folder: Path, run: Run
) -> None:
    with shown(browser, folder / "matrix.html", "#view=cases") as page:
        heads = page.locator("thead th button").all_inner_texts()
        assert [head.split("\n")[0] for head in heads] == list(DRIVERS)
        cases = len({case for _, case in run.cases})
        expect(page.locator("#count")).to_have_text(f"{cases} of {cases} cases")


def test_a_known_failure_is_found_and_followed_to_its_evidence(
    browser: Browser, folder: Path, run: Run
) -> None:
    known = {id for (_, id), case in run.cases.items() if case.outcome == "expected-fail"}
    assert known  # IREE's
    with shown(browser, folder / "matrix.html") as page:
        page.get_by_role("button", name="cases", exact=True).click()
        page.locator("[data-outcome=expected-fail]").click()
        expect(page.locator("#count")).to_contain_text(f"{len(known)} of ")
        assert set(rows(page)) == known
        page.fill("#text", "SEM-2")
        first = page.locator("#rows td.o-expected-fail").first
        first.click()
        shown_id = page.locator("#cell h2").inner_text()
        case = run.cases["iree-local-sync", shown_id]
        assert "SEM-2" in case.requirements
        dialog = page.locator("#cell")
        expect(dialog).to_contain_text(case.expectation)
        expect(dialog).to_contain_text(case.reproduce)
        expect(dialog.locator(".message").first).to_have_text(case.message)


def test_the_topology_is_that_of_the_run(browser: Browser, folder: Path, run: Run) -> None:
    with shown(browser, folder / "matrix.html", "#view=topology") as page:
        for name in DRIVERS:
            assert run.drivers[name].topology is not None
            for capabilities in run.drivers[name].capabilities:
                expect(page.locator("#list")).to_contain_text(capabilities["identifier"])
