"""Command buffers over IREE's.

IREE's function that makes a reusable command buffer starts its recording too. So a command buffer
is first a blank one that was never begun, and IREE refuses everything but `begin` on it; `begin`
puts a recording one in its place.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from cts.hal import BindingSlot, Buffer, BufferRange, CommandBuffer, Executable, Workgroups

from .arguments import as_pattern, as_size, as_vm_buffer
from .binding import as_place
from .executable import ANY_QUEUE, NO_FLAGS, record_dispatch
from .native import NativeObject, call, forgetting_natives, runtime

if TYPE_CHECKING:
    from .device import IreeDevice
    from .hal_module import HalModule

# iree_hal_command_buffer_mode_bits_t and iree_hal_command_category_bits_t
MODE_REUSABLE = 0
CATEGORY_ANY = 3
MODE_ONE_SHOT = 1

# iree_hal_execution_stage_bits_t
STAGES_BEFORE = 4 | 8 | 16  # dispatch, transfer, retire
STAGES_AFTER = 1 | 4 | 8  # issue, dispatch, transfer


def create_native(operation: str, hal: HalModule, mode: int, binding_capacity: int = 0) -> Any:
    """One of IREE's command buffers, recording."""
    made = hal.invoke(
        operation,
        "command_buffer.create",
        hal.device,
        *(mode, CATEGORY_ANY, ANY_QUEUE, binding_capacity),
    )
    return call(operation, made.deref, runtime().HalCommandBuffer)


@forgetting_natives
class IreeCommandBuffer(NativeObject, CommandBuffer):
    """One of IREE's command buffers; it keeps its buffers alive by itself."""

    def __init__(self, device: IreeDevice, binding_capacity: int) -> None:
        blank = call(
            "Device.create_command_buffer",
            runtime().HalCommandBuffer,
            device.native,
            begin=False,
        )
        super().__init__(device)
        self._hal = device.hal
        self._binding_capacity = binding_capacity
        self._begun = False
        self._own(blank)

    def begin(self) -> None:
        operation = "CommandBuffer.begin"
        if self._begun:  # for IREE to refuse
            call(operation, self.native.begin)
            return
        self._native = create_native(operation, self._hal, MODE_REUSABLE, self._binding_capacity)
        self._begun = True

    def end(self) -> None:
        self._record("end", "command_buffer.finalize")

    def fill(self, target: Buffer | BindingSlot, offset: int, length: int, pattern: bytes) -> None:
        operation = "CommandBuffer.fill"
        word, width = as_pattern(operation, pattern)
        self._record(
            "fill",
            "fill",
            *as_place(operation, "target", target, self.native),
            as_size(operation, "offset", offset),
            as_size(operation, "length", length),
            *(word, width, NO_FLAGS),
        )

    def update(self, data: bytes, target: Buffer | BindingSlot, offset: int) -> None:
        operation = "CommandBuffer.update"
        source, length = as_vm_buffer(operation, data)
        self._record(
            "update",
            "update",
            *(source, 0),
            *as_place(operation, "target", target, self.native),
            *(as_size(operation, "offset", offset), length, NO_FLAGS),
        )

    def copy(
        self,
        source: Buffer | BindingSlot,
        source_offset: int,
        target: Buffer | BindingSlot,
        target_offset: int,
        length: int,
    ) -> None:
        operation = "CommandBuffer.copy"
        self._record(
            "copy",
            "copy",
            *as_place(operation, "source", source, self.native),
            as_size(operation, "source offset", source_offset),
            *as_place(operation, "target", target, self.native),
            as_size(operation, "target offset", target_offset),
            *(as_size(operation, "length", length), NO_FLAGS),
        )

    def dispatch(
        self,
        executable: Executable,
        entry_point: int,
        workgroups: Workgroups,
        bindings: Sequence[BufferRange] = (),
        constants: bytes = b"",
    ) -> None:
        what = executable, entry_point, workgroups, bindings, constants
        record_dispatch("CommandBuffer.dispatch", self._hal, self.native, *what)

    def barrier(self) -> None:
        self._record(
            "barrier", "command_buffer.execution_barrier", STAGES_BEFORE, STAGES_AFTER, NO_FLAGS
        )

    def _record(self, name: str, function: str, *args: Any) -> None:
        self._hal.invoke(f"CommandBuffer.{name}", function, self.native, *args)
