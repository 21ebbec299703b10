"""One driver that reaches several implementations: a Vulkan loader, and the ICDs behind it.

Devices of different implementations are never used together, and results of each stand apart: each
that is used has a column of its own, named as ``vulkan[lavapipe 22.3.6]``.

    columns(record, None)     # of the first implementation alone
    columns(record, "*")      # of each
"""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import TypeVar

import msgspec

from cts.hal import DeviceInfo
from cts.results import DeviceRecord, DriverRecord, column_name

_Device = TypeVar("_Device", DeviceInfo, DeviceRecord)


def picks(pattern: str | None, device: DeviceInfo | DeviceRecord) -> bool:
    """Whether a pattern, if there is one, is that of a device's path, name or implementation."""
    texts = [device.path, device.name, *filter(None, [device.implementation])]
    return pattern is None or any(fnmatchcase(text, pattern) for text in texts)


def picked(
    devices: Iterable[_Device], pattern: str | None, implementation: str | None = None
) -> list[_Device]:
    """The devices that a pattern picks of one implementation: of the first one's, if none is
    named."""
    found = [device for device in devices if picks(pattern, device)]
    if implementation is None and found:
        implementation = found[0].implementation
    return [device for device in found if device.implementation == implementation]


def implementations(
    devices: Iterable[DeviceInfo] | Iterable[DeviceRecord], pattern: str | None
) -> list[str]:
    """The implementations to use in turn: those of which a pattern picks a device; without a
    pattern the first."""
    found = dict.fromkeys(d.implementation for d in devices if picks(pattern, d))
    return list(found)[: 1 if pattern is None else None]


def mismatch(record: DriverRecord, pattern: str | None) -> str:
    """That ``--device`` picks none of a driver's devices; empty where it does, or none is known."""
    if not record.devices or any(picks(pattern, device) for device in record.devices):
        return ""
    found = ", ".join(
        f"{device.path!r} ({', '.join(filter(None, [device.name, device.implementation]))})"
        for device in record.devices
    )
    return f"--device {pattern!r} matches none of: {found}"


def columns(record: DriverRecord, pattern: str | None) -> list[DriverRecord]:
    """A record of each implementation to use, made of one with all devices of a driver."""
    return [
        column(record, implementation)
        for implementation in implementations(record.devices, pattern)
    ] or [record]


def column(record: DriverRecord, implementation: str) -> DriverRecord:
    """A driver's record, narrowed down to one implementation."""
    return msgspec.structs.replace(
        record,
        driver=column_name(record.driver, implementation),
        implementation=implementation,
        devices=[device for device in record.devices if device.implementation == implementation],
    )
