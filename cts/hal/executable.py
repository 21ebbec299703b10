"""Executables: device code with entry points, and what an entry point is run on."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

from .device_object import DeviceObject
from .memory import Buffer
from .status import HalError, StatusCode


class EntryPoint(NamedTuple):
    """A function of device code."""

    name: str
    constants: int
    """How many words of 4 bytes it takes."""
    bindings: int
    """How many ranges of buffers."""


class BindingSlot(NamedTuple):
    """Stands for a buffer in a command buffer: the range at that place of the binding table that
    an execution brings."""

    number: int


class BufferRange(NamedTuple):
    """Bytes of a buffer that device code works on."""

    buffer: Buffer | BindingSlot
    offset: int = 0
    length: int | None = None
    """To the buffer's end where there is none."""


class IndirectWorkgroups(NamedTuple):
    """Workgroup counts that are read when the dispatch is carried out: three unsigned words of 4
    bytes, in native byte order, at byte `offset`."""

    buffer: Buffer | BindingSlot
    offset: int = 0


Workgroups: TypeAlias = tuple[int, int, int] | IndirectWorkgroups
"""How many workgroups run along x, y and z."""


class Executable(DeviceObject, ABC):
    """Device code that was prepared for its device."""

    @property
    @abstractmethod
    def entry_points(self) -> Sequence[EntryPoint]:
        """Its functions; `Device.queue_dispatch` names one by its place here."""

    def lookup(self, name: str) -> int:
        """The place of an entry point. Raises NOT_FOUND."""
        for place, entry_point in enumerate(self.entry_points):
            if entry_point.name == name:
                return place
        known = [entry_point.name for entry_point in self.entry_points]
        raise HalError(
            StatusCode.NOT_FOUND, "Executable.lookup", f"{name!r} is none of {', '.join(known)}"
        )
