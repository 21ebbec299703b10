"""The device: a table of slots.

A *slot* is a method (or property) declared with `@slot`, so that suites, documentation and
the probe can list them:

* *core* slots are required of every driver;
* *work* slots are required where `DriverProperties.work` is true;
* *optional* slots are implemented or refuse.

The base implementation of every slot raises UNIMPLEMENTED naming driver and slot; a driver
subclasses `Device` and overrides the slots it has. Slots are looked up on the instance, so a
slot of one device can be replaced by setting an attribute on it.

    class NullDevice(Device):
        driver_name = "null"

        def query_capabilities(self) -> DeviceCapabilities:
            return DeviceCapabilities()
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeVar

from .resource import Resource
from .status import HalError, StatusCode

if TYPE_CHECKING:
    from .capabilities import DeviceCapabilities, HandleType
    from .command_buffer import CommandBuffer
    from .edge import Edge
    from .event import Event
    from .executable import BufferRange, Executable, Workgroups
    from .memory import Allocator, Buffer
    from .semaphore import Semaphore, SemaphoreList
    from .topology_info import DeviceTopologyInfo

DEVICE_LOST = StatusCode.DATA_LOSS
"""What everything on a lost device ends with (LIF-14): not UNAVAILABLE, by which a backend is
absent, nor ABORTED, after which trying again can help."""

SlotKind = Literal["core", "work", "optional"]
AnsweredBy = Literal["driver", "adapter"]
F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True)
class Slot:
    """One entry of the device's table."""

    name: str
    kind: SlotKind
    signature: str
    summary: str


def slot(kind: SlotKind | None = None, *, answered_by: AnsweredBy = "driver") -> Callable[[F], F]:
    """Declares a slot (`kind`, on `Device` alone), or who answers it (on an override).

    ``@slot(answered_by="adapter")`` says that the answer is the adapter's own and not that of the
    driver underneath; what is proven by such slots alone does not count as the driver's.
    """

    def mark(function: F) -> F:
        function.__dict__["_slot"] = (kind, answered_by)
        return function

    return mark


class Device(Resource):
    """A device of some driver; subclasses fill in its slots.

    Attributes
    ----------
    driver_name : the driver's name. Devices of equal names are of one driver.
    pci_address : ``domain:bus:device.function`` where the device has one.
    wraps : the device that this one stands in for (a tracing wrapper), if any.
    """

    _teardown_rank: ClassVar[int] = 3
    _readable_when_sealed = frozenset({"identifier", "driver_name", "pci_address", "wraps"})

    driver_name: str = "unnamed"
    pci_address: str | None = None
    wraps: Device | None = None

    def __init__(self) -> None:
        super().__init__()
        self._membership: object | None = None
        self._references_claimed: int | None = None

    # -- core -------------------------------------------------------------------------

    @property
    @slot("core")
    def identifier(self) -> str:
        """Names the device among those of its driver; readable for as long as it is referenced."""
        raise unimplemented(self, "identifier")

    @slot("core")
    def query_capabilities(self) -> DeviceCapabilities:
        """What the device can do; empty capabilities are a valid answer.

        Works on a fresh device in no group, and answers the same at every time.
        """
        raise unimplemented(self, "query_capabilities")

    @property
    @slot("core")
    def topology_info(self) -> DeviceTopologyInfo | None:
        """The device's place in its group's topology; none outside a group."""
        raise unimplemented(self, "topology_info")

    @slot("core")
    def assign_topology_info(self, info: DeviceTopologyInfo | None) -> None:
        """Takes the device's place in a topology, or with None gives it up.

        Raises FAILED_PRECONDITION when a place is assigned already. A device that fails here
        restores itself: it has no topology info afterwards.
        """
        raise unimplemented(self, "assign_topology_info")

    @slot("core")
    def refine_topology_edge(self, dst: Device, edge: Edge) -> Edge:
        """The edge from this device to `dst` of the same driver, made better or worse than `edge`.

        `edge` is what the two capabilities give; a driver that knows no more returns it as is.
        """
        raise unimplemented(self, "refine_topology_edge")

    # -- work -------------------------------------------------------------------------

    @property
    @slot("work")
    def allocator(self) -> Allocator:
        """Makes the device's buffers."""
        raise unimplemented(self, "allocator")

    @slot("work")
    def create_semaphore(self, initial_value: int = 0) -> Semaphore:
        """A timeline semaphore with that payload."""
        raise unimplemented(self, "create_semaphore")

    @slot("work")
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
        """Repeats `pattern` (1, 2 or 4 bytes) over a range of `target`."""
        raise unimplemented(self, "queue_fill")

    @slot("work")
    def queue_update(
        self,
        data: bytes,
        target: Buffer,
        offset: int,
        *,
        wait: SemaphoreList = (),
        signal: SemaphoreList = (),
    ) -> None:
        """Writes `data`, captured at the call, at byte `offset` of `target`."""
        raise unimplemented(self, "queue_update")

    @slot("work")
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
        """Copies `length` bytes. Overlapping ranges of one buffer are INVALID_ARGUMENT."""
        raise unimplemented(self, "queue_copy")

    @slot("work")
    def queue_barrier(self, *, wait: SemaphoreList = (), signal: SemaphoreList = ()) -> None:
        """Signals `signal` once all of `wait` is reached; a failed wait fails the signals."""
        raise unimplemented(self, "queue_barrier")

    @slot("work")
    def create_command_buffer(self, binding_capacity: int = 0) -> CommandBuffer:
        """An empty command buffer, not yet recording.

        `binding_capacity` is how many places the tables of its executions have at most; more than
        0 where the driver declares `binding_tables`.
        """
        raise unimplemented(self, "create_command_buffer")

    @slot("work")
    def queue_execute(
        self,
        command_buffer: CommandBuffer,
        bindings: Sequence[BufferRange] = (),
        *,
        wait: SemaphoreList = (),
        signal: SemaphoreList = (),
    ) -> None:
        """Executes a recorded command buffer; `bindings` are what its slots stand for this time."""
        raise unimplemented(self, "queue_execute")

    # -- optional ---------------------------------------------------------------------

    @slot("optional")
    def queue_alloca(
        self, size: int, *, wait: SemaphoreList = (), signal: SemaphoreList = ()
    ) -> Buffer:
        """A buffer whose memory is there once `signal` is reached."""
        raise unimplemented(self, "queue_alloca")

    @slot("optional")
    def queue_dealloca(
        self, buffer: Buffer, *, wait: SemaphoreList = (), signal: SemaphoreList = ()
    ) -> None:
        """Gives the memory of a queue-allocated buffer back."""
        raise unimplemented(self, "queue_dealloca")

    @slot("optional")
    def queue_host_call(
        self,
        function: Callable[[], None],
        *,
        wait: SemaphoreList = (),
        signal: SemaphoreList = (),
    ) -> None:
        """Calls `function` on the host in queue order; its failure fails the signals."""
        raise unimplemented(self, "queue_host_call")

    @slot("optional")
    def create_executable(self, format: str, data: bytes) -> Executable:
        """Prepares device code from bytes of one of `DriverProperties.executable_formats`."""
        raise unimplemented(self, "create_executable")

    @slot("optional")
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
        """Runs an entry point of an executable; `constants` are its words, 4 bytes each."""
        raise unimplemented(self, "queue_dispatch")

    @slot("optional")
    def export_buffer(self, buffer: Buffer, handle_type: HandleType) -> object:
        """A handle through which another device can import the buffer's memory.

        The buffer was allocated with that kind among its `export_types`, else FAILED_PRECONDITION;
        a kind that the device does not export at all is UNIMPLEMENTED. The handle is the caller's:
        OPAQUE_FD a descriptor to close, SHM the name of a POSIX shared memory object, which is
        gone with the buffer, NATIVE the buffer itself.
        """
        raise unimplemented(self, "export_buffer")

    @slot("optional")
    def import_buffer(self, handle: object, handle_type: HandleType, size: int) -> Buffer:
        """A buffer over the first `size` bytes of memory that another device exported.

        The handle stays the caller's; the memory outlives the exporting buffer. Raises OUT_OF_RANGE
        for more bytes than there are, INVALID_ARGUMENT for what is no such handle, NOT_FOUND for a
        name that is not there, and UNIMPLEMENTED for a kind that the device does not import.
        """
        raise unimplemented(self, "import_buffer")

    @slot("optional")
    def export_semaphore(self, semaphore: Semaphore, handle_type: HandleType) -> object:
        """A handle through which another device can import the semaphore's timeline.

        A kind that the device does not export is UNIMPLEMENTED. The handle is the caller's:
        OPAQUE_FD a descriptor to close, NATIVE the semaphore itself.
        """
        raise unimplemented(self, "export_semaphore")

    @slot("optional")
    def import_semaphore(self, handle: object, handle_type: HandleType) -> Semaphore:
        """A semaphore over a timeline that another device exported; it outlives the exporter.

        The handle stays the caller's. Raises INVALID_ARGUMENT for what is no such handle, and
        UNIMPLEMENTED for a kind that the device does not import.
        """
        raise unimplemented(self, "import_semaphore")

    @slot("optional")
    def query_semaphore_compatibility(self, semaphore: Semaphore) -> frozenset[str]:
        """Of host_wait, host_signal, device_wait, device_signal: what works here with it."""
        raise unimplemented(self, "query_semaphore_compatibility")

    @slot("optional")
    def create_event(self) -> Event:
        """An event, for order within and between command buffers; not signalled at first."""
        raise unimplemented(self, "create_event")

    @slot("optional")
    def trim(self) -> None:
        """Gives cached memory back; objects in use are not touched."""
        raise unimplemented(self, "trim")

    @slot("optional")
    def query_i64(self, category: str, key: str) -> int:
        """A driver's configuration value. Raises NOT_FOUND for an unknown key."""
        raise unimplemented(self, "query_i64")

    # -- lifetime ---------------------------------------------------------------------

    def _check_releasable(self) -> None:
        # Objects that the driver makes and frees meanwhile come and go above the claim.
        if self._references_claimed is not None and self._references <= self._references_claimed:
            raise HalError(
                StatusCode.FAILED_PRECONDITION,
                "Device.release",
                f"{self._describe()} is being put into a group",
            )

    def _describe(self) -> str:
        return f"device {self.identifier!r} of driver {self.driver_name!r}"


def unimplemented(device: Device, name: str) -> HalError:
    """The error of a slot that a driver does not have."""
    return HalError(
        StatusCode.UNIMPLEMENTED,
        f"Device.{name}",
        f"driver {device.driver_name!r} does not implement the slot {name!r}",
        driver=device.driver_name,
        slot=name,
    )


def slot_function(member: object) -> Any:
    """The function behind a slot's method or property."""
    return member.fget if isinstance(member, property) else member


@cache
def slots() -> Mapping[str, Slot]:
    """Every slot of a device by name, in the table's order."""
    table = {}
    for name, member in vars(Device).items():
        function = slot_function(member)
        kind, _ = getattr(function, "_slot", (None, None))
        if kind is not None:
            signature = "" if isinstance(member, property) else str(inspect.signature(function))
            summary = (inspect.getdoc(function) or "").partition("\n")[0]
            table[name] = Slot(name, kind, signature, summary)
    return MappingProxyType(table)


def implements(device: Device, name: str) -> bool:
    """Whether the device has a slot of its own, not the one inherited from `Device`."""
    if name in vars(device):
        return True
    return getattr(type(device), name) is not getattr(Device, name)


def answered_by(device: Device, name: str) -> AnsweredBy:
    """Who answers a slot of this device: the driver, or the adapter on its behalf."""
    function = slot_function(getattr(type(device), name))
    answer: tuple[SlotKind | None, AnsweredBy] = getattr(function, "_slot", (None, "driver"))
    return answer[1]
