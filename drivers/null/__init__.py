"""The template that a new driver is copied from: the core slots, and nothing underneath."""

from .driver import NullDriver

__all__ = ["NullDriver"]
