"""Command buffers over IREE's.

IREE's function that makes a reusable command buffer starts its recording too. So a command buffer
is first a blank one that was never begun, and IREE refuses everything but `begin` on it; `begin`
puts a recording one in its place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cts.hal import BindingSlot, Buffer, CommandBuffer

from .arguments import as_object, as_pattern, as_size, as_vm_buffer
from .memory import IreeBuffer
from .native import NativeObject, call, runtime

if TYPE_CHECKING:
    from .device import IreeDevice

# iree_hal_command_buffer_mode_bits_t and iree_hal_command_category_bits_t
MODE_REUSABLE = 0
CATEGORY_ANY = 3
ANY_QUEUE = -1
NO_FLAGS = 0
DIRECT_BUFFER = 0  # the slot of a binding table, where none is used

# iree_hal_execution_stage_bits_t
STAGES_BEFORE = 4 | 8 | 16  # dispatch, transfer, retire
STAGES_AFTER = 1 | 4 | 8  # issue, dispatch, transfer


class IreeCommandBuffer(NativeObject, CommandBuffer):
    """One of IREE's command buffers; it keeps its buffers alive by itself."""

    def __init__(self, device: IreeDevice) -> None:
        blank = call(
            "Device.create_command_buffer",
            runtime().HalCommandBuffer,
            device.native,
            begin=False,
        )
        super().__init__(device)
        self._hal = device.hal
        self._begun = False
        self._own(blank)

    def begin(self) -> None:
        operation = "CommandBuffer.begin"
        if self._begun:  # for IREE to refuse
            call(operation, self.native.begin)
            return
        made = self._hal.invoke(
            operation,
            "command_buffer.create",
            self._hal.device,
            *(MODE_REUSABLE, CATEGORY_ANY, ANY_QUEUE, 0),
        )
        self._native = call(operation, made.deref, runtime().HalCommandBuffer)
        self._begun = True

    def end(self) -> None:
        self._record("end", "finalize")

    def fill(self, target: Buffer | BindingSlot, offset: int, length: int, pattern: bytes) -> None:
        operation = "CommandBuffer.fill"
        word, width = as_pattern(operation, pattern)
        self._record(
            "fill",
            "fill_buffer",
            as_object(operation, "target", target, IreeBuffer).native,
            as_size(operation, "offset", offset),
            as_size(operation, "length", length),
            *(DIRECT_BUFFER, word, width, NO_FLAGS),
        )

    def update(self, data: bytes, target: Buffer | BindingSlot, offset: int) -> None:
        operation = "CommandBuffer.update"
        source, length = as_vm_buffer(operation, data)
        self._record(
            "update",
            "update_buffer",
            *(source, 0),
            as_object(operation, "target", target, IreeBuffer).native,
            *(as_size(operation, "offset", offset), length, DIRECT_BUFFER, NO_FLAGS),
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
            "copy_buffer",
            *(DIRECT_BUFFER, DIRECT_BUFFER),
            as_object(operation, "source", source, IreeBuffer).native,
            as_size(operation, "source offset", source_offset),
            as_object(operation, "target", target, IreeBuffer).native,
            as_size(operation, "target offset", target_offset),
            *(as_size(operation, "length", length), NO_FLAGS),
        )

    def barrier(self) -> None:
        self._record("barrier", "execution_barrier", STAGES_BEFORE, STAGES_AFTER, NO_FLAGS)

    def _record(self, name: str, function: str, *args: Any) -> None:
        self._hal.invoke(f"CommandBuffer.{name}", f"command_buffer.{function}", self.native, *args)
