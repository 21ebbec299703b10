"""What a call of Metal's has made: it answers nil where it has made nothing."""

from __future__ import annotations

from typing import Any

from .._stream.calls import NativeError
from .codes import NIL, name_of


def made(call: str, answer: Any) -> Any:
    """The answer. Raises where it is nil."""
    if answer is None:
        raise failure(call, NIL)
    return answer


def failure(call: str, code: int, detail: str = "") -> NativeError:
    """A failure of that code, by its name."""
    name = name_of(code)
    return NativeError(call, code, f"{name}: {detail}" if detail else name)
