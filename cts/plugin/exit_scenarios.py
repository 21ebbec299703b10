"""Programs that cases run in a process of their own: what happens at its exit, and in a fork.

    python -m cts.plugin.exit_scenarios exit-with-live-group DRIVER [PATH...]
    python -m cts.plugin.exit_scenarios exit-with-pending-work DRIVER [PATH...]
    python -m cts.plugin.exit_scenarios fork DRIVER [PATH...]

They use the devices of these paths, or all of the driver's, of one implementation. Each prints
`VERDICT` and then ``ok`` when all is as the contract asks, and what is not otherwise, up to
`END_OF_WORK`; then that on the error stream as well, after which an orderly process has no
complaints.
"""

from __future__ import annotations

import inspect
import os
import signal
import sys
import warnings
from collections.abc import Callable, Sequence
from functools import partial
from itertools import cycle, islice

from cts import registry
from cts.hal import (
    Device,
    DeviceGroup,
    DeviceGroupBuilder,
    Driver,
    HalError,
    Module,
    Resource,
    StatusCode,
    slots,
)
from cts.implementations import picked

VERDICT = "-- the verdict --"
END_OF_WORK = "-- the end of the work --"
COMPLAINTS = ("Traceback", "Exception ignored", "Fatal", "ResourceWarning")
"""What an interpreter says when its end is not orderly; what else is printed is the driver's."""
CHILD_TIMEOUT = 10
"""Seconds after which a forked child that hangs is killed."""
AT_WORK = 8 << 20
"""Bytes of a fill that takes longer than its call."""
_IN_CHILD = "in the child "


def _call(name: str, device: Device) -> object:
    declared = vars(Device)[name]
    answer = getattr(device, name)
    if isinstance(declared, property):
        return answer
    parameters = list(inspect.signature(declared).parameters.values())[1:]
    return answer(*[None for parameter in parameters if parameter.default is parameter.empty])


CALLS: dict[str, Callable[[Device], object]] = {
    name: partial(_call, name) for name in slots() if name not in Device._readable_when_sealed
}
"""A call of each slot that can refuse, with nothing for every argument that it must have."""

_alive: list[object] = []


def _make(driver: Driver, paths: Sequence[str]) -> list[Resource]:
    """A module, its group and the group's devices: two where the driver can have two."""
    found = driver.enumerate()
    infos = picked([info for info in found if not paths or info.path in paths], None)
    driver.select(infos)
    count = min(2, driver.properties.max_devices or 2)
    devices = [driver.create_device(info) for info in islice(cycle(infos), count)]
    builder = DeviceGroupBuilder()
    for device in devices:
        builder.add_device(device)
    group = builder.finalize()
    return [Module(group), group, *devices]


def exit_with_live_group(driver: Driver, paths: Sequence[str]) -> list[str]:
    """Leaves module, group, devices and where possible their objects alive at interpreter exit."""
    things = _make(driver, paths)
    _alive.extend((driver, things))
    for device in things:
        if driver.properties.work and isinstance(device, Device):
            _alive.extend((device.allocator.allocate(64), device.create_semaphore()))
    return []


def exit_with_pending_work(driver: Driver, paths: Sequence[str]) -> list[str]:
    """The same with work on each device: a fill that may be under way, and a chain behind what
    nobody signals."""
    things = _make(driver, paths)
    _alive.extend((driver, things))
    for device in things:
        if isinstance(device, Device):
            buffer = device.allocator.allocate(AT_WORK)
            never, line = device.create_semaphore(), device.create_semaphore()
            commands = device.create_command_buffer()
            commands.begin()
            commands.fill(buffer, 0, AT_WORK, b"\x22")
            commands.end()
            device.queue_execute(commands, wait=[(never, 1)], signal=[(line, 1)])
            device.queue_barrier(wait=[(line, 1)], signal=[(line, 2)])
            device.queue_fill(buffer, 0, AT_WORK, b"\x11")
            _alive.extend((buffer, never, line, commands))
    return []


def fork(driver: Driver, paths: Sequence[str]) -> list[str]:
    """Forks with a group alive: in the child every slot refuses, in the parent all goes on."""
    things = _make(driver, paths)
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        signal.alarm(CHILD_TIMEOUT)
        os.dup2(write, 2)  # a complaint, at its exit too, is a fault
        for fault in _in_child(things):
            print(f"\n{_IN_CHILD}{fault}", file=sys.stderr, flush=True)
        sys.exit(0)
    os.close(write)
    with os.fdopen(read) as answers:
        said = answers.read()
    faults = [line for line in said.splitlines() if line.startswith(_IN_CHILD)]
    if any(word in said for word in COMPLAINTS):
        faults.append(f"the child said: {said.strip()}")
    _, status = os.waitpid(child, 0)
    if status:
        faults.append(f"the child ended with status {status}")
    faults += [f"in the parent {fault}" for fault in _in_parent(things)]
    driver.close()
    return faults


def _in_child(things: Sequence[Resource]) -> list[str]:
    faults = []
    for device in things:
        if isinstance(device, Device):
            faults += _unrefused_calls(device)
    destroyed: list[str] = []
    for thing in things:
        vars(thing)["_destroy"] = partial(destroyed.append, type(thing).__name__)
        for _ in range(thing.reference_count):
            thing.release()
    return faults + [f"{name} was destroyed" for name in destroyed]


def _unrefused_calls(device: Device) -> list[str]:
    faults = []
    for name, call in CALLS.items():
        try:
            answer = call(device)
        except HalError as error:
            if error.code is not StatusCode.FAILED_PRECONDITION:
                faults.append(f"{name} raised {error}")
        except Exception as error:
            faults.append(f"{name} raised {error!r}")
        else:
            faults.append(f"{name} answered {answer!r}")
    return faults


def _in_parent(things: Sequence[Resource]) -> list[str]:
    faults = []
    module, group, *devices = things
    assert isinstance(group, DeviceGroup)
    for device in devices:
        assert isinstance(device, Device)
        info = device.topology_info
        if info is None or info.topology is not group.topology:
            faults.append(f"topology_info is {info!r}")
        device.query_capabilities()
    module.release()
    group.release()
    for device in devices:
        assert isinstance(device, Device)
        if device.topology_info is not None:
            faults.append("a device is still in the group")
        device.release()
    return faults + [f"{thing!r} is alive" for thing in things if thing.reference_count > 0]


SCENARIOS: dict[str, Callable[[Driver, Sequence[str]], list[str]]] = {
    "exit-with-live-group": exit_with_live_group,
    "exit-with-pending-work": exit_with_pending_work,
    "fork": fork,
}

if __name__ == "__main__":
    warnings.filterwarnings("always", "(?s).* was collected with", ResourceWarning)
    found = SCENARIOS[sys.argv[1]](registry.load(sys.argv[2])(), sys.argv[3:])
    print(VERDICT, *(found or ["ok"]), END_OF_WORK, sep="\n", flush=True)
    print(END_OF_WORK, file=sys.stderr, flush=True)
