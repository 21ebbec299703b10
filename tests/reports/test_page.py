"""The page of the matrix, in a browser."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from cts.contract import requirements
from reports.matrix import PRECEDENCE

from .generated_runs import write
from .shown import rows, several_runs, shown, written_page
from .written import case, document, driver, run

CASE = "queue/test_copy::test_overlap"
COPY_ON_ACME = "#view=cases&column=acme&case=queue%2Ftest_copy%3A%3Atest_overlap"


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of several runs."""
    return written_page(several_runs(tmp_path_factory.mktemp("page") / "several"))


@pytest.fixture
def page(browser: Browser, path: Path) -> Iterator[Page]:
    """That page, open."""
    with shown(browser, path) as page:
        yield page


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page of many cases and some history."""
    folder = tmp_path_factory.mktemp("page") / "large"
    write(folder, drivers=3, runs=4, cases=1200)
    return written_page(folder)


def cell(page: Page, row: str, column: int = 1) -> str:
    """What is said of a cell."""
    place = page.locator("#rows tr", has=page.locator("th", has_text=re.compile(rf"{row}(\s|$)")))
    return str(place.locator("td").nth(column - 1).get_attribute("aria-label"))


def test_it_opens_with_the_requirements_that_fail_at_the_top(page: Page) -> None:
    assert rows(page)[:3] == ["EDG-1", "EDG-2", "EDG-3"]
    assert cell(page, "EDG-1") == "crash, 1 of 1 cases"
    assert cell(page, "QUE-1") == "fail, 1 of 2 cases"
    assert cell(page, "QUE-1", column=2) == "pass, 1 of 1 cases"
    assert cell(page, "EDG-1", column=2) == "untested"
    expect(page.locator("#count")).to_have_text(
        f"{len(requirements())} of {len(requirements())} requirements"
    )
    expect(page.locator("#facts")).to_contain_text("2 columns, 14 cases")


def test_columns_say_on_what_they_were_obtained(page: Page) -> None:
    acme, sim = page.locator("#head th").all()[1:]
    expect(acme).to_contain_text("hardware")
    expect(acme).to_contain_text("8 failing")
    expect(sim).to_contain_text("stand-in")
    expect(sim).to_have_class("stand-in")
    stripes = page.locator("#rows td.stand-in").first
    assert "gradient" in stripes.evaluate("e => getComputedStyle(e).backgroundImage")
    acme.locator("button").click()
    dialog = page.locator("#cell")
    expect(dialog).to_contain_text("3 runs, newest 2026-01-03T08:00:00Z (run-3)")
    dialog.get_by_text("Show only this driver").click()
    expect(page.locator("#head th")).to_have_count(2)


def test_rows_are_filtered_by_suite_outcome_text_and_driver(page: Page) -> None:
    page.get_by_role("button", name="cases").click()
    assert len(rows(page)) == 14
    page.select_option("#suite", "queue")
    assert rows(page) == [CASE]
    page.select_option("#suite", "")
    page.locator("[data-outcome=timeout]").click()
    page.locator("[data-outcome=flaky]").click()
    assert rows(page) == ["memory/test_map::test_timeout", "memory/test_map::test_flaky"]
    page.fill("#text", "EDG-6")
    assert rows(page) == ["memory/test_map::test_flaky"]
    page.fill("#text", "")
    page.locator("[data-outcome=timeout]").click()
    page.locator("[data-outcome=flaky]").click()
    page.select_option("#driver", "sim")
    page.locator("[data-outcome=pass]").click()
    assert rows(page) == [CASE]


def test_requirements_stand_there_without_marks_of_markdown(page: Page) -> None:
    page.fill("#text", "STB-3")
    expect(page.locator("#rows th")).to_contain_text("STB-3 topology_info is none outside")
    page.fill("#text", "QUE-6")
    expect(page.locator("#rows th")).to_contain_text("wraps 2**64")


def test_rows_are_sorted(page: Page) -> None:
    page.select_option("#sort", "contract")
    assert rows(page)[0] == "STA-1"
    page.get_by_role("button", name="cases").click()
    page.select_option("#sort", "worst")
    failures = PRECEDENCE[: PRECEDENCE.index("pass")]  # be they expected
    failed = [f"memory/test_map::test_{outcome}" for outcome in failures]
    expect(page.locator("#rows th").first).to_contain_text(failed[0].partition("::")[2])
    assert [row for row in rows(page) if row != CASE][: len(failed)] == failed
    page.select_option("#sort", "unstable")
    assert rows(page)[0] == CASE
    expect(page.locator("#rows td").first).to_have_text("✗2×")


def test_a_requirement_leads_to_the_evidence_of_its_worst_case(page: Page) -> None:
    page.locator("#rows tr", has_text="QUE-1").locator("td").first.click()
    dialog = page.locator("#cell")
    expect(dialog.locator("h2")).to_have_text("QUE-1")
    expect(dialog.locator(".message")).to_have_text("bytes differ")
    expect(dialog).to_contain_text("DATA_LOSS")
    commands = dialog.locator(".command code").all_inner_texts()
    assert commands == [
        f"pytest --driver=acme '{CASE}'",
        f"pytest '--worker-wrapper=gdb -ex run --args' --driver=acme '{CASE}'",
    ]
    dialog.get_by_role("button", name=CASE).first.click()
    expect(dialog.locator("h2")).to_have_text(CASE)


def test_a_case_has_its_history_and_how_it_failed_before(browser: Browser, path: Path) -> None:
    with shown(browser, path, COPY_ON_ACME) as page:
        dialog = page.locator("#cell")
        marks = dialog.locator(".history span")
        assert marks.all_inner_texts() == ["✓", "C", "✗"]
        expect(marks.nth(1)).to_have_attribute(
            "title", "2026-01-02T08:00:00Z · run-2 · 1.2 · crash"
        )
        expect(dialog).to_contain_text("fail since 2026-01-03 (run-3); changed 2 times in 3 runs")
        before = dialog.locator("details", has_text="C crash")
        before.locator("summary").first.click()
        expect(before).to_contain_text("in one run, last 2026-01-02 (run-2)")
        before.locator("details summary").click()
        for text in ("SIGSEGV", "call: queue_copy", "in queue_copy", "device lost", "test_z"):
            expect(before).to_contain_text(text)


@pytest.mark.parametrize(
    ("outcome", "texts"),
    [
        ("unsupported", ["why unsupported"]),
        ("blocked", ["why blocked", "query_capabilities"]),
        ("expected-fail", ["why expected-fail", "known of the firmware", "because"]),
    ],
)
def test_every_outcome_has_its_reason(page: Page, outcome: str, texts: list[str]) -> None:
    page.get_by_role("button", name="cases").click()
    page.locator(f"#rows td.o-{outcome}").first.click()
    for text in texts:
        expect(page.locator("#cell")).to_contain_text(text)


def test_what_is_untested_says_so(page: Page) -> None:
    page.locator("[data-outcome=untested]").click()
    page.fill("#text", "GRP-3")
    page.locator("#rows td").first.click()
    expect(page.locator("#cell")).to_contain_text("No run has a case of it.")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="runs").click()
    expect(page.locator("#list")).to_contain_text("Untested requirements")
    expect(page.locator("#list")).to_contain_text("GRP-3: Adding the same device twice")


def test_a_verdict_of_an_older_run_is_marked(page: Page) -> None:
    page.get_by_role("button", name="cases").click()
    assert cell(page, "memory/test_map::test_gone") == "pass, of an older run"
    page.fill("#text", "test_gone")
    page.locator("#rows td").first.click()
    expect(page.locator("#cell .note")).to_contain_text("Of an older run, run-1 of 2026-01-01")


def test_an_address_leads_back_to_what_it_was_taken_from(
    browser: Browser, path: Path, page: Page
) -> None:
    page.get_by_role("button", name="cases").click()
    page.select_option("#suite", "memory/test_map")
    page.fill("#text", "test_")
    page.locator("[data-outcome=crash]").click()
    page.locator("#rows td").first.click()
    expect(page.locator("#cell h2")).to_have_text("memory/test_map::test_crash")
    address = page.evaluate("location.hash")
    with shown(browser, path, address) as other:
        expect(other.locator("#cell h2")).to_have_text("memory/test_map::test_crash")
        other.keyboard.press("Escape")
        assert rows(other) == ["memory/test_map::test_crash"]
        assert other.locator("#text").input_value() == "test_"
        assert other.locator("#suite").input_value() == "memory/test_map"


def test_back_and_forward_close_and_open_a_cell(page: Page) -> None:
    page.get_by_role("button", name="cases").click()
    page.fill("#text", "test_copy")
    page.locator("#rows td").first.click()
    expect(page.locator("#cell h2")).to_have_text(CASE)
    page.go_back()
    expect(page.locator("#cell")).to_be_hidden()
    assert rows(page) == [CASE]
    page.go_forward()
    expect(page.locator("#cell h2")).to_have_text(CASE)
    page.keyboard.press("Escape")
    expect(page.locator("#cell")).to_be_hidden()
    expect(page).to_have_url(re.compile("#view=cases&text=test_copy$"))


def test_an_address_that_is_typed_in_is_followed(page: Page) -> None:
    page.evaluate(f"location.hash = '{COPY_ON_ACME}'")
    expect(page.locator("#cell h2")).to_have_text(CASE)
    page.evaluate("location.hash = '#view=topology'")
    expect(page.locator("#cell")).to_be_hidden()
    expect(page.locator(".heat-map").first).to_be_visible()


def test_an_address_that_names_what_is_not_there_is_left_alone(
    browser: Browser, path: Path
) -> None:
    address = (
        "#view=__proto__&suite=x&driver=x&sort=9e9&outcomes=__proto__.9e9&field=constructor"
        "&column=acme&case=x&text=%00%E2%80%AE<img>"
    )
    with shown(browser, path, address) as page:
        assert page.evaluate("state.view") == "requirements"
        assert page.evaluate("state.outcomes.length") == 0
        assert page.evaluate("state.open") is None
        expect(page.locator("#count")).to_contain_text("0 of ")


def test_the_keyboard_is_enough(browser: Browser, large: Path) -> None:
    with shown(browser, large, "#view=cases&sort=contract") as page:
        assert page.locator("#rows td[tabindex='0']").count() == 1
        page.keyboard.press("/")
        assert page.evaluate("document.activeElement.id") == "text"
        page.keyboard.type("queue")
        for _ in range(40):
            page.keyboard.press("Tab")
            if page.evaluate("document.activeElement.tagName") == "TD":
                break
        position = "[grid.row, grid.column, document.activeElement.tagName]"
        assert page.evaluate(position) == [0, 0, "TD"]
        for key in ("ArrowDown", "ArrowDown", "ArrowRight", "ArrowUp"):
            page.keyboard.press(key)
        assert page.evaluate(position) == [1, 1, "TD"]
        page.keyboard.press("Control+End")
        assert page.evaluate(position) == [149, 2, "TD"]
        page.keyboard.press("Home")
        page.keyboard.press("PageUp")
        row, column, _ = page.evaluate(position)
        assert column == 0
        assert 100 < row < 149
        page.keyboard.press("Enter")
        expect(page.locator("#cell")).to_be_visible()
        page.keyboard.press("Escape")
        expect(page.locator("#cell")).to_be_hidden()
        assert page.evaluate(position) == [row, 0, "TD"]


def test_only_rows_in_sight_are_in_the_document_until_it_is_printed(
    browser: Browser, large: Path
) -> None:
    with shown(browser, large, "#view=cases&text=queue") as page:
        assert len(rows(page)) < 60
        page.evaluate("dispatchEvent(new Event('beforeprint'))")
        assert len(rows(page)) == 150
        page.evaluate("dispatchEvent(new Event('afterprint'))")
        assert len(rows(page)) < 60
        pdf = page.pdf()
        assert len(re.findall(rb"/Type\s*/Page\b", pdf)) > 2


def test_a_topology_is_a_heat_map(page: Page) -> None:
    page.get_by_role("button", name="topology").click()
    table = page.locator(".heat-map").first
    expect(table.locator("td")).to_have_text(["NAT", "IMP", "COPY", "NAT"])
    table.locator("td").nth(1).click()
    fields = page.locator(".edge").first
    expect(fields).to_contain_text("edge 0 → 1")
    expect(fields).to_contain_text("link=FABRIC")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Enter")
    expect(fields).to_contain_text("edge 1 → 0")
    expect(fields).to_contain_text("wait=COPY")
    page.select_option("#list select", "copy_cost")
    expect(table.locator("td")).to_have_text(["0", "7", "7", "0"])
    colour = "e => getComputedStyle(e).backgroundColor"
    assert table.locator("td").nth(0).evaluate(colour) != table.locator("td").nth(1).evaluate(
        colour
    )
    expect(page.locator("#list")).to_contain_text("or has no topology")  # the stand-in


def test_benchmarks_are_side_by_side(page: Page) -> None:
    page.get_by_role("button", name="benchmarks").click()
    expect(page.locator(".numbers td")).to_have_text(
        ["3 ms ± 10 µs1.0×", "6 ms ± 10 µs2.0×, 1 MB/s"]
    )


def test_it_says_what_is_not_in_it(browser: Browser, tmp_path: Path) -> None:
    folder = tmp_path / "runs"
    document(folder / "1", run("1", finished=""), driver(), case())
    document(folder / "2", run("1", finished=""), driver(), case())
    document(folder / "3", run("0", 1, suite_revision="old"), driver(), case(id="gone"))
    (folder / "bad").mkdir()
    (folder / "bad/results.json").write_text("{}")
    with shown(browser, written_page(folder)) as page:
        notice = page.locator("#notice")
        for text in ("1 files could not", "1 runs are incomplete", "1 files were there twice"):
            expect(notice).to_contain_text(text)
        notice.get_by_role("button").click()
        for text in (
            "bad/results.json: it is no file",
            "the same run as",
            "did not come to its end",
        ):
            expect(page.locator("#list")).to_contain_text(text)
        expect(page.locator("#head")).to_contain_text("incomplete")


def test_every_outcome_has_a_glyph_of_its_own(page: Page) -> None:
    glyphs = page.evaluate("[...GLYPHS]")
    assert {name for name, _ in glyphs} == {*PRECEDENCE, "untested", "not run"}
    assert len({glyph for _, glyph in glyphs}) == len(glyphs)
