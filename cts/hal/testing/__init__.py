"""For tests: devices that do wrong, objects of another driver, and a way to see destruction."""

from .destruction import before_destruction
from .mock_device import MockDevice

__all__ = ["MockDevice", "before_destruction"]
