"""A device of one of IREE's drivers.

Its work slots are IREE's. Of the core slots its C reports empty capabilities and leaves edges as
they are; the wheel has no function for these, nor for topology, so that the adapter answers them.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from cts.hal import (
    Buffer,
    CommandBuffer,
    Device,
    DeviceCapabilities,
    DeviceTopologyInfo,
    Edge,
    HalError,
    SemaphoreList,
    StatusCode,
    TopologyAssignment,
    slot,
)
from cts.hal.semaphore import DEFAULT_WAIT_TIMEOUT

from .arguments import as_int, as_object, as_pattern, as_size, as_vm_buffer
from .command_buffer import ANY_QUEUE, NO_FLAGS, IreeCommandBuffer
from .hal_module import HalModule
from .memory import IreeAllocator, IreeBuffer
from .native import abandon_in_forked_child, call, runtime
from .semaphore import IreeSemaphore

Timepoints = Sequence[tuple[IreeSemaphore, int]]


class IreeDevice(Device):
    """One of IREE's devices.

    Attributes
    ----------
    native : IREE's object.
    hal : the functions that the binding's classes lack.
    """

    def __init__(self, driver_name: str, identifier: str, native: Any) -> None:
        self.hal = HalModule(native)
        super().__init__()
        self.driver_name = driver_name
        self._native = native
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
    def create_command_buffer(self) -> IreeCommandBuffer:
        return IreeCommandBuffer(self)

    @slot()
    def queue_execute(
        self,
        command_buffer: CommandBuffer,
        *,
        wait: SemaphoreList = (),
        signal: SemaphoreList = (),
    ) -> None:
        operation = "Device.queue_execute"
        commands = as_object(operation, "command_buffer", command_buffer, IreeCommandBuffer)
        self._submit("execute", wait, signal, commands.native)

    # -- submission -------------------------------------------------------------------

    def _submit(self, name: str, wait: SemaphoreList, signal: SemaphoreList, *args: Any) -> None:
        operation = f"Device.queue_{name}"
        waits = _timepoints(operation, "wait", wait)
        signals = _timepoints(operation, "signal", signal)
        wait_fence, signal_fence = _fence(operation, waits), _fence(operation, signals)
        with self.retain():  # another thread may drop the last reference meanwhile
            _bound_waits(operation, waits, signals)
            self.hal.invoke(
                operation,
                f"device.queue.{name}",
                *(self.hal.device, ANY_QUEUE, wait_fence, signal_fence),
                *args,
                NO_FLAGS,
            )

    def _destroy(self) -> None:
        self.hal.close()
        del self._native


def _timepoints(operation: str, name: str, semaphores: SemaphoreList) -> Timepoints:
    try:
        return [
            (as_object(operation, name, semaphore, IreeSemaphore), as_int(operation, name, value))
            for semaphore, value in semaphores
        ]
    except (TypeError, ValueError):
        raise HalError(
            StatusCode.INVALID_ARGUMENT,
            operation,
            f"{name} is {semaphores!r}: it is a list of (semaphore, value)",
        ) from None


def _fence(operation: str, timepoints: Timepoints) -> Any:
    fence = runtime().HalFence(max(len(timepoints), 1))
    for semaphore, value in timepoints:
        call(operation, fence.insert, semaphore.native, value)
    return fence


def _bound_waits(operation: str, waits: Timepoints, signals: Timepoints) -> None:
    """Waits for what a synchronous queue would wait for in C with no end.

    Raises DEADLINE_EXCEEDED, and fails the signals with it, when the time is over. A failed wait is
    for IREE's queue to meet: this returns.
    """
    deadline = time.monotonic() + DEFAULT_WAIT_TIMEOUT
    for semaphore, value in waits:
        try:
            reached = semaphore.wait_in_slices(operation, value, deadline - time.monotonic())
        except HalError:  # the queue waits for the same and is told the same
            return
        if not reached:
            for signalled, _ in signals:
                signalled.fail(StatusCode.DEADLINE_EXCEEDED)
            raise HalError(
                StatusCode.DEADLINE_EXCEEDED,
                operation,
                f"a wait for {value} was not reached within {DEFAULT_WAIT_TIMEOUT:g} s",
            )
