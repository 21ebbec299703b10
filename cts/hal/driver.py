"""Drivers: what a `cts.drivers` entry point names."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import ClassVar, Literal, Self

from .device import AnsweredBy, Device
from .module import Module
from .program import Program
from .status import HalError, StatusCode

ObtainedOn = Literal["hardware", "software", "stand-in", "no-device"]


@dataclass(frozen=True, kw_only=True)
class DeviceInfo:
    """A device that a driver could create."""

    path: str
    """Names the physical device within its driver, the same in every process."""
    name: str
    """What people call it."""
    obtained_on: ObtainedOn = "hardware"
    """On what a result from this device is obtained; a `stand-in` is a library of ours."""
    implementation: str = ""
    """What carries the device out beneath the driver, with its version, where a driver reaches
    several: a Vulkan ICD, as ``lavapipe 22.3.6``. Results of each stand apart."""


@dataclass(frozen=True, kw_only=True)
class DriverProperties:
    """Where honest drivers differ. Cases read these, the matrix shows them."""

    work: bool = True
    """Implements the work slots (memory, semaphores, queues), not the core ones alone."""
    link_information: bool = False
    """Knows the links between its devices, and refines their edges by them."""
    async_queue: bool = False
    """Takes a submission before what it waits for is signalled."""
    max_devices: int | None = None
    """Devices that can be alive at once; none for no limit."""
    max_semaphore_value: int = 2**63 - 1
    """Largest payload; at least 2**31 - 2."""
    max_semaphore_jump: int | None = None
    """Largest step of a payload in one signal; none for no limit."""
    out_of_range: Literal["recording", "submission", "later"] = "submission"
    """When a recorded range that leaves its buffer is reported."""
    queue_out_of_range: Literal["submission", "later"] = "submission"
    """When a queue operation's range that leaves its buffer is reported: by the call, or by the
    failure of its signals."""
    usage_enforced: bool = False
    """Refuses a use that the buffer was not allocated for."""
    max_allocation: int | None = None
    """Largest buffer, in bytes, at least 4,096; none where only memory limits it."""
    executable_formats: tuple[str, ...] = ()
    """Names of the formats of device code that it takes, the preferred one first."""
    binding_tables: bool = False
    """Commands may name a buffer by its place in a table that each execution brings."""
    binding_alignment: int = 1
    """Alignment, in bytes, of where in a buffer a binding starts; another is INVALID_ARGUMENT."""
    dealloca_takes_memory: bool = True
    """A queue's deallocation takes the memory at once; else it stays until the last release."""
    import_alignment: int = 1
    """Alignment, in bytes, of host memory that can be imported."""
    children: Literal["retain", "invalidate"] = "retain"
    """What keeps objects safe from their device's end: they retain it, or they become unusable."""
    objects_kept_by: AnsweredBy = "driver"
    """Who keeps references, lifetime and origin of buffers, semaphores and the like."""
    unreachable: tuple[str, ...] = ()
    """Optional slots, and methods as ``Executable.entry_points``, that the driver underneath has
    and that an adapter has no way to."""
    programs: bool = False
    """Has programs over several devices: `Driver.conformance_program` gives the suite's."""
    provokes_loss: bool = False
    """The suite can have a device lost: `Driver.provoke_loss` does it."""
    growth_per_device: int = 0
    """Resident memory, in bytes, that a created and destroyed device may leave behind."""


class Driver:
    """A backend: finds devices and creates them. Constructed without arguments.

    A driver is used in a ``with`` block; its devices may outlive it.
    """

    name: ClassVar[str]
    """The name it is selected by, the same as its entry point's."""
    native: ClassVar[bool] = True
    """Sits on a vendor's or runtime's library that has error codes of its own."""
    properties: DriverProperties = DriverProperties()
    version: str = ""
    """Version of what is underneath, known at the latest after `enumerate`."""

    def conformance_executable(self, format: str) -> bytes:
        """The kernels of `cts.work_cases.kernels` in one of its formats, for the suite to run.

        Raises UNIMPLEMENTED where it has no such code.
        """
        raise self._unimplemented(
            "conformance_executable", f"no kernels of the suite in the format {format!r}"
        )

    def conformance_program(self, module: Module) -> Program:
        """The program of `cts.work_cases.program` over the first two devices of a module.

        Raises UNIMPLEMENTED where `DriverProperties.programs` is not declared.
        """
        raise self._unimplemented(
            "conformance_program", "there are no programs over several devices"
        )

    def provoke_loss(self, device: Device) -> None:
        """Has a device lost, for good, as a fault of the hardware would: the suite looks at what
        becomes of it (LIF-14). Returns once it is lost; does nothing to one that is lost already.

        Raises UNIMPLEMENTED where `DriverProperties.provokes_loss` is not declared.
        """
        raise self._unimplemented("provoke_loss", "there is no way to have a device lost")

    def bare(self, info: DeviceInfo) -> object | None:
        """What benchmarks set beside the driver: the library underneath, on one of its devices, as
        whoever calls it directly would use it; none where there is no such thing.

        It has those methods of `cts.benchmarks.subjects.DriverSubject` that it can do, `release`
        among them.
        """
        return None

    def available(self) -> HalError | None:
        """None where the backend is usable, else an UNAVAILABLE error: the reason, what to install.

        Anything else that goes wrong here is a broken driver, not an absent one.
        """
        return None

    def validate(self, report: Callable[[str], None]) -> None:
        """Has the backend check how it is used, from here on: each message goes to `report`, on
        any thread. Called before the first device is made.

        Raises UNIMPLEMENTED where the backend has no checks of its own, and UNAVAILABLE, with what
        to install, where they are not here.
        """
        raise self._unimplemented("validate", "it has no checks of its own")

    def enumerate(self) -> list[DeviceInfo]:
        """The devices that `create_device` accepts, the default one first; never empty."""
        raise self._unimplemented("enumerate", f"{self.name} has none")

    def select(self, infos: Sequence[DeviceInfo]) -> None:
        """Tells which devices are going to be used, all of one implementation: `properties` are
        those of these devices from here on. Called before the first device is made.
        """

    def create_device(self, info: DeviceInfo | None = None) -> Device:
        """A new device in no group, for the caller to release; the default one without `info`.

        Creating from one `info` twice gives two logical devices of one physical device.
        Raises RESOURCE_EXHAUSTED past `properties.max_devices`.
        """
        raise self._unimplemented("create_device", f"{self.name} has none")

    def resolve(self, info: DeviceInfo | None) -> DeviceInfo:
        """The device to create: `info`, or the default one for none.

        Raises NOT_FOUND for one that is not enumerated.
        """
        infos = self.enumerate()
        if info is None:
            return infos[0]
        if info not in infos:
            raise HalError(
                StatusCode.NOT_FOUND,
                "Driver.create_device",
                f"there is no device {info.path!r}; there are: "
                + ", ".join(repr(found.path) for found in infos),
                driver=self.name,
            )
        return info

    def close(self) -> None:
        """Gives back what the driver itself holds."""

    def _unimplemented(self, name: str, detail: str) -> HalError:
        return HalError(StatusCode.UNIMPLEMENTED, f"Driver.{name}", detail, driver=self.name)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
