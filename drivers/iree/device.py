"""A device of one of IREE's drivers.

Its work slots are IREE's. Of the core slots its C reports empty capabilities and leaves edges as
they are; the wheel has no function for these, nor for topology, so that the adapter answers them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cts.hal import (
    Buffer,
    BufferRange,
    CommandBuffer,
    Device,
    DeviceCapabilities,
    DeviceTopologyInfo,
    Edge,
    Executable,
    HalError,
    SemaphoreList,
    StatusCode,
    TopologyAssignment,
    Workgroups,
    slot,
)
from cts.hal.memory import DEFAULT_MEMORY_TYPE, DEFAULT_USAGE

from .arguments import (
    as_int,
    as_memory_type,
    as_object,
    as_pattern,
    as_size,
    as_usage,
    as_vm_buffer,
)
from .binding import as_table
from .command_buffer import MODE_ONE_SHOT, IreeCommandBuffer, create_native
from .compiled.calls import execute_name
from .executable import ANY_QUEUE, NO_FLAGS, IreeExecutable, record_dispatch
from .hal_module import HalModule
from .memory import IreeAllocator, IreeBuffer
from .native import (
    MAX_U64,
    abandon_in_forked_child,
    call,
    forgetting_natives,
    keep_forever,
    runtime,
)
from .pending import PENDING
from .semaphore import IreeSemaphore, fail_native
from .submission import (
    as_timepoints,
    bound_waits,
    meet_deferred,
    pending_points,
    signal_fence,
    wait_fence,
)

DEFAULT_POOL = 0
EXECUTE = "device.queue.execute"
"""What carries out a command buffer without a binding table."""


@forgetting_natives
class IreeDevice(Device):
    """One of IREE's devices.

    Parameters
    ----------
    async_queue : whether its queue takes what it cannot carry out yet.

    Attributes
    ----------
    native : IREE's object.
    hal : the functions that the binding's classes lack.
    """

    def __init__(
        self, driver_name: str, identifier: str, native: Any, *, async_queue: bool
    ) -> None:
        self.hal = HalModule(native)
        super().__init__()
        self.driver_name = driver_name
        self._native = native
        self._async_queue = async_queue
        self._identifier = identifier
        self._topology = TopologyAssignment(self)
        self._allocator = IreeAllocator(self)
        abandon_in_forked_child(self)
        abandon_in_forked_child(self.hal)

    @property
    def native(self) -> Any:
        return self._native

    # -- core -------------------------------------------------------------------------

    @property
    @slot()
    def identifier(self) -> str:
        return self._identifier

    @slot(answered_by="adapter")
    def query_capabilities(self) -> DeviceCapabilities:
        return DeviceCapabilities()

    @property
    @slot(answered_by="adapter")
    def topology_info(self) -> DeviceTopologyInfo | None:
        return self._topology.info

    @slot(answered_by="adapter")
    def assign_topology_info(self, info: DeviceTopologyInfo | None) -> None:
        self._topology.assign(info)

    @slot(answered_by="adapter")
    def refine_topology_edge(self, dst: Device, edge: Edge) -> Edge:
        return edge

    # -- work -------------------------------------------------------------------------

    @property
    @slot()
    def allocator(self) -> IreeAllocator:
        return self._allocator

    @slot()
    def create_semaphore(self, initial_value: int = 0) -> IreeSemaphore:
        return IreeSemaphore(self, initial_value)

    @slot()
    def queue_fill(
        self,
        target: Buffer,
        offset: int,
        length: int,
        pattern: bytes,
        *,
        wait: SemaphoreList = (),
        signal: SemaphoreList = (),
    ) -> None:
        operation = "Device.queue_fill"
        word, width = as_pattern(operation, pattern)
        self._submit(
            "fill",
            wait,
            signal,
            as_object(operation, "target", target, IreeBuffer).native,
            as_size(operation, "offset", offset),
            as_size(operation, "length", length),
            *(word, width),
        )

    @slot()
    def queue_update(
        self,
        data: bytes,
        target: Buffer,
        offset: int,
        *,
        wait: SemaphoreList = (),
        signal: SemaphoreList = (),
    ) -> None:
        operation = "Device.queue_update"
        source, length = as_vm_buffer(operation, data)
        self._submit(
            "update",
            wait,
            signal,
            *(source, 0),
            as_object(operation, "target", target, IreeBuffer).native,
            *(as_size(operation, "offset", offset), length),
        )

    @slot()
    def queue_copy(
        self,
        source: Buffer,
        source_offset: int,
        target: Buffer,
        target_offset: int,
        length: int,
        *,
        wait: SemaphoreList = (),
        signal: SemaphoreList = (),
    ) -> None:
        operation = "Device.queue_copy"
        self._submit(
            "copy",
            wait,
            signal,
            as_object(operation, "source", source, IreeBuffer).native,
            as_size(operation, "source offset", source_offset),
            as_object(operation, "target", target, IreeBuffer).native,
            as_size(operation, "target offset", target_offset),
            as_size(operation, "length", length),
        )

    @slot()
    def queue_barrier(self, *, wait: SemaphoreList = (), signal: SemaphoreList = ()) -> None:
        self._submit("barrier", wait, signal)

    @slot()
    def create_command_buffer(self, binding_capacity: int = 0) -> IreeCommandBuffer:
        capacity = as_size("Device.create_command_buffer", "binding_capacity", binding_capacity)
        return IreeCommandBuffer(self, capacity)

    @slot()
    def queue_execute(
        self,
        command_buffer: CommandBuffer,
        bindings: Sequence[BufferRange] = (),
        *,
        wait: SemaphoreList = (),
        signal: SemaphoreList = (),
    ) -> None:
        operation = "Device.queue_execute"
        commands = as_object(operation, "command_buffer", command_buffer, IreeCommandBuffer)
        table = as_table(operation, bindings)
        function = execute_name(len(bindings)) if bindings else EXECUTE
        self._submit("execute", wait, signal, commands.native, *table, function=function)

    # -- optional ---------------------------------------------------------------------

    @slot()
    def queue_alloca(
        self, size: int, *, wait: SemaphoreList = (), signal: SemaphoreList = ()
    ) -> IreeBuffer:
        operation = "Device.queue_alloca"
        kind = as_memory_type(operation, DEFAULT_MEMORY_TYPE), as_usage(operation, DEFAULT_USAGE)
        size = as_int(operation, "size", size)
        if not 0 <= size < MAX_U64:  # which the VM's 64 bits cannot tell from others
            code = StatusCode.INVALID_ARGUMENT if size < 0 else StatusCode.RESOURCE_EXHAUSTED
            raise HalError(code, operation, f"size is {size}: IREE takes 0 to {MAX_U64 - 1}")
        made = self._submit("alloca", wait, signal, DEFAULT_POOL, *kind, size)
        return IreeBuffer(self, call(operation, made.deref, runtime().HalBuffer))

    @slot()
    def queue_dealloca(
        self, buffer: Buffer, *, wait: SemaphoreList = (), signal: SemaphoreList = ()
    ) -> None:
        known = as_object("Device.queue_dealloca", "buffer", buffer, IreeBuffer)
        self._submit("dealloca", wait, signal, known.native)

    @slot()
    def create_executable(self, format: str, data: bytes) -> IreeExecutable:
        return IreeExecutable(self, format, data)

    @slot(answered_by="adapter")
    def queue_dispatch(
        self,
        executable: Executable,
        entry_point: int,
        workgroups: Workgroups,
        bindings: Sequence[BufferRange] = (),
        constants: bytes = b"",
        *,
        wait: SemaphoreList = (),
        signal: SemaphoreList = (),
    ) -> None:
        # IREE's own is not to be reached: a command buffer with this one dispatch stands for it.
        operation = "Device.queue_dispatch"
        commands = create_native(operation, self.hal, MODE_ONE_SHOT)
        what = executable, entry_point, workgroups, bindings, constants
        record_dispatch(operation, self.hal, commands, *what)
        self.hal.invoke(operation, "command_buffer.finalize", commands)
        self._submit("dispatch", wait, signal, commands, function=EXECUTE)

    @slot()
    def trim(self) -> None:
        call("Device.trim", self.native.allocator.trim)

    @slot()
    def query_i64(self, category: str, key: str) -> int:
        operation = "Device.query_i64"
        names = [as_vm_buffer(operation, name.encode())[0] for name in (category, key)]
        known, value = self.hal.invoke_for_numbers(
            operation, "device.query.i64", self.hal.device, *names
        )
        if not known:
            raise HalError(StatusCode.NOT_FOUND, operation, f"{category!r}, {key!r} is unknown")
        return value

    # -- submission -------------------------------------------------------------------

    def _submit(
        self,
        name: str,
        wait: SemaphoreList,
        signal: SemaphoreList,
        *args: Any,
        function: str | None = None,
    ) -> Any:
        """Calls a queue's function, the one of that name or `function`; its result, if any."""
        operation = f"Device.queue_{name}"
        if self._topology.info is None:  # in IREE it always is in one, of its own
            raise HalError(
                StatusCode.FAILED_PRECONDITION, operation, f"{self._describe()} is in no group"
            )
        waits = as_timepoints(operation, "wait", wait)
        signals = as_timepoints(operation, "signal", signal)
        fences = wait_fence(operation, waits), signal_fence(operation, signals)
        with self.retain():  # another thread may drop the last reference meanwhile
            if self._async_queue:
                meet_deferred(operation, waits, signals)
                pending = pending_points(waits), pending_points(signals)
            else:
                bound_waits(operation, waits, signals)
                meet_deferred(operation, [*waits, *signals], signals)
            made = self.hal.invoke(
                operation,
                function or f"device.queue.{name}",
                *(self.hal.device, ANY_QUEUE, *fences, *args, NO_FLAGS),
            )
            if self._async_queue:
                PENDING.note(self.hal, *pending)
            return made

    def _destroy(self) -> None:
        if self._async_queue and not PENDING.settle(self.hal, self._cancel):
            keep_forever(self._native)
        self.hal.close()
        del self._native

    def _cancel(self, semaphore: Any) -> None:
        fail_native(self.hal, "Device.release", semaphore, StatusCode.CANCELLED)
