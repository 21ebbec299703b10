"""The device: slots that check what they are given before anything is done."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Generic, TypeVar

from cts.hal import (
    Buffer,
    BufferRange,
    CommandBuffer,
    Device,
    DeviceObject,
    DeviceTopologyInfo,
    Edge,
    Executable,
    HalError,
    Semaphore,
    SemaphoreList,
    StatusCode,
    TopologyAssignment,
    Workgroups,
    slot,
)

from .arguments import as_int, as_object, refusal
from .binding_table import as_table
from .command_buffer import CheckedCommandBuffer
from .loss import Loss
from .operation import Operation
from .timepoints import CheckedSemaphore, as_timepoints, check_signals
from .transient import QueueAllocated, as_queue_allocated
from .work import Work, WorkMaker

W = TypeVar("W", bound=Work)
S = TypeVar("S", bound=CheckedSemaphore)

USES_OF_A_SEMAPHORE = frozenset({"host_wait", "host_signal", "device_wait", "device_signal"})
"""What there is to do with one."""


class QueueDevice(Device, Generic[W, S]):
    """A device that takes its queue's operations as checked work.

    Attributes
    ----------
    domain : names those whose objects can be used here: all devices of equal domains.
    loss : whether it is lost.
    """

    _semaphores: ClassVar[type[CheckedSemaphore]]
    _command_buffers: ClassVar[type[CheckedCommandBuffer[Any]]]
    _readable_when_sealed = Device._readable_when_sealed | {"domain", "loss"}

    def __init__(self, identifier: str, domain: str, maker: WorkMaker[W]) -> None:
        super().__init__()
        self._identifier = identifier
        self.domain = domain
        self.loss = Loss(identifier)
        self._maker = maker
        self._topology = TopologyAssignment(self)

    @abstractmethod
    def _submit(self, operation: Operation[W, S]) -> None:
        """Carries it out, or sees to it that it is."""

    @abstractmethod
    def _host_call(self, operation: str, function: Callable[[], None]) -> W:
        """Work that calls a function on the host."""

    @abstractmethod
    def _on_host(self, buffer: QueueAllocated, function: Callable[[], None]) -> W:
        """Work on a buffer's memory that the host does in the order of the queue."""

    @abstractmethod
    def _transient(self, operation: str, size: int) -> QueueAllocated:
        """A buffer whose memory is still to come. Raises RESOURCE_EXHAUSTED for too large a one."""

    # -- core -------------------------------------------------------------------------

    @property
    @slot()
    def identifier(self) -> str:
        return self._identifier

    @property
    @slot()
    def topology_info(self) -> DeviceTopologyInfo | None:
        return self._topology.info

    @slot()
    def assign_topology_info(self, info: DeviceTopologyInfo | None) -> None:
        self._topology.assign(info)

    @slot()
    def refine_topology_edge(self, dst: Device, edge: Edge) -> Edge:
        return edge

    # -- work -------------------------------------------------------------------------

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
        operation = self._queue_operation("queue_fill")
        work = self._maker.fill(operation, target, offset, length, pattern)
        self._queue(operation, [work], work.used, wait, signal)

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
        operation = self._queue_operation("queue_update")
        work = self._maker.update(operation, data, target, offset)
        self._queue(operation, [work], work.used, wait, signal)

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
        operation = self._queue_operation("queue_copy")
        ranges = (source, source_offset, target, target_offset, length)
        work = self._maker.copy(operation, *ranges)
        self._queue(operation, [work], work.used, wait, signal)

    @slot()
    def queue_barrier(self, *, wait: SemaphoreList = (), signal: SemaphoreList = ()) -> None:
        self._queue(self._queue_operation("queue_barrier"), (), (), wait, signal)

    @slot()
    def queue_execute(
        self,
        command_buffer: CommandBuffer,
        bindings: Sequence[BufferRange] = (),
        *,
        wait: SemaphoreList = (),
        signal: SemaphoreList = (),
    ) -> None:
        operation = self._queue_operation("queue_execute")
        kind = self._command_buffers
        commands = as_object(operation, "command_buffer", command_buffer, kind, self.domain)
        work = self._execution(operation, commands, bindings)
        of_table = [thing for part in work for thing in part.used] if bindings else []
        self._queue(operation, work, [commands, *of_table], wait, signal)

    def _execution(
        self, operation: str, commands: CheckedCommandBuffer[W], bindings: Sequence[BufferRange]
    ) -> Sequence[W]:
        """The work of a command buffer over the buffers of a table."""
        return commands.recorded(operation, as_table(operation, bindings))

    # -- optional ---------------------------------------------------------------------

    @slot()
    def queue_alloca(
        self, size: int, *, wait: SemaphoreList = (), signal: SemaphoreList = ()
    ) -> QueueAllocated:
        operation = self._queue_operation("queue_alloca")
        size = as_int(operation, "size", size)
        if size < 0:
            raise refusal(operation, f"size is {size}: it is at least 0")
        buffer = self._transient(operation, size)
        try:
            work = self._on_host(buffer, buffer.commit)
            self._queue(operation, [work], work.used, wait, signal)
        except BaseException:
            buffer.release()
            raise
        return buffer

    @slot()
    def queue_dealloca(
        self, buffer: Buffer, *, wait: SemaphoreList = (), signal: SemaphoreList = ()
    ) -> None:
        operation = self._queue_operation("queue_dealloca")
        known = as_queue_allocated(operation, buffer, self._maker.buffers, self.domain)
        work = self._on_host(known, known.decommit)
        self._queue(operation, [work], work.used, wait, signal)

    @slot()
    def queue_host_call(
        self,
        function: Callable[[], None],
        *,
        wait: SemaphoreList = (),
        signal: SemaphoreList = (),
    ) -> None:
        operation = self._queue_operation("queue_host_call")
        if not callable(function):
            raise refusal(operation, f"function is {function!r}: it can be called")
        self._queue(operation, [self._host_call(operation, function)], [], wait, signal)

    @slot()
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
        operation = self._queue_operation("queue_dispatch")
        arguments = (executable, entry_point, workgroups, bindings, constants)
        work = self._maker.dispatch(operation, *arguments)
        self._queue(operation, [work], work.used, wait, signal)

    @slot()
    def query_semaphore_compatibility(self, semaphore: Semaphore) -> frozenset[str]:
        operation = "Device.query_semaphore_compatibility"
        if not isinstance(semaphore, Semaphore):
            raise refusal(operation, f"semaphore is {semaphore!r}: it is a Semaphore")
        if getattr(semaphore._device, "domain", None) != self.domain:
            return frozenset()
        as_object(operation, "semaphore", semaphore, self._semaphores, self.domain)
        return USES_OF_A_SEMAPHORE

    @slot()
    def query_i64(self, category: str, key: str) -> int:
        known = self._configuration()
        try:
            return known[category, key]
        except (KeyError, TypeError):
            raise HalError(
                StatusCode.NOT_FOUND,
                "Device.query_i64",
                f"{category!r}, {key!r} is unknown: there are {sorted(known)}",
                driver=self.driver_name,
                slot="query_i64",
            ) from None

    def _configuration(self) -> dict[tuple[str, str], int]:
        """What `query_i64` tells, by category and key."""
        return {("hal.device", "concurrency"): 1}

    # -- submission -------------------------------------------------------------------

    def _queue_operation(self, name: str) -> str:
        """The operation's name in messages. Raises where the device is lost, and
        FAILED_PRECONDITION outside a group."""
        operation = f"Device.{name}"
        self.loss.check(operation)
        if self._topology.info is None:
            raise HalError(
                StatusCode.FAILED_PRECONDITION,
                operation,
                f"{self._describe()} is in no group: its queue works from then on",
                driver=self.driver_name,
                slot=name,
            )
        return operation

    def _queue(
        self,
        operation: str,
        work: Sequence[W],
        used: Sequence[DeviceObject],
        wait: SemaphoreList,
        signal: SemaphoreList,
    ) -> None:
        """Checks the two lists, and submits."""
        kind = self._semaphores
        waits = as_timepoints(operation, "wait", wait, kind, self.domain)
        signals = as_timepoints(operation, "signal", signal, kind, self.domain)
        check_signals(operation, signals)
        self._submit(Operation(operation, work, used, waits, signals))  # type: ignore[arg-type]
