"""Executables: device code for host memory is Python over numpy views.

Python, and no shared library: it needs no compiler where the suite runs, and what is tested of
these drivers is how they dispatch, not how fast they compute. The bytes are a header, a digest of
the rest, and the source of a module with a list `ENTRY_POINTS` of (name, constants, bindings,
function).
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable, Sequence
from functools import cache
from importlib import resources
from typing import Any

from cts.hal import Device, EntryPoint, Executable, HalError, StatusCode

from .arguments import as_bytes, refusal

FORMAT = "hal-cts-python"
_MAGIC = b"HALPY\x00\x01\x00"
_HEADER = struct.Struct("<8sQ32s")
"""Magic, the length of the source, its SHA-256."""

Kernel = Callable[..., None]


class HostExecutable(Executable):
    """Functions of a module that was compiled from an executable's bytes."""

    def __init__(self, device: Device, format: str, data: bytes) -> None:
        operation = "Device.create_executable"
        if format != FORMAT:
            raise HalError(
                StatusCode.NOT_FOUND, operation, f"format is {format!r}: there is {FORMAT!r}"
            )
        listed = _entry_points(operation, _unpacked(operation, as_bytes(operation, "data", data)))
        self._entry_points = [EntryPoint(*entry[:3]) for entry in listed]
        self._functions: list[Kernel] = [entry[3] for entry in listed]
        super().__init__(device)

    @property
    def entry_points(self) -> Sequence[EntryPoint]:
        return tuple(self._entry_points)

    def function(self, operation: str, entry_point: int) -> tuple[EntryPoint, Kernel]:
        """An entry point by its place. Raises OUT_OF_RANGE."""
        count = len(self._functions)
        if not 0 <= entry_point < count:
            raise HalError(
                StatusCode.OUT_OF_RANGE,
                operation,
                f"entry_point is {entry_point}: the executable has {count}",
            )
        return self._entry_points[entry_point], self._functions[entry_point]


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
