"""The page on any screen: narrow, dark, with the reader's own colours, and on paper."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from reports.matrix import PRECEDENCE

from .shown import several_runs, shown, written_page

PHONE = {"width": 360, "height": 740}
VIEWS = ("requirements", "cases", "topology", "benchmarks", "runs")
READABLE = 4.5
"""The least contrast of text, by WCAG 2.2, 1.4.3."""

CONTRASTS = """(selector) => {
    const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
    const channels = (colour, under) => {
        for (const fill of [under, colour]) {
            canvas.fillStyle = fill;
            canvas.fillRect(0, 0, 1, 1);
        }
        return [...canvas.getImageData(0, 0, 1, 1).data];
    };
    const light = (rgb) => [0.2126, 0.7152, 0.0722].reduce((sum, part, i) => {
        const c = rgb[i] / 255;
        return sum + part * (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    }, 0);
    const page = getComputedStyle(document.body).backgroundColor;
    return [...document.querySelectorAll(selector)].filter(e => e.innerText.trim()).map(e => {
        let ground = e;
        while (getComputedStyle(ground).backgroundColor === 'rgba(0, 0, 0, 0)'
               && ground.parentElement) ground = ground.parentElement;
        const back = channels(getComputedStyle(ground).backgroundColor, page);
        const text = channels(getComputedStyle(e).color, page);
        const [low, high] = [light(back), light(text)].sort((a, b) => a - b);
        return [e.className + ' ' + e.innerText.slice(0, 20), (high + 0.05) / (low + 0.05)];
    });
}"""

COLOUR = """(selector) => {
    const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
    const cell = document.querySelector(`#rows ${selector}`);
    canvas.fillStyle = getComputedStyle(cell).backgroundColor;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
}"""


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of several runs, in which there is every outcome."""
    return written_page(several_runs(tmp_path_factory.mktemp("looks") / "several"))


def check_contrast(page: Page, selector: str) -> None:
    """Every text that is selected can be read."""
    found = page.evaluate(CONTRASTS, selector)
    assert found
    assert [pair for pair in found if pair[1] < READABLE] == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_can_be_read(browser: Browser, path: Path, scheme: str) -> None:
    for view in VIEWS:
        with shown(browser, path, f"#view={view}", color_scheme=scheme) as page:
            check_contrast(page, "button, td, th, th *, p, li, h1, h2, h3, summary, label, span")
    with shown(browser, path, "#view=cases", color_scheme=scheme) as page:
        page.locator("#rows td").first.click()
        expect(page.locator("#cell h2")).to_be_visible()
        check_contrast(page, "#cell *")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_what_an_adapter_answered_is_grey(browser: Browser, path: Path, scheme: str) -> None:
    """It is no merit of the driver's; nor has any other outcome the colour of a pass."""
    with shown(browser, path, "#view=cases", color_scheme=scheme) as page:
        colours: dict[str, list[int]] = {
            outcome: page.evaluate(COLOUR, f".o-{outcome}") for outcome in PRECEDENCE
        }
    assert max(colours["adapter"]) - min(colours["adapter"]) < 16
    assert max(colours["pass"]) - min(colours["pass"]) >= 16
    assert [o for o, colour in colours.items() if colour == colours["pass"]] == ["pass"]


def test_the_scheme_can_be_switched(browser: Browser, path: Path) -> None:
    with shown(browser, path, color_scheme="light") as page:
        colour = "getComputedStyle(document.body).backgroundColor"
        assert page.evaluate(colour) == "rgb(255, 255, 255)"
        page.get_by_role("button", name="Dark / light").click()
        assert page.evaluate(colour) == "rgb(20, 23, 28)"
        page.get_by_role("button", name="Dark / light").click()
        assert page.evaluate(colour) == "rgb(255, 255, 255)"


@pytest.mark.parametrize("view", VIEWS)
def test_a_phone_has_no_sideways_scroll(browser: Browser, path: Path, view: str) -> None:
    with shown(browser, path, f"#view={view}") as page:
        page.set_viewport_size(PHONE)  # type: ignore[arg-type]
        width = "Math.max(document.documentElement.scrollWidth, document.body.scrollWidth)"
        assert page.evaluate(width) <= PHONE["width"]
        if view == "cases":
            assert page.locator("#grid").evaluate("e => e.clientHeight") > 300
            page.locator("#rows td").first.click()
            box = page.locator("#cell").bounding_box()
            assert box is not None
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= PHONE["width"]
            inside = page.locator("#cell").evaluate("e => e.scrollWidth - e.clientWidth")
            assert inside <= 0


def test_cells_have_borders_where_the_reader_chooses_the_colours(
    browser: Browser, path: Path
) -> None:
    with shown(browser, path, "#view=cases", forced_colors="active") as page:
        border = page.locator("#rows td").first.evaluate("e => getComputedStyle(e).borderTopWidth")
        assert border == "1px"
        current = page.locator("#views [aria-current]")
        assert current.evaluate("e => getComputedStyle(e).outlineStyle") == "solid"


def test_outcomes_are_told_apart_without_colours(browser: Browser, path: Path) -> None:
    with shown(browser, path, "#view=cases") as page:
        cells = page.evaluate(
            "[...document.querySelectorAll('#rows td')].map(e => [e.className.split(' ')[0],"
            " e.firstChild?.textContent.trim() ?? ''])"
        )
        for (kind, glyph), (other, other_glyph) in itertools.combinations(cells, 2):
            assert (kind == other) == (glyph == other_glyph)


def test_paper_has_the_table_and_no_controls(browser: Browser, path: Path) -> None:
    with shown(browser, path, "#view=cases", color_scheme="dark") as page:
        page.emulate_media(media="print")
        expect(page.locator("#filter")).to_be_hidden()
        expect(page.locator("#views")).to_be_hidden()
        assert page.locator("#grid").evaluate("e => getComputedStyle(e).overflow") == "visible"
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == (
            "rgb(255, 255, 255)"
        )
