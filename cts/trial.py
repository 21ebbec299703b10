"""A driver's way through the steps of its probe, in the child process that `probe` starts.

    python -m cts.trial LOG ORDERS

1. The driver is imported, constructed, and asked whether it is available; with ``--validation`` its
   backend's checks are turned on.
2. It enumerates; of its devices those to use are picked, of one implementation.
3. It creates devices, each slot is checked, a group is formed and torn down.

Before each step one line goes into the log, so that a crash or a hang is blamed on the step that it
happened in; the last line of a driver is its record.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any, Literal

import msgspec

from cts import registry
from cts.hal import (
    Device,
    DeviceCapabilities,
    DeviceGroupBuilder,
    DeviceInfo,
    Driver,
    HalError,
    StatusCode,
    implements,
    slots,
)
from cts.implementations import column, implementations, picked
from cts.results import DriverRecord, column_name
from cts.results.encoding import encoded
from cts.slot_checks import SlotFault, check_slot, work_slot_faults
from cts.validation import Messages, told

Mode = Literal["available", "devices", "full"]
"""How far a driver is tried: whether it is here, what devices it has, everything."""

VALIDATE, VALIDATION = "validate", "validation"
"""The stage at which a backend's checks are turned on, and that of what they found."""

_ABSENT: dict[str, frozenset[StatusCode]] = {
    **dict.fromkeys(
        ("import", "construct", "available", "enumerate"), frozenset({StatusCode.UNAVAILABLE})
    ),
    VALIDATE: frozenset({StatusCode.UNAVAILABLE, StatusCode.UNIMPLEMENTED}),
}
"""The codes by which a driver says, at a stage, that it is not here."""


class Orders(msgspec.Struct, frozen=True, kw_only=True):
    """What a child is to do.

    Attributes
    ----------
    device : a pattern for the devices to use.
    implementation : theirs; that of the first one picked, for none.
    validation : whether what the backend says of its use is a fault.
    """

    mode: Mode
    drivers: Sequence[str]
    device: str | None
    implementation: str | None
    validation: bool


class _Trial:
    """One driver's way through the steps, in the child."""

    def __init__(self, name: str, orders: Orders, write: Callable[[dict[str, Any]], None]) -> None:
        self._name = name
        self._orders = orders
        self._implementation = orders.implementation or ""
        self._write = write
        self._stage = "start"
        self._messages = Messages()
        self._said: list[str] = []

    def run(self) -> DriverRecord:
        """Everything up to the first step that fails, and what the backend said meanwhile."""
        record = self._tried()
        self._note_messages()
        if not self._said or record.status == "unavailable":
            return record
        if record.status == "broken":
            return msgspec.structs.replace(record, reason=f"{record.reason}; {told(self._said)}")
        reason = "; ".join(self._said)
        return msgspec.structs.replace(record, status="broken", stage=VALIDATION, reason=reason)

    def _tried(self) -> DriverRecord:
        try:
            return self._steps()
        except HalError as error:
            absent = error.code in _ABSENT.get(self._stage, ())
            return self._ended("unavailable" if absent else "broken", describe(error))
        except Exception as error:
            return self._ended("broken", describe(error))

    def _ended(self, status: Any, reason: str) -> DriverRecord:
        return DriverRecord(
            driver=column_name(self._name, self._implementation),
            implementation=self._implementation,
            status=status,
            reason=reason,
            stage=self._stage,
        )

    def _enter(self, stage: str) -> None:
        self._note_messages()
        self._stage = stage
        self._write({"driver": self._name, "stage": stage})

    def _note_messages(self) -> None:
        self._said += [f"at {self._stage}: {line}" for line in self._messages.take()]

    def _steps(self) -> DriverRecord:
        self._enter("import")
        kind = registry.load(self._name)
        self._enter("construct")
        driver = kind()
        self._enter("available")
        absent = driver.available()
        if absent is not None:
            if not isinstance(absent, HalError) or absent.code is not StatusCode.UNAVAILABLE:
                return self._ended("broken", f"available() answered {describe(absent)}")
            return self._ended("unavailable", describe(absent))
        if self._orders.validation:
            self._enter(VALIDATE)
            driver.validate(self._messages.report)
        if self._orders.mode == "available":
            return self._ended("available", "")
        if self._orders.mode == "devices":  # its end is the session's to see
            return self._try_devices(driver)
        with driver:
            return self._try_devices(driver)

    def _try_devices(self, driver: Driver) -> DriverRecord:
        self._enter("enumerate")
        infos = list(driver.enumerate())
        if not infos:
            return self._ended("broken", "enumerate() found no device")
        plain = {
            "record": "driver",
            "driver": self._name,
            "status": "available",
            "version": driver.version,
            "devices": [asdict(info) for info in infos],
        }
        record = msgspec.convert(plain, DriverRecord)  # which holds what the driver says to types
        used = picked(infos, self._orders.device, self._orders.implementation)
        if self._orders.mode == "devices":
            return record
        if not used:
            return self._unpicked(record)
        self._implementation = used[0].implementation
        of_each = implementations(infos, self._orders.device)
        chosen = {"implementation": self._implementation, "implementations": of_each}
        self._write({"driver": self._name, **chosen})
        self._enter("select")
        driver.select(used)
        record = column(record, self._implementation)
        plain = msgspec.to_builtins(record) | {"properties": asdict(driver.properties)}
        return self._try_slots(driver, used, msgspec.convert(plain, DriverRecord))

    def _unpicked(self, record: DriverRecord) -> DriverRecord:
        if self._orders.implementation is None:  # it is the user's pattern that matches nothing
            return record
        return self._ended("broken", f"it has no devices of {self._implementation!r} any more")

    def _try_slots(
        self, driver: Driver, infos: list[DeviceInfo], record: DriverRecord
    ) -> DriverRecord:
        def make_device(number: int = 0) -> Device:
            return driver.create_device(infos[number % len(infos)])

        self._enter("create_device")
        with make_device() as device:
            check_name(device, self._name)
            record = msgspec.structs.replace(record, optional_slots=optional_slots(device))
        faults = self._core_faults(make_device)
        if not faults and driver.properties.work:
            self._enter("work slots")
            faults = work_slot_faults(make_device)
            if not all(slots()[name].kind == "work" for name in faults):
                raise AssertionError(f"not work slots: {', '.join(faults)}")
        texts = {name: str(fault) for name, fault in faults.items()}
        record = msgspec.structs.replace(record, slot_faults=texts)
        if any(slots()[name].kind == "core" for name in faults):
            return record
        self._enter("group")
        count = 1 if driver.properties.max_devices == 1 else 2
        return self._try_group([make_device(number) for number in range(count)], record)

    def _core_faults(self, make_device: Callable[[], Device]) -> dict[str, SlotFault]:
        faults = {}
        for name, slot in slots().items():
            if slot.kind == "core":
                self._enter(f"slot {name}")
                with make_device() as device:
                    try:
                        check_slot(name, device)
                    except SlotFault as fault:
                        faults[name] = fault
        return faults

    def _try_group(self, devices: list[Device], record: DriverRecord) -> DriverRecord:
        builder = DeviceGroupBuilder()
        for device in devices:
            builder.add_device(device)
        group = builder.finalize()
        record = msgspec.structs.replace(
            record,
            capabilities=[capabilities_to_json(device) for device in devices],
            topology=group.topology.to_plain(),
        )
        self._enter("tear-down")
        for device in devices:
            device.release()
        group.release()
        return record


def optional_slots(device: Device) -> list[str]:
    """Optional slots that a device's driver implements."""
    return [
        name
        for name, slot in slots().items()
        if slot.kind == "optional" and implements(device, name)
    ]


def check_name(device: Device, driver: str) -> None:
    """Raises `BrokenDriverError` where a device does not have its driver's name."""
    if device.driver_name != driver:
        raise registry.BrokenDriverError(
            f"its device has the driver_name {device.driver_name!r}: it is the driver's, {driver!r}"
        )


def describe(error: object) -> str:
    """An exception in one line, with its type unless it is a HalError."""
    text = str(error) if isinstance(error, HalError | registry.BrokenDriverError) else repr(error)
    return " ".join(text.split())


def capabilities_to_json(device: Device) -> dict[str, Any]:
    """A device's capabilities as plain data, with its identifier."""
    capabilities: DeviceCapabilities = device.query_capabilities()
    fields = asdict(capabilities)
    uuid = fields["physical_device_uuid"]
    plain = {name: int(value) for name, value in fields.items() if isinstance(value, int)}
    return {
        "identifier": device.identifier,
        "pci_address": device.pci_address,
        **plain,
        "physical_device_uuid": uuid and uuid.hex(),
    }


def main(log_path: str, given: str) -> None:
    """Tries the drivers in order."""
    orders = msgspec.json.decode(given, type=Orders)
    with open(log_path, "a", buffering=1, encoding="utf-8") as log:

        def write(entry: dict[str, Any]) -> None:
            log.write(json.dumps(entry) + "\n")

        for name in orders.drivers:
            record = _Trial(name, orders, write).run()
            write({"driver": name, "record": json.loads(encoded(record))})
        write({"end": True})


if __name__ == "__main__":
    main(*sys.argv[1:])
