"""Text from results, made harmless."""

from __future__ import annotations

import pytest
from markdown_it import MarkdownIt

from reports.text import code_cell, code_span, inert, one_line, visible

from . import hostile_texts


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\tb\nc", "a\tb\nc"),
        ("\x1b[31m", "⟨U+001B⟩[31m"),
        ("\x00\x7f\x9f", "⟨U+0000⟩⟨U+007F⟩⟨U+009F⟩"),
        ("\u202eevil", "⟨U+202E⟩evil"),
        ("\ud800", "⟨U+D800⟩"),
        ("é 語 😀", "é 語 😀"),
    ],
)
def test_what_hides_is_shown_by_its_number(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_a_line_is_one_line_and_not_too_long() -> None:
    assert one_line(" a\n\t b ", 10) == "a b"
    assert one_line("x" * 10, 10) == "x" * 10
    assert one_line("x" * 11, 10) == "x" * 9 + "…"
    for text in hostile_texts.TEXTS:
        assert len(one_line(text, 100).splitlines()) <= 1


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("a::error::b", "a::error::b"),
        ("::error::a", ": :error::a"),
        (" \t:::error::a", " \t: ::error::a"),
        ("\n::error::a", "\n: :error::a"),
        ("a ##[error]b ###[c]", "a # #[error]b ## #[c]"),
        ("## [a] #[b]", "## [a] #[b]"),
    ],
)
def test_no_command_begins_in_a_line(line: str, shown: str) -> None:
    assert inert(line) == shown


@pytest.mark.parametrize("text", ["a", "`", "``a`", "a`b``c", "*x*", "<b>", "[a](b)"])
def test_code_is_code_whatever_is_in_it(text: str) -> None:
    for rendered in (code_span(text), code_cell(text)):
        (inline,) = (t for t in MarkdownIt().parse(rendered) if t.type == "inline")
        assert [(child.type, child.content) for child in inline.children or ()] == [
            ("code_inline", text)
        ]


def test_a_bar_does_not_end_a_cell() -> None:
    assert code_cell("a|b") == "`a¦b`"
    assert code_cell("") == ""
