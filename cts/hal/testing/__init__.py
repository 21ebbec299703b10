"""Devices for tests: whatever a driver can do wrong, on demand."""

from .mock_device import MockDevice

__all__ = ["MockDevice"]
