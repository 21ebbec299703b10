"""Looks for macOS, PyObjC's binding of Metal, and a device."""

from __future__ import annotations

import importlib
import sys

from .._availability import FindingDriver, has_package


class MetalDriver(FindingDriver):
    """Tells whether there is a Metal device here."""

    name = "metal"

    def missing(self) -> str | None:
        if sys.platform != "darwin":
            return f"no Metal: it is macOS's, and this is {sys.platform}"
        if not has_package("Metal"):
            return "no Python binding of Metal: pip install 'hal-cts[metal]'"
        if importlib.import_module("Metal").MTLCreateSystemDefaultDevice() is None:
            return "no Metal device: macOS finds no GPU here"
        return None
