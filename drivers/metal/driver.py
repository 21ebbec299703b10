"""Looks for macOS, PyObjC's binding of Metal, and a device."""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING

from .._availability import has_package
from .._stream.driver import StreamDriver
from . import kernels

if TYPE_CHECKING:
    from .._stream.calls import StreamCalls

BINDING = "Metal"
STAND_IN = "hal_cts_stand_in"
"""What a module of that name has that is one of this project's, and runs on any system."""


class MetalDriver(StreamDriver):
    """Apple's GPUs, and others in Macs."""

    name = "metal"
    executable_format = kernels.FORMAT

    def missing(self) -> str | None:
        if sys.platform != "darwin" and not _is_stand_in_here():
            return f"no Metal: it is macOS's, and this is {sys.platform}"
        if not has_package(BINDING):
            return "no Python binding of Metal: pip install 'hal-cts[metal]'"
        if not importlib.import_module(BINDING).MTLCopyAllDevices():
            return "no Metal device: macOS finds no GPU here"
        return None

    def _kernels(self) -> bytes:
        return kernels.conformance_archive()

    def _trap(self) -> bytes:
        return kernels.trap()

    def _new_calls(self) -> StreamCalls:
        from .calls import MetalCalls

        return MetalCalls()


def _is_stand_in_here() -> bool:
    """Whether there is a module of the binding's name that says that it is a stand-in."""
    try:
        return hasattr(importlib.import_module(BINDING), STAND_IN)
    except ImportError:
        return False
