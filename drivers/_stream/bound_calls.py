"""Tables over a vendor's Python binding, whose functions give a tuple that begins with the code."""

from __future__ import annotations

from abc import ABC
from typing import Any, ClassVar

from .calls import NativeError, StreamCalls

NOT_SUPPORTED = 801
"""The code, of both such vendors, of a call that there is not."""


class BoundCalls(StreamCalls, ABC):
    """Calls by name."""

    binding: ClassVar[Any]
    """The vendor's Python module."""
    no_such_call: ClassVar[str]
    """What its RuntimeError says of a function that the library lacks."""

    def call(self, name: str, *arguments: Any) -> Any:
        """One call, and what it gives: nothing, a value, or a tuple of values."""
        try:
            answer = getattr(self.binding, name)(*arguments)
        except RuntimeError as error:
            if self.no_such_call not in str(error):
                raise
            lacking = f"{self.name_of(NOT_SUPPORTED)}: the library has no such call"
            raise NativeError(name, NOT_SUPPORTED, lacking) from error
        code = int(answer[0])
        if code:
            raise NativeError(name, code, self.name_of(code))
        return answer[1] if len(answer) == 2 else answer[1:]
