"""A driver tried in a child process, so that nothing it does can take the run down.

The child imports the driver, constructs it, asks whether it is available, enumerates, creates
devices, checks each slot, forms a group and tears down. Before each step it writes one line, so
that a crash or a hang is blamed on the step it happened in. `availability` stops after asking.

    probe("cuda").status    # "available", "unavailable" or "broken"
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
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
from cts.limits import MAX_OUTPUT, PROBE_STEP_TIMEOUT
from cts.processes import half_of_the_memory, how_it_ended, resident, tail
from cts.results import DriverRecord
from cts.results.encoding import encoded
from cts.slot_checks import SlotFault, check_slot, work_slot_faults

Mode = Literal["available", "devices", "full"]
"""How far a driver is tried: whether it is here, what devices it has, everything."""

_POLL = 0.02
_STDERR_TAIL = 400


# -- parent -------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Task:
    """What a child is to do, and when to give it up."""

    mode: Mode
    timeout: float
    device: str | None = None
    memory: int | None = None
    """Bytes; half of the machine's for none."""
    stop: threading.Event = field(default_factory=threading.Event)


def picks(pattern: str | None, path: str, name: str) -> bool:
    """Whether a pattern, if there is one, is that of a device of this path and name."""
    return pattern is None or fnmatchcase(path, pattern) or fnmatchcase(name, pattern)


def probe(driver: str, timeout: float = PROBE_STEP_TIMEOUT) -> DriverRecord:
    """Tries everything that a driver needs before its cases can run."""
    return _run_children([driver], _Task("full", timeout))[driver]


def probe_all(
    drivers: Sequence[str],
    timeout: float = PROBE_STEP_TIMEOUT,
    device: str | None = None,
    memory: int | None = None,
) -> dict[str, DriverRecord]:
    """`probe` for several drivers side by side, each in a child of its own.

    With a pattern as `device` each is tried on the devices that it picks. None may take more than
    so many bytes of `memory`.
    """
    task = _Task("full", timeout, device, memory)

    def try_one(driver: str) -> DriverRecord:
        return _run_children([driver], task)[driver]

    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        try:
            return dict(zip(drivers, pool.map(try_one, drivers), strict=True))
        except BaseException:  # Ctrl-C: leaving the block would wait for the others
            task.stop.set()
            raise


def availability(
    drivers: Sequence[str],
    timeout: float = PROBE_STEP_TIMEOUT,
    *,
    devices: bool = False,
    memory: int | None = None,
) -> dict[str, DriverRecord]:
    """Imports each driver and asks whether it is available; one child for all, while it lives.

    With `devices` those that are have their devices enumerated.
    """
    mode: Mode = "devices" if devices else "available"
    return _run_children(drivers, _Task(mode, timeout, memory=memory))


def _run_children(drivers: Sequence[str], task: _Task) -> dict[str, DriverRecord]:
    records: dict[str, DriverRecord] = {}
    while waiting := [driver for driver in drivers if driver not in records]:
        found = _run_child(waiting, task)
        records |= found
        if len(found) > 1:  # whose fault it is shows only when each is alone
            bad_end = any(record.exit_fault for record in found.values())
            for driver, record in found.items():
                if bad_end or record.status == "broken":
                    records |= _run_child([driver], task)
    return {driver: records[driver] for driver in drivers}


def _run_child(drivers: Sequence[str], task: _Task) -> dict[str, DriverRecord]:
    """Records of the drivers that one child got through, the last one perhaps by its death."""
    with tempfile.TemporaryDirectory(prefix="hal-cts-probe-") as folder:
        log, stderr = Path(folder, "log"), Path(folder, "stderr")
        log.touch()
        orders = json.dumps({"mode": task.mode, "device": task.device, "drivers": list(drivers)})
        with stderr.open("wb") as noise:
            child = subprocess.Popen(
                [sys.executable, "-P", "-m", "cts.probe", str(log), orders],
                env=os.environ | {"PYTHONPATH": os.pathsep.join(map(str, sys.path))},
                stdin=subprocess.DEVNULL,
                stdout=noise,
                stderr=noise,
                start_new_session=True,
            )
        try:
            ending = _wait(child, log, stderr, task)
        finally:
            _kill(child)
        records, current, stage = _read_log(log)
        if ending:
            said = tail(stderr, _STDERR_TAIL).strip()
            last_line = said.splitlines()[-1] if said else ""
            reason = f"{ending}; {last_line}" if last_line else ending
            if current is None and records:  # every driver was through: the exit itself
                current = list(records)[-1]
                records[current] = msgspec.structs.replace(records[current], exit_fault=reason)
            else:
                current = current or drivers[0]
                records[current] = DriverRecord(
                    driver=current, status="broken", reason=reason, stage=stage or "start"
                )
        return records


def _wait(child: subprocess.Popen[bytes], log: Path, printed: Path, task: _Task) -> str:
    """Waits for the child's end, or for no progress; how it ended, empty when orderly."""
    seen, since = 0, time.monotonic()
    memory = task.memory or half_of_the_memory()
    while (code := child.poll()) is None:
        size = log.stat().st_size
        if size != seen:
            seen, since = size, time.monotonic()
        if time.monotonic() - since > task.timeout:
            return f"no answer within {task.timeout:g} s"
        if (used := resident(child.pid)) > memory:
            return f"it took {used >> 20} MiB of memory"
        if (size := printed.stat().st_size) > MAX_OUTPUT:
            return f"it printed {size >> 20} MiB"
        if task.stop.wait(_POLL):
            return "given up"
    return how_it_ended(code) if code or not _is_complete(log) else ""


def _is_complete(log: Path) -> bool:
    return log.read_bytes().endswith(b'{"end": true}\n')


def _kill(child: subprocess.Popen[bytes]) -> None:
    """Ends whatever is left of the child and of what it started."""
    with suppress(ProcessLookupError):  # all of it may be gone already
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()


def _read_log(log: Path) -> tuple[dict[str, DriverRecord], str | None, str]:
    """Finished records, and the driver and stage that were in progress."""
    records: dict[str, DriverRecord] = {}
    current, stage = None, ""
    for line in log.read_bytes().splitlines(keepends=True):
        if not line.endswith(b"\n"):
            break
        entry = json.loads(line)
        if "record" in entry:
            record = msgspec.convert(entry["record"], DriverRecord)
            records[record.driver] = record
            current = None
        elif "stage" in entry:
            current, stage = entry["driver"], entry["stage"]
    return records, current, stage


# -- child --------------------------------------------------------------------------------


class _Trial:
    """One driver's way through the steps, in the child."""

    def __init__(
        self, name: str, device: str | None, write: Callable[[dict[str, Any]], None]
    ) -> None:
        self._name = name
        self._device = device
        self._write = write
        self._stage = "start"

    def run(self, mode: Mode) -> DriverRecord:
        """Everything up to the first step that fails."""
        try:
            return self._steps(mode)
        except HalError as error:
            absent = error.code is StatusCode.UNAVAILABLE and self._stage in _BEFORE_DEVICES
            return self._ended("unavailable" if absent else "broken", describe(error))
        except Exception as error:
            return self._ended("broken", describe(error))

    def _ended(self, status: Any, reason: str) -> DriverRecord:
        return DriverRecord(driver=self._name, status=status, reason=reason, stage=self._stage)

    def _enter(self, stage: str) -> None:
        self._stage = stage
        self._write({"driver": self._name, "stage": stage})

    def _steps(self, mode: Mode) -> DriverRecord:
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
        if mode == "available":
            return self._ended("available", "")
        with driver:
            return self._try_devices(driver, mode)

    def _try_devices(self, driver: Driver, mode: Mode) -> DriverRecord:
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
            "properties": asdict(driver.properties),
        }
        record = msgspec.convert(plain, DriverRecord)  # which holds what the driver says to types
        picked = [info for info in infos if picks(self._device, info.path, info.name)]
        if mode == "devices" or not picked:
            return record
        return self._try_slots(driver, picked, record)

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


_BEFORE_DEVICES = ("import", "construct", "available", "enumerate")


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


def main(log_path: str, orders: str) -> None:
    """The child: tries the drivers in order."""
    task = json.loads(orders)
    with open(log_path, "a", buffering=1, encoding="utf-8") as log:

        def write(entry: dict[str, Any]) -> None:
            log.write(json.dumps(entry) + "\n")

        for name in task["drivers"]:
            record = _Trial(name, task["device"], write).run(task["mode"])
            write({"driver": name, "record": json.loads(encoded(record))})
        write({"end": True})


if __name__ == "__main__":
    main(*sys.argv[1:])
