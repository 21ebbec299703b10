"""JSON of whatever a driver says, text among it that is no Unicode."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec


def encoded(value: object, hook: Callable[[Any], Any] | None = None) -> bytes:
    """A value as JSON; half of a surrogate pair, which is no character, by its number.

    `hook` turns what JSON has no form for into something that it has.
    """
    try:
        return msgspec.json.encode(value, enc_hook=hook)
    except UnicodeEncodeError:
        return msgspec.json.encode(_printable(msgspec.to_builtins(value, enc_hook=hook)))


def printable(text: str) -> str:
    """A text in which half of a surrogate pair is shown by its number."""
    return text.encode("utf-8", "backslashreplace").decode()


def _printable(plain: Any) -> Any:
    if isinstance(plain, str):
        return printable(plain)
    if isinstance(plain, dict):
        return {_printable(key): _printable(value) for key, value in plain.items()}
    if isinstance(plain, list | tuple):
        return [_printable(part) for part in plain]
    return plain
