"""The page of results that were made to harm whoever looks at it."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Page, expect

from reports.case_line import TEXT_LIMIT
from reports.merging import merge
from reports.page import build
from reports.page.evidence import Plan

from . import hostile_texts
from .shown import shown, written_page
from .written import case, document, driver, run

HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]"
)
VIEWS = ("requirements", "cases", "topology", "benchmarks", "runs")


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a run whose every text is hostile."""
    folder = tmp_path_factory.mktemp("hostile") / "runs"
    document(folder / "1", *hostile_texts.records())
    (folder / "<img src=x onerror=pwned=5>").mkdir()
    (folder / "<img src=x onerror=pwned=5>/results.json").write_text("<script>pwned=6</script>")
    return written_page(folder)


@pytest.fixture
def page(browser: Browser, path: Path) -> Iterator[Page]:
    """That page, open. That nothing was asked for is looked at when it is closed."""
    with shown(browser, path) as page:
        yield page


def check(page: Page) -> None:
    """Nothing has run, and no text is hidden or turns others around."""
    assert page.evaluate("window.pwned") is None
    found = page.evaluate("[...document.body.querySelectorAll('*')].map(e => e.localName)")
    assert not {"img", "svg", "iframe", "object", "a"} & set(found)
    shown_text = page.evaluate("document.body.innerText + document.title")
    assert HIDDEN.search(shown_text) is None
    attributes = page.evaluate(
        "[...document.querySelectorAll('*')].filter(e => !e.closest('head'))"
        ".flatMap(e => [...e.attributes].map(a => a.value))"
    )
    assert not [value for value in attributes if HIDDEN.search(value)]


@pytest.mark.parametrize("view", VIEWS)
def test_nothing_runs_in_any_view(browser: Browser, path: Path, view: str) -> None:
    with shown(browser, path, f"#view={view}") as page:
        page.evaluate("document.querySelectorAll('details').forEach(e => e.open = true)")
        check(page)
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= 1280


def test_nothing_runs_behind_any_cell(page: Page) -> None:
    page.get_by_role("button", name="cases", exact=True).click()
    page.locator("[data-outcome=crash]").click()
    assert page.locator("#rows td.o-crash").count() == len(hostile_texts.TEXTS)
    for number in range(len(hostile_texts.TEXTS)):
        page.locator("#rows td.o-crash").nth(number).click()
        expect(page.locator("#cell .message")).to_be_visible()
        page.evaluate("document.querySelectorAll('details').forEach(e => e.open = true)")
        check(page)
        page.keyboard.press("Escape")


def test_nothing_runs_behind_any_column(page: Page) -> None:
    for head in page.locator("#head button").all():
        head.click()
        expect(page.locator("#cell dl")).to_be_visible()
        check(page)
        page.keyboard.press("Escape")


def test_hidden_characters_are_named(page: Page) -> None:
    texts = page.locator("#head").inner_text()
    for name in ("⟨U+0000⟩", "⟨U+001B⟩", "⟨U+202E⟩", "⟨U+2028⟩"):
        assert name in texts
    assert "@DATA@ @SCRIPT@ {{ 7*7 }} ${7*7}" in texts


def test_an_address_from_anybody_is_harmless(page: Page) -> None:
    for text in hostile_texts.TEXTS:
        name = quote(text, safe="")
        given = f"text={name}&column={name}&case={name}&suite={name}&view={name}"
        page.evaluate("address => { location.hash = address; }", given)
        expect(page.locator("#text")).to_have_value(page.evaluate("state.text"))
        check(page)


def test_links_to_hostile_cells_lead_to_them(page: Page, browser: Browser, path: Path) -> None:
    page.get_by_role("button", name="cases", exact=True).click()
    page.locator("#rows td.o-crash").nth(3).click()
    title = page.locator("#cell h2").inner_text()
    with shown(browser, path, page.evaluate("location.hash")) as other:
        expect(other.locator("#cell h2")).to_have_text(title)


def test_the_browser_would_have_stopped_it(browser: Browser, path: Path) -> None:
    """The Content-Security-Policy holds even if a text got in as markup."""
    page = browser.new_page()
    page.goto(path.as_uri())
    page.wait_for_selector("html[data-ready=yes]", state="attached")
    stopped = page.evaluate(
        """async () => {
            const stopped = [];
            document.addEventListener('securitypolicyviolation',
                (event) => stopped.push(event.effectiveDirective));
            const script = document.createElement('script');
            script.textContent = 'window.pwned = 7';
            document.body.append(script);
            document.body.insertAdjacentHTML('beforeend',
                '<img src="https://example.com/x.png" onerror="window.pwned = 8">');
            document.body.insertAdjacentHTML('beforeend', '<p style="color: red">');
            await fetch('https://example.com/').catch(() => null);
            await new Promise((done) => setTimeout(done, 100));
            return stopped;
        }"""
    )
    expected = ["connect-src", "img-src", "script-src-attr", "script-src-elem", "style-src-attr"]
    assert sorted(set(stopped)) == expected
    assert page.evaluate("window.pwned") is None
    page.close()


def test_too_much_evidence_is_left_out_and_said_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    letters = random.Random(7)
    for day in range(1, 10):
        failed = [
            case("fail", id=f"a/b::c[{n}]", message="".join(letters.choices("abcdefgh", k=3000)))
            for n in range(30)
        ]
        document(tmp_path / f"{day}", run(f"{day}", day), driver(), *failed)
    history = merge([tmp_path])
    for size, plan in ((1 << 20, Plan(5, TEXT_LIMIT)), (10_000, Plan(1, 200))):
        monkeypatch.setattr(build, "EVIDENCE_BYTES", size)
        blocks, chosen = build._evidence(history)
        assert chosen == plan
        assert sum(map(len, blocks)) <= size
    assert chosen.left_out(history) == [
        "240 older ways in which cases did not pass",
        "of each message, stack and output, all but 200 characters",
    ]
