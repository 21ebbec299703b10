"""Programs that cases run in a process of their own: what happens at its exit, and in a fork.

    python -m cts.plugin.exit_scenarios exit-with-live-group DRIVER
    python -m cts.plugin.exit_scenarios fork DRIVER

Each prints ``ok`` when all is as the contract asks, and what is not otherwise.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

from cts import registry
from cts.hal import Device, DeviceGroup, HalError, StatusCode, slots

CALLS: dict[str, Callable[[Device], object]] = {
    "query_capabilities": lambda device: device.query_capabilities(),
    "topology_info": lambda device: device.topology_info,
    "assign_topology_info": lambda device: device.assign_topology_info(None),
    "allocator": lambda device: device.allocator,
    "create_semaphore": lambda device: device.create_semaphore(),
    "queue_barrier": lambda device: device.queue_barrier(),
    "create_command_buffer": lambda device: device.create_command_buffer(),
    "trim": lambda device: device.trim(),
}
"""A call of each slot that needs no other object."""

_alive: list[object] = []


def exit_with_live_group(driver_name: str) -> None:
    """Leaves a group, its device and where possible its objects alive at interpreter exit."""
    driver = registry.load(driver_name)()
    device = driver.create_device()
    group = DeviceGroup.from_device(device)
    _alive.extend((driver, device, group))
    if driver.properties.work:
        buffer, semaphore = device.allocator.allocate(64), device.create_semaphore()
        _alive.extend((buffer, semaphore))
    print("ok")


def fork(driver_name: str) -> None:
    """Forks with a group alive: in the child every slot refuses, in the parent all goes on."""
    driver = registry.load(driver_name)()
    device = driver.create_device()
    group = DeviceGroup.from_device(device)
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(write, "\n".join(_in_child(device, group)).encode())
        sys.exit(0)
    os.close(write)
    with os.fdopen(read) as answers:
        faults = answers.read().splitlines()
    _, status = os.waitpid(child, 0)
    if status:
        faults.append(f"the child ended with status {status}")
    faults += _in_parent(device, group)
    driver.close()
    print("\n".join(faults) or "ok")


def _in_child(device: Device, group: DeviceGroup) -> list[str]:
    faults = []
    for name in slots():
        if name in CALLS:
            try:
                answer = CALLS[name](device)
            except HalError as error:
                if error.code is not StatusCode.FAILED_PRECONDITION:
                    faults.append(f"in the child {name} raised {error}")
            else:
                faults.append(f"in the child {name} answered {answer!r}")
    destroyed: list[str] = []
    device.__dict__["_destroy"] = lambda: destroyed.append("device")
    group.__dict__["_destroy"] = lambda: destroyed.append("group")
    group.release()
    device.release()
    device.release()
    return faults + [f"the child destroyed the {thing}" for thing in destroyed]


def _in_parent(device: Device, group: DeviceGroup) -> list[str]:
    faults = []
    info = device.topology_info
    if info is None or info.topology is not group.topology:
        faults.append(f"in the parent topology_info is {info!r}")
    device.query_capabilities()
    group.release()
    if device.topology_info is not None:
        faults.append("in the parent the device is still in the group")
    device.release()
    return faults


SCENARIOS: dict[str, Callable[[str], None]] = {
    "exit-with-live-group": exit_with_live_group,
    "fork": fork,
}

if __name__ == "__main__":
    SCENARIOS[sys.argv[1]](sys.argv[2])
