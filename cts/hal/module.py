"""Modules: what a program holds to reach its devices.

A module is created from a device group and retains it, so it may be the last to keep the devices
and their topology alive.
"""

from __future__ import annotations

from typing import ClassVar

from .device import Device
from .device_group import DeviceGroup
from .resource import Resource
from .status import HalError, StatusCode


class Module(Resource):
    """Gives devices only through the group that it was created from."""

    _teardown_rank: ClassVar[int] = 0

    def __init__(self, group: DeviceGroup) -> None:
        """Retains `group`.

        Raises FAILED_PRECONDITION for one that is destroyed, INVALID_ARGUMENT for anything else.
        """
        if not isinstance(group, DeviceGroup):
            raise HalError(
                StatusCode.INVALID_ARGUMENT, "Module", f"group is {group!r}: it is a DeviceGroup"
            )
        self._group = group.retain()
        super().__init__()

    @property
    def device_count(self) -> int:
        """Number of devices."""
        return self._group.device_count

    def device_at(self, index: int) -> Device:
        """The device at a topology index. Raises OUT_OF_RANGE, for negative ones too."""
        return self._group.device_at(index)

    def _destroy(self) -> None:
        self._group.release()

    def _abandon(self) -> None:
        super()._abandon()
        self._group.release()
