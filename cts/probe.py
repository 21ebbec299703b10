"""A driver tried in a child process, so that nothing it does can take the run down.

`trial` is the child's side, and writes a log of its steps; this one starts it, keeps its time and
reads what it wrote. Where a driver reaches several implementations, each that is to be used has a
child of its own. `availability` stops after asking.

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
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

import msgspec

from cts.limits import MAX_OUTPUT, PROBE_STEP_TIMEOUT
from cts.processes import half_of_the_memory, how_it_ended, resident, tail
from cts.results import DriverRecord, column_name
from cts.results.encoding import encoded
from cts.trial import Mode, Orders

_Subject = TypeVar("_Subject")
_POLL = 0.02
_STDERR_TAIL = 400


@dataclass(frozen=True)
class _Task:
    """What a child is to do, and when to give it up."""

    mode: Mode
    timeout: float
    device: str | None = None
    implementation: str | None = None
    memory: int | None = None
    """Bytes; half of the machine's for none."""
    validation: bool = False
    stop: threading.Event = field(default_factory=threading.Event)


@dataclass
class _Found:
    """What became of a driver in a child.

    Attributes
    ----------
    implementations : those to use in turn; known once the driver has enumerated.
    """

    record: DriverRecord
    implementations: list[str] = field(default_factory=list)


def probe(driver: str, timeout: float = PROBE_STEP_TIMEOUT) -> DriverRecord:
    """Tries everything that a driver needs before its cases can run."""
    return next(iter(probe_all([driver], timeout).values()))


def probe_all(
    drivers: Sequence[str],
    timeout: float = PROBE_STEP_TIMEOUT,
    device: str | None = None,
    memory: int | None = None,
    *,
    validation: bool = False,
) -> dict[str, DriverRecord]:
    """`probe` for several drivers side by side, each in a child of its own; by column.

    With a pattern as `device` each is tried on the devices that it picks, those of one
    implementation after the other. None may take more than so many bytes of `memory`.
    """
    task = _Task("full", timeout, device, memory=memory, validation=validation)

    def try_one(driver: str) -> list[DriverRecord]:
        first = _run_children([driver], task)[driver]
        tried = first.record.implementation
        others = [one for one in first.implementations if one != tried]
        return [first.record, *(_of_implementation(driver, one, task) for one in others)]

    return _side_by_side(try_one, drivers, task)


def probe_columns(
    records: Sequence[DriverRecord],
    timeout: float = PROBE_STEP_TIMEOUT,
    device: str | None = None,
    memory: int | None = None,
    *,
    validation: bool = False,
) -> dict[str, DriverRecord]:
    """The same for drivers of which it is known already which implementations are used."""
    task = _Task("full", timeout, device, memory=memory, validation=validation)

    def try_one(record: DriverRecord) -> list[DriverRecord]:
        return [_of_implementation(record.registered, record.implementation, task)]

    return _side_by_side(try_one, records, task)


def availability(
    drivers: Sequence[str],
    timeout: float = PROBE_STEP_TIMEOUT,
    *,
    devices: bool = False,
    memory: int | None = None,
    validation: bool = False,
) -> dict[str, DriverRecord]:
    """Imports each driver and asks whether it is available; one child for all, while it lives.

    With `devices` those that are have their devices enumerated.
    """
    mode: Mode = "devices" if devices else "available"
    task = _Task(mode, timeout, memory=memory, validation=validation)
    return {name: found.record for name, found in _run_children(drivers, task).items()}


def _of_implementation(driver: str, implementation: str, task: _Task) -> DriverRecord:
    return _run_children([driver], replace(task, implementation=implementation))[driver].record


def _side_by_side(
    try_one: Callable[[_Subject], list[DriverRecord]], subjects: Sequence[_Subject], task: _Task
) -> dict[str, DriverRecord]:
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        try:
            records = [record for found in pool.map(try_one, subjects) for record in found]
        except BaseException:  # Ctrl-C: leaving the block would wait for the others
            task.stop.set()
            raise
    return {record.driver: record for record in records}


def _run_children(drivers: Sequence[str], task: _Task) -> dict[str, _Found]:
    everything: dict[str, _Found] = {}
    while waiting := [driver for driver in drivers if driver not in everything]:
        found = _run_child(waiting, task)
        everything |= found
        if len(found) > 1:  # whose fault it is shows only when each is alone
            bad_end = any(one.record.exit_fault for one in found.values())
            for driver, one in found.items():
                if bad_end or one.record.status == "broken":
                    everything |= _run_child([driver], task)
    return {driver: everything[driver] for driver in drivers}


def _run_child(drivers: Sequence[str], task: _Task) -> dict[str, _Found]:
    """Records of the drivers that one child got through, the last one perhaps by its death."""
    with tempfile.TemporaryDirectory(prefix="hal-cts-probe-") as folder:
        log, stderr = Path(folder, "log"), Path(folder, "stderr")
        log.touch()
        orders = Orders(
            mode=task.mode,
            drivers=drivers,
            device=task.device,
            implementation=task.implementation,
            validation=task.validation,
        )
        with stderr.open("wb") as noise:
            child = subprocess.Popen(
                [sys.executable, "-P", "-m", "cts.trial", str(log), encoded(orders)],
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
        steps = _read_log(log, task)
        if ending:
            said = tail(stderr, _STDERR_TAIL).strip()
            last_line = said.splitlines()[-1] if said else ""
            _blame(steps, drivers, f"{ending}; {last_line}" if last_line else ending)
        return steps.found


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


@dataclass
class _Steps:
    """What a child has written down.

    Attributes
    ----------
    found : of each driver that it was through with.
    current, stage : the driver and the step that it was at; no driver between two.
    implementation, implementations : of the current driver, once they are known.
    """

    found: dict[str, _Found] = field(default_factory=dict)
    current: str | None = None
    stage: str = ""
    implementation: str = ""
    implementations: list[str] = field(default_factory=list)


def _read_log(log: Path, task: _Task) -> _Steps:
    start = task.implementation or ""
    steps = _Steps(implementation=start)
    for line in log.read_bytes().splitlines(keepends=True):
        if not line.endswith(b"\n"):
            break
        entry = json.loads(line)
        if "record" in entry:
            record = msgspec.convert(entry["record"], DriverRecord)
            steps.found[entry["driver"]] = _Found(record, steps.implementations)
            steps = _Steps(steps.found, None, steps.stage, start)
        elif "stage" in entry:
            steps.current, steps.stage = entry["driver"], entry["stage"]
        elif "implementation" in entry:
            steps.implementation = entry["implementation"]
            steps.implementations = entry["implementations"]
    return steps


def _blame(steps: _Steps, drivers: Sequence[str], reason: str) -> None:
    """Puts the child's bad end down to the driver that it was at."""
    if steps.current is None and steps.found:  # every driver was through: the exit itself
        last = list(steps.found.values())[-1]
        last.record = msgspec.structs.replace(last.record, exit_fault=reason)
        return
    driver = steps.current or drivers[0]
    record = DriverRecord(
        driver=column_name(driver, steps.implementation),
        implementation=steps.implementation,
        status="broken",
        reason=reason,
        stage=steps.stage or "start",
    )
    steps.found[driver] = _Found(record, steps.implementations)
