"""Which drivers take part, and what their probes found.

Named drivers must exist and be available: anything else ends the session before any case of any
driver (exit 4). Without names every available driver takes part, and a broken one too, so that it
is not passed over in silence; `mock` takes part by name only. A driver that reaches several
implementations takes part with each that is used, as if each were a driver.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pytest

from cts import registry
from cts.implementations import columns, mismatch
from cts.plugin.options import Options
from cts.probe import availability, probe_all, probe_columns
from cts.results import DriverRecord
from cts.trial import VALIDATE

BY_NAME_ONLY = frozenset({"mock"})


@dataclass
class Selection:
    """The drivers of a run.

    Attributes
    ----------
    named : whether they were named on the command line.
    records : what is known of each selected driver, by the name that its results go by, in the
        order of selection.
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
            records = probe_all(options.drivers, *_terms(options), validation=options.validation)
        else:
            records = _enumerated(options.drivers, options)
        absent = [record for record in records.values() if record.status == "unavailable"]
        lines = [_why_absent(record) for record in absent]
        for record in records.values():
            if unmatched := mismatch(record, options.device):
                lines.append(f"driver {record.driver!r}: {unmatched}")
        if lines:
            raise pytest.UsageError("\n".join(lines))
        if not options.probe:
            records = _by_column(records.values(), options)
        return cls(named=True, records=records, probed=options.probe)

    @classmethod
    def of_available(cls, options: Options) -> Selection:
        """Every registered driver that is available here, or broken."""
        names = [name for name in registry.names() if name not in BY_NAME_ONLY]
        found = _enumerated(names, options)
        selection = cls(named=False, absent=dict.fromkeys(BY_NAME_ONLY, "by name only"))
        for name, record in found.items():
            if record.status == "unavailable":
                selection.absent[name] = record.reason
            elif unmatched := mismatch(record, options.device):
                selection.absent[name] = unmatched
            else:
                selection.records |= _by_column([record], options)
        return selection

    def probe(self, options: Options) -> None:
        """Probes the drivers that have not been, if the options want it."""
        if options.probe and not self.probed:
            available = [r for r in self.records.values() if r.status == "available"]
            self.records |= probe_columns(
                available, *_terms(options), validation=options.validation
            )
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


def _terms(options: Options) -> tuple[float, str | None, int]:
    """What the probe of a driver is given, in its order."""
    return options.probe_timeout, options.device, options.memory_limit


def _enumerated(drivers: Sequence[str], options: Options) -> dict[str, DriverRecord]:
    """Drivers by name, with their devices, as far as they are here."""
    return availability(
        drivers,
        options.probe_timeout,
        devices=True,
        memory=options.memory_limit,
        validation=options.validation,
    )


def _by_column(records: Iterable[DriverRecord], options: Options) -> dict[str, DriverRecord]:
    every = [column for record in records for column in columns(record, options.device)]
    return {column.driver: column for column in every}


def _why_absent(record: DriverRecord) -> str:
    if record.stage == VALIDATE:
        return f"--validation: driver {record.driver!r}: {record.reason}"
    return f"driver {record.driver!r} is not here: {record.reason}"
