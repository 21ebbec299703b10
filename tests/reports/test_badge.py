"""The command `hal-cts badge`: what it says, on which colour, and that it is only a picture."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import msgspec
import pytest
from playwright.sync_api import Browser
from typer.testing import Result

from reports.badge import app

from . import hostile_texts
from .compared import invoke, verdict
from .written import case, document, driver, run

GREEN, YELLOW, RED, GREY = "#2a7d3f", "#8a6100", "#b3261e", "#5b6169"
SVG = "{http://www.w3.org/2000/svg}"


def badge(folder: Path, *options: str) -> Result:
    """The command's result on the runs in a folder; the picture is beside it."""
    return invoke(app, folder, "-o", folder.with_suffix(".svg"), *options)


def shown(folder: Path) -> tuple[str, str]:
    """What the picture says, and the colour of its verdict."""
    svg = ElementTree.fromstring(folder.with_suffix(".svg").read_bytes())
    (title,) = svg.findall(f"{SVG}title")
    assert (svg.get("role"), svg.get("aria-label")) == ("img", title.text)
    texts = [element.text for element in svg.findall(f"{SVG}text")]
    assert title.text == ": ".join(map(str, texts))
    return str(title.text), str(svg.findall(f"{SVG}rect")[-1].get("fill"))


PASSED, FAILED, KNOWN = verdict("pass", "a"), verdict("fail", "b"), verdict("expected-fail", "c")
FLAKY = verdict("flaky", "d")


@pytest.mark.parametrize(
    ("records", "text", "colour"),
    [
        ([run(), driver(), PASSED], "1 passed", GREEN),
        ([run(), driver(), PASSED, KNOWN], "1 passed, 1 expected to fail", YELLOW),
        ([run(), driver(), PASSED, FAILED], "1 broken", RED),
        ([run(), driver(), PASSED, FLAKY], "1 broken", RED),
        (
            [run(), driver(), PASSED, msgspec.structs.replace(FLAKY, expected="flaky")],
            "1 passed",
            GREEN,
        ),
        ([run(), driver(status="broken"), PASSED], "1 broken", RED),
        ([run(), driver(exit_fault="exit status 3"), PASSED], "1 broken", RED),
        (
            [run(expectation_faults=["acme: x: it expired"]), driver(), PASSED],
            "expectations do not hold: 1 passed",
            RED,
        ),
        ([run(finished=""), driver(), PASSED], "incomplete: 1 passed", GREY),
        ([run(), driver(on="stand-in"), PASSED], "stand-in: 1 passed", GREY),
        ([run(), driver(on="no-device"), PASSED], "no-device: 1 passed", GREY),
        ([run(), driver(properties={"work": False}), PASSED], "core only: 1 passed", GREEN),
        ([run(), driver()], "nothing proven", GREY),
        ([run(), driver(), verdict("adapter", "a")], "nothing proven", GREY),
        ([run(), driver(), PASSED, driver("sim")], "nothing proven", GREY),
    ],
)
def test_what_a_run_comes_to(tmp_path: Path, records: list[Any], text: str, colour: str) -> None:
    document(tmp_path / "run", *records)
    result = badge(tmp_path / "run")
    assert result.exit_code == 0
    assert shown(tmp_path / "run") == (f"HAL conformance: {text}", colour)
    assert result.stderr.endswith(f"run.svg: HAL conformance: {text}\n")


def test_one_driver_of_many_runs(tmp_path: Path) -> None:
    document(tmp_path / "runs/1", run("1", 1), driver(), FAILED)
    document(
        tmp_path / "runs/2",
        run("2", 2),
        driver(),
        PASSED,
        msgspec.structs.replace(FAILED, outcome="pass"),
    )
    document(tmp_path / "runs/3", run("3", 3), driver("sim"), case("crash", driver="sim"))
    badge(tmp_path / "runs", "--driver=acme")
    assert shown(tmp_path / "runs") == ("acme: 2 passed", GREEN)
    badge(tmp_path / "runs")
    assert shown(tmp_path / "runs") == ("HAL conformance: 1 broken", RED)


def test_the_faults_of_another_driver_are_not_its_own(tmp_path: Path) -> None:
    record = run(expectation_faults=["sim: x: it expired"])
    document(tmp_path / "run", record, driver(), PASSED, driver("sim"), case(driver="sim"))
    badge(tmp_path / "run", "--driver=acme")
    assert shown(tmp_path / "run") == ("acme: 1 passed", GREEN)
    badge(tmp_path / "run", "--driver=sim")
    assert shown(tmp_path / "run") == ("sim: expectations do not hold: 1 passed", RED)


def test_what_cannot_be_read_is_missing(tmp_path: Path) -> None:
    document(tmp_path / "runs/1", run(), driver(), PASSED)
    (tmp_path / "runs/2").mkdir()
    (tmp_path / "runs/2/results.json").write_text("{}")
    result = badge(tmp_path / "runs")
    assert result.exit_code == 0
    assert "2/results.json: it is no file of results" in result.stderr
    assert shown(tmp_path / "runs") == ("HAL conformance: incomplete: 1 passed", GREY)


def test_a_driver_that_no_run_has(tmp_path: Path) -> None:
    document(tmp_path / "run", run(), driver(), PASSED)
    result = badge(tmp_path / "run", "--driver=sim")
    assert (result.exit_code, result.stderr) == (4, "no run has the driver 'sim'\n")
    assert not (tmp_path / "run.svg").exists()


def test_what_cannot_be_read_or_written(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    result = badge(tmp_path / "run")
    assert result.exit_code == 4
    assert result.stderr.splitlines()[-1] == "nothing could be read"
    document(tmp_path / "run", run(), driver(), PASSED)
    result = invoke(app, tmp_path / "run", "-o", tmp_path)
    assert result.exit_code == 4
    assert "cannot be written: Is a directory" in result.stderr


@pytest.mark.parametrize("text", hostile_texts.TEXTS)
def test_a_hostile_name_is_text(tmp_path: Path, browser: Browser, text: str) -> None:
    name = text[:180]
    document(tmp_path / "run", run(), driver(name), case(driver=name))
    assert badge(tmp_path / "run", f"--driver={name}").exit_code == 0
    assert shown(tmp_path / "run")[1] == GREEN
    page = browser.new_page()
    page.goto((tmp_path / "run.svg").as_uri())
    assert page.evaluate("window.pwned") is None
    assert page.evaluate("document.querySelectorAll('*').length") == 6
    page.close()
