"""Executables: device code for host memory is Python over numpy views.

Python, and no shared library: it needs no compiler where the suite runs, and what is tested of
these drivers is how they dispatch, not how fast they compute. The bytes are a header, a digest of
the rest, and the source of a module with a list `ENTRY_POINTS` of (name, constants, bindings,
function).
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable
from functools import cache
from importlib import resources
from typing import Any

from cts.hal import Device, EntryPoint, HalError, StatusCode

from .._common.arguments import as_bytes, refusal
from .._common.executable import CheckedExecutable

FORMAT = "hal-cts-python"
_MAGIC = b"HALPY\x00\x01\x00"
_HEADER = struct.Struct("<8sQ32s")
"""Magic, the length of the source, its SHA-256."""

Kernel = Callable[..., None]


class HostExecutable(CheckedExecutable):
    """Functions of a module that was compiled from an executable's bytes.

    Attributes
    ----------
    functions : one for each entry point, by its place.
    """

    def __init__(self, device: Device, format: str, data: bytes) -> None:
        operation = "Device.create_executable"
        if format != FORMAT:
            raise HalError(
                StatusCode.NOT_FOUND, operation, f"format is {format!r}: there is {FORMAT!r}"
            )
        listed = _entry_points(operation, _unpacked(operation, as_bytes(operation, "data", data)))
        super().__init__(device, [EntryPoint(*entry[:3]) for entry in listed])
        self.functions: list[Kernel] = [entry[3] for entry in listed]


@cache
def conformance_executable() -> bytes:
    """The suite's kernels."""
    source = (resources.files(__package__) / "kernels.py").read_bytes()
    return _HEADER.pack(_MAGIC, len(source), hashlib.sha256(source).digest()) + source


def _unpacked(operation: str, data: bytes) -> bytes:
    """The source in an executable's bytes. Raises INVALID_ARGUMENT for what is none, or damaged."""
    if len(data) < _HEADER.size or not data.startswith(_MAGIC):
        raise refusal(operation, f"data has {len(data)} bytes: they are no {FORMAT} executable")
    _, length, digest = _HEADER.unpack_from(data)
    source = data[_HEADER.size :]
    if len(source) != length or hashlib.sha256(source).digest() != digest:
        raise refusal(
            operation, f"data is damaged: {len(source)} bytes of {length} after its header"
        )
    return source


def _entry_points(operation: str, source: bytes) -> list[tuple[str, int, int, Kernel]]:
    module: dict[str, Any] = {"__name__": "executable"}
    try:
        exec(compile(source, "<executable>", "exec"), module)
        return list(module["ENTRY_POINTS"])
    except Exception as error:  # whatever the code does
        raise refusal(operation, f"the code cannot be loaded: {error!r}") from error
