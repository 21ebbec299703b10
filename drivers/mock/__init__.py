"""Devices that do what a test tells them to: `cts.hal.testing.MockDevice` as a driver."""

from .driver import MockDriver

__all__ = ["MockDriver"]
