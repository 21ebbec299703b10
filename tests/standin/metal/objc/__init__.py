"""A stand-in for PyObjC's `objc`, as far as the driver uses it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def autorelease_pool() -> Iterator[None]:
    """A block at whose end Objective-C frees what was made in it; Python does it by itself."""
    yield
