"""Text from results, which may be anybody's, made harmless for where it is shown."""

from __future__ import annotations

import re

_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff"
    "\ufeff\ufff9-\uffff]"
)
_COMMAND = re.compile(r"^\s*:(?=:)|#(?=#\[)")


def visible(text: str) -> str:
    """Control characters, and those that hide or turn text around, by their numbers."""
    return _HIDDEN.sub(lambda match: f"⟨U+{ord(match[0]):04X}⟩", text)


def one_line(text: str, limit: int) -> str:
    """The start of a text, on one line of at most so many characters."""
    line = " ".join(visible(text).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def inert(line: str) -> str:
    """A line of a job's log in which no command for the machine that runs the job begins: GitHub's
    are ``::name::`` after any blanks, and ``##[name]`` anywhere."""
    return _COMMAND.sub(lambda match: f"{match[0]} ", line)


def code_span(text: str) -> str:
    """A text as Markdown's code, whatever backticks are in it."""
    runs = re.findall("`+", text)
    fence = "`" * (max(map(len, runs), default=0) + 1)
    return f"{fence} {text} {fence}" if runs else f"`{text}`"


def code_cell(text: str) -> str:
    """The same in a table, whose cells end at a bar."""
    return code_span(text.replace("|", "¦")) if text else ""


def natural(text: str) -> str:
    """A key that sorts numbers by what they are worth."""
    return re.sub(r"\d+", lambda digits: digits[0].zfill(12), text)
