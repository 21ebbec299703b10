"""What a device makes: objects that carry their origin and keep their device alive."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, NamedTuple

from .resource import Resource

if TYPE_CHECKING:
    from .device import Device


class ResourceOrigin(NamedTuple):
    """Where a buffer or semaphore comes from; 16 bytes in IREE, read on its hot path."""

    topology_index: int
    """The maker's index in its group's topology."""
    self_edge: int
    """The scheduling word of the maker's self edge."""


class DeviceObject(Resource):
    """A resource made by a device. It retains the device until it is destroyed itself."""

    _teardown_rank: ClassVar[int] = 2

    def __init__(self, device: Device) -> None:
        info = device.topology_info
        self._origin = (
            ResourceOrigin(info.topology_index, info.self_edge) if info is not None else None
        )
        self._device = device.retain()
        super().__init__()

    @property
    def device(self) -> Device:
        """The device that made this object."""
        return self._device

    @property
    def origin(self) -> ResourceOrigin | None:
        """The maker's place in its topology; none where it was in no group at that time."""
        return self._origin

    def _free(self) -> None:
        """Gives back the native side. Called once, while the device is still alive."""

    def _destroy(self) -> None:
        try:
            self._free()
        finally:
            self._device.release()

    def _abandon(self) -> None:
        super()._abandon()
        self._device.release()

    def _describe(self) -> str:
        return f"{type(self).__name__} of {self._device.identifier!r}"
