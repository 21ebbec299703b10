"""Executables: a module of device code, with what its entry points take."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cts.hal import EntryPoint, HalError, StatusCode

from .._common.archive import Format
from .._common.arguments import as_bytes, refusal
from .._common.executable import CheckedExecutable
from .archive import Archive, unpack
from .facts import Counts
from .handles import Handle
from .queue import Queue, end_after

if TYPE_CHECKING:
    from .device import StreamDevice


class StreamExecutable(CheckedExecutable):
    """A module, loaded on one device.

    Attributes
    ----------
    context : what it is loaded in.
    uses : the number of the last submission that runs it, on each queue.
    """

    def __init__(self, device: StreamDevice, format: str, data: bytes) -> None:
        operation = "Device.create_executable"
        known = device.executable_format
        if format != known.name:
            raise HalError(
                StatusCode.NOT_FOUND, operation, f"format is {format!r}: there is {known.name!r}"
            )
        archive = _archive(operation, known, as_bytes(operation, "data", data))
        _check_fits(operation, archive, device.context.facts.max_workgroup_size)
        points = [EntryPoint(p.name, p.constants, p.bindings) for p in archive.entry_points]
        super().__init__(device, points)
        self.uses: dict[Queue, int] = {}
        self._sizes = [point.workgroup for point in archive.entry_points]
        self.context = context = device.context
        with context.lock, context.native(operation):
            self._module = context.calls.load(archive.image)
            try:
                self._functions = [
                    context.calls.function(self._module, point.name)
                    for point in archive.entry_points
                ]
            except BaseException:
                context.calls.unload(self._module)
                raise

    def function(self, place: int) -> Handle:
        """An entry point, as the vendor's calls name it."""
        return self._functions[place]

    def workgroup(self, place: int) -> Counts:
        """How many threads a workgroup of it has."""
        size: Counts = self._sizes[place]
        return size

    def _free(self) -> None:
        with self.context.lock:
            end_after(self.uses, self._unload)

    def _unload(self) -> None:
        with self.context.ending() as is_there:
            if is_there:
                self.context.calls.unload(self._module)


def _archive(operation: str, format: Format, data: bytes) -> Archive:
    try:
        return unpack(format, data)
    except ValueError as error:
        raise refusal(operation, f"data is no {format.name} executable: {error}") from error


def _check_fits(operation: str, archive: Archive, most: int) -> None:
    """Raises INCOMPATIBLE for workgroups that are larger than the device's."""
    for point in archive.entry_points:
        x, y, z = point.workgroup
        if x * y * z > most:
            raise HalError(
                StatusCode.INCOMPATIBLE,
                operation,
                f"a workgroup of {point.name!r} has {x * y * z} threads: the device has {most}",
            )
