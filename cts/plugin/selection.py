"""Which drivers take part, and what their probes found.

Named drivers must exist and be available: anything else ends the session before any case of any
driver (exit 4). Without names every available driver takes part, and a broken one too, so that it
is not passed over in silence; `mock` takes part by name only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pytest

from cts import registry
from cts.plugin.options import Options
from cts.probe import availability, picks, probe_all
from cts.results import DriverRecord

BY_NAME_ONLY = frozenset({"mock"})


@dataclass
class Selection:
    """The drivers of a run.

    Attributes
    ----------
    named : whether they were named on the command line.
    records : what is known of each selected driver, in the order of selection.
    absent : reason for each registered driver that does not take part.
    """

    named: bool
    records: dict[str, DriverRecord] = field(default_factory=dict)
    absent: dict[str, str] = field(default_factory=dict)
    probed: bool = False

    @classmethod
    def of_named(cls, options: Options) -> Selection:
        """The drivers named. Raises UsageError for an unknown or an unavailable one."""
        known = registry.names()
        unknown = [name for name in options.drivers if name not in known]
        if unknown:
            raise pytest.UsageError(
                f"--driver: unknown driver {', '.join(map(repr, unknown))};"
                f" there are: {', '.join(known) or 'none'}"
            )
        if options.probe:
            records = _probed(options.drivers, options)
        else:
            records = _availability(options.drivers, options)
        absent = [record for record in records.values() if record.status == "unavailable"]
        lines = [f"driver {record.driver!r} is not here: {record.reason}" for record in absent]
        for record in records.values():
            if unmatched := _device_mismatch(record, options):
                lines.append(f"driver {record.driver!r}: {unmatched}")
        if lines:
            raise pytest.UsageError("\n".join(lines))
        return cls(named=True, records=records, probed=options.probe)

    @classmethod
    def of_available(cls, options: Options) -> Selection:
        """Every registered driver that is available here, or broken."""
        names = [name for name in registry.names() if name not in BY_NAME_ONLY]
        found = _availability(names, options)
        selection = cls(named=False, absent=dict.fromkeys(BY_NAME_ONLY, "by name only"))
        for name, record in found.items():
            if record.status == "unavailable":
                selection.absent[name] = record.reason
            elif unmatched := _device_mismatch(record, options):
                selection.absent[name] = unmatched
            else:
                selection.records[name] = record
        return selection

    def probe(self, options: Options) -> None:
        """Probes the drivers that have not been, if the options want it."""
        if options.probe and not self.probed:
            available = [name for name, r in self.records.items() if r.status == "available"]
            self.records |= _probed(available, options)
            self.probed = True

    def to_plain(self) -> dict[str, Any]:
        """As data for another process."""
        return {
            "named": self.named,
            "records": msgspec.to_builtins(self.records),
            "absent": self.absent,
            "probed": self.probed,
        }

    @classmethod
    def from_plain(cls, plain: dict[str, Any]) -> Selection:
        """What `to_plain` gave."""
        records = msgspec.convert(plain["records"], dict[str, DriverRecord])
        return cls(plain["named"], records, plain["absent"], plain["probed"])


def _probed(drivers: Sequence[str], options: Options) -> dict[str, DriverRecord]:
    return probe_all(drivers, options.probe_timeout, options.device, options.memory_limit)


def _availability(drivers: Sequence[str], options: Options) -> dict[str, DriverRecord]:
    return availability(
        drivers,
        options.probe_timeout,
        devices=options.device is not None,
        memory=options.memory_limit,
    )


def _device_mismatch(record: DriverRecord, options: Options) -> str:
    """That ``--device`` picks none of a driver's devices; empty where it does, or none is known."""
    devices = [(device.path, device.name) for device in record.devices]
    if not devices or any(picks(options.device, *device) for device in devices):
        return ""
    found = ", ".join(f"{path!r} ({name})" for path, name in devices)
    return f"--device {options.device!r} matches none of: {found}"
