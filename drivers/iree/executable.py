"""Executables over IREE's, and their dispatch as commands.

What an executable has inside IREE does not tell through the binding, but for the place of an entry
point by its name.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from cts.hal import (
    BufferRange,
    EntryPoint,
    Executable,
    HalError,
    IndirectWorkgroups,
    StatusCode,
    Workgroups,
)

from .arguments import as_bytes, as_int, as_object, as_size, as_vm_buffer
from .binding import as_part, as_place
from .compiled import calls
from .native import NativeObject, forgetting_natives

if TYPE_CHECKING:
    from .device import IreeDevice
    from .hal_module import HalModule

ANY_QUEUE = -1
NO_FLAGS = 0
WORD = 4
"""Bytes of a constant and of a workgroup count."""

ENTRY_POINTS = "Executable.entry_points"


@forgetting_natives
class IreeExecutable(NativeObject, Executable):
    """One of IREE's executables."""

    def __init__(self, device: IreeDevice, format: str, data: bytes) -> None:
        operation = "Device.create_executable"
        hal = device.hal
        name, _ = as_vm_buffer(operation, format.encode())
        code, _ = as_vm_buffer(operation, data)
        no_constants, _ = as_vm_buffer(operation, b"")
        made = hal.invoke(
            operation, "executable.create", hal.device, ANY_QUEUE, name, code, no_constants
        )
        super().__init__(device)
        self._hal = hal
        self._own(made)

    @property
    def entry_points(self) -> Sequence[EntryPoint]:
        raise HalError(
            StatusCode.UNIMPLEMENTED, ENTRY_POINTS, "IREE's binding does not tell entry points"
        )

    def lookup(self, name: str) -> int:
        operation = "Executable.lookup"
        wanted, _ = as_vm_buffer(operation, name.encode())
        found = self._hal.invoke_for_numbers(
            operation, "executable.lookup.function", self.native, wanted
        )
        return found[0]


def record_dispatch(
    operation: str,
    hal: HalModule,
    commands: Any,
    executable: Executable,
    entry_point: int,
    workgroups: Workgroups,
    bindings: Sequence[BufferRange],
    constants: bytes,
) -> None:
    """Records a dispatch in `commands`, a native command buffer."""
    words = _words_of(operation, constants)
    if len(words) not in calls.CONSTANTS or len(bindings) not in calls.BINDINGS:
        raise HalError(
            StatusCode.UNIMPLEMENTED,
            operation,
            f"{len(words)} constants and {len(bindings)} bindings: the adapter's module has no"
            " function for so many",
        )
    grid, indirect = _as_grid(operation, workgroups, commands)
    arguments: list[Any] = [
        as_object(operation, "executable", executable, IreeExecutable).native,
        as_size(operation, "entry point", entry_point),
        *grid,
        NO_FLAGS,
        *words,
    ]
    for number, given in enumerate(bindings):
        name = f"binding {number}"
        arguments += as_place(operation, name, given.buffer, commands)
        arguments += as_part(operation, name, given)
    function = calls.dispatch_name(len(words), len(bindings), indirect=indirect)
    hal.invoke(operation, function, commands, *arguments)


def _as_grid(operation: str, workgroups: Workgroups, stand_in: Any) -> tuple[list[Any], bool]:
    """The arguments that say how many workgroups, and whether they are in a buffer."""
    if isinstance(workgroups, IndirectWorkgroups):
        place = as_place(operation, "workgroups", workgroups.buffer, stand_in)
        return [*place, as_size(operation, "workgroups offset", workgroups.offset)], True
    try:
        counts = [as_int(operation, "workgroups", count) for count in workgroups]
        struct.pack("=3I", *counts)
    except (TypeError, struct.error):
        raise HalError(
            StatusCode.INVALID_ARGUMENT,
            operation,
            f"workgroups are {workgroups!r}: they are three numbers of 32 bits",
        ) from None
    return counts, False


def _words_of(operation: str, constants: bytes) -> list[int]:
    data = as_bytes(operation, "constants", constants)
    if len(data) % WORD:
        raise HalError(
            StatusCode.INVALID_ARGUMENT,
            operation,
            f"constants have {len(data)} bytes: they are words of {WORD}",
        )
    return [word for (word,) in struct.iter_unpack("=i", data)]
